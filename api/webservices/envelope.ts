import { ERRORS, PublicError } from "../../core/errors.ts";
import type { XmlElement } from "../xml-reader.ts";
import { escapeText, wrapXml } from "../xml-writer.ts";
import { ENVELOPES, NAMESPACE, type SoapVersion } from "./namespaces.ts";

/** Refused for the envelope, for which SOAP has fault codes of its own. */
export class EnvelopeRefused extends PublicError {
  readonly fault: "VersionMismatch" | "MustUnderstand";
  constructor(fault: EnvelopeRefused["fault"], detail: string) {
    super("request_malformed", detail);
    this.fault = fault;
  }
}

/** The version of an envelope, and the one element in its body. Throws an EnvelopeRefused, or `request_malformed`. */
export function openEnvelope(root: XmlElement): { readonly version: SoapVersion; readonly call: XmlElement } {
  const version = (["1.1", "1.2"] as const).find((each) => ENVELOPES[each] === root.namespace);
  if (root.name !== "Envelope") throw new PublicError("request_malformed", "The root element here is a SOAP Envelope.");
  if (!version) throw new EnvelopeRefused("VersionMismatch", "SOAP 1.1 and 1.2 are spoken here.");
  const parts = root.children.filter(({ namespace }) => namespace === root.namespace);
  const headers = parts.filter(({ name }) => name === "Header").flatMap(({ children }) => children);
  const feared = headers.find((header) => mustUnderstand(header, root.namespace));
  if (feared) throw new EnvelopeRefused("MustUnderstand", `The header <${feared.name}> isn't understood.`);
  const bodies = parts.filter(({ name }) => name === "Body");
  const [call, ...others] = bodies.flatMap(({ children }) => children);
  if (!call || bodies.length > 1 || others.length > 0)
    throw new PublicError("request_malformed", "The Envelope holds one Body, and that holds one operation.");
  return { version, call };
}

function mustUnderstand({ attributes }: XmlElement, envelope: string): boolean {
  return attributes.some(
    ({ name, namespace, value }) =>
      name === "mustUnderstand" && namespace === envelope && ["1", "true"].includes(value.trim()),
  );
}

/** `content` (markup) in an envelope. */
export function writeEnvelope(version: SoapVersion, content: string): string {
  return wrapXml(`<soap:Envelope xmlns:soap="${ENVELOPES[version]}"><soap:Body>${content}</soap:Body></soap:Envelope>`);
}

/** A refusal as a fault: our code is in the detail, in SOAP 1.2 it is the subcode, too. */
export function writeFault(
  version: SoapVersion,
  refusal: PublicError,
  { reason, error }: { readonly reason: string; readonly error: string },
): string {
  const ours = ERRORS[refusal.code].status >= 500;
  const text = escapeText(reason);
  if (version === "1.1") {
    const code = refusal instanceof EnvelopeRefused ? refusal.fault : ours ? "Server" : "Client";
    return writeEnvelope(
      version,
      `<soap:Fault><faultcode>soap:${code}</faultcode><faultstring>${text}</faultstring><detail>${error}</detail></soap:Fault>`,
    );
  }
  const code = refusal instanceof EnvelopeRefused ? refusal.fault : ours ? "Receiver" : "Sender";
  const subcode = `<soap:Subcode><soap:Value xmlns:p2p="${NAMESPACE}">p2p:${refusal.code}</soap:Value></soap:Subcode>`;
  return writeEnvelope(
    version,
    `<soap:Fault><soap:Code><soap:Value>soap:${code}</soap:Value>${subcode}</soap:Code>` +
      `<soap:Reason><soap:Text xml:lang="en">${text}</soap:Text></soap:Reason><soap:Detail>${error}</soap:Detail></soap:Fault>`,
  );
}

/** As ASP.NET did: 500 for every fault, but in SOAP 1.2 400 where the sender is to blame. */
export function statusOfFault(version: SoapVersion, refusal: PublicError): number {
  return version === "1.2" && refusal.status < 500 && !(refusal instanceof EnvelopeRefused) ? 400 : 500;
}
