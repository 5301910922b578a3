import { transactionSchema } from "../transaction-schemas.ts";
import { type Shape, shapeOf } from "../xml-shape.ts";
import { DECLARATION } from "../xml-writer.ts";
import { actionOf, ENVELOPES, NAMESPACE, SOAP_TYPES, type SoapVersion } from "./namespaces.ts";
import type { Operation } from "./operations.ts";

export interface Sample {
  readonly title: string;
  readonly request: string;
  readonly answer: string;
}

/** As ASP.NET named them where a value belongs. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  text: "string",
  integer: "int",
  boolean: "boolean",
  moment: "dateTime",
};

/** A message of each kind that calls the operation at `location`, with placeholders for values. */
export function samplesOf(operation: Operation, location: string): readonly Sample[] {
  return [
    soapSample("1.1", operation, location),
    soapSample("1.2", operation, location),
    plainSample("GET", operation, location),
    plainSample("POST", operation, location),
  ];
}

function soapSample(version: SoapVersion, { name, parameters }: Operation, location: string): Sample {
  const { host, pathname } = new URL(location);
  const type = `${SOAP_TYPES[version]}; charset=utf-8`;
  const action = actionOf(name);
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    ...(version === "1.1"
      ? [`Content-Type: ${type}`, `SOAPAction: "${action}"`]
      : [`Content-Type: ${type}; action="${action}"`]),
    "Content-Length: length",
  ];
  const call = elementLines(name, parameters, { indent: "    ", attributes: ` xmlns="${NAMESPACE}"` });
  const result = elementLines(`${name}Result`, shapeOf(transactionSchema), { indent: "      " });
  const response = [`    <${name}Response xmlns="${NAMESPACE}">`, ...result, `    </${name}Response>`];
  return {
    title: `SOAP ${version}`,
    request: [...head, "", ...envelopeLines(version, call)].join("\n"),
    answer: ["HTTP/1.1 200 OK", `Content-Type: ${type}`, "", ...envelopeLines(version, response)].join("\n"),
  };
}

function plainSample(verb: "GET" | "POST", { name, parameters }: Operation, location: string): Sample {
  const { host, pathname } = new URL(location);
  const pairs = [...parameters.fields].map(([field, { shape }]) => `${field}=${placeholder(shape)}`).join("&");
  const head =
    verb === "GET"
      ? [`GET ${pathname}/${name}?${pairs} HTTP/1.1`, `Host: ${host}`]
      : [
          `POST ${pathname}/${name} HTTP/1.1`,
          `Host: ${host}`,
          "Content-Type: application/x-www-form-urlencoded",
          "Content-Length: length",
          "",
          pairs,
        ];
  const lines = elementLines("Transaction", shapeOf(transactionSchema), {
    indent: "",
    attributes: ` xmlns="${NAMESPACE}"`,
  });
  return {
    title: `HTTP ${verb}`,
    request: head.join("\n"),
    answer: ["HTTP/1.1 200 OK", "Content-Type: text/xml; charset=utf-8", "", DECLARATION, ...lines].join("\n"),
  };
}

function envelopeLines(version: SoapVersion, content: readonly string[]): readonly string[] {
  return [
    DECLARATION,
    `<soap:Envelope xmlns:soap="${ENVELOPES[version]}">`,
    "  <soap:Body>",
    ...content,
    "  </soap:Body>",
    "</soap:Envelope>",
  ];
}

function elementLines(
  name: string,
  shape: Shape,
  { indent, attributes = "" }: { readonly indent: string; readonly attributes?: string },
): readonly string[] {
  const deeper = { indent: `${indent}  ` };
  const inside = () => {
    if (shape.kind === "object")
      return [...shape.fields].flatMap(([field, { shape: inner }]) => elementLines(field, inner, deeper));
    if (shape.kind === "list") return elementLines("item", shape.item, deeper);
    if (shape.kind === "pairs") return elementLines("entry", shape.value, { ...deeper, attributes: ' key="string"' });
    return null;
  };
  const lines = inside();
  if (!lines) return [`${indent}<${name}${attributes}>${placeholder(shape)}</${name}>`];
  return [`${indent}<${name}${attributes}>`, ...lines, `${indent}</${name}>`];
}

function placeholder(shape: Shape): string {
  return PLACEHOLDERS[shape.kind] ?? "string";
}
