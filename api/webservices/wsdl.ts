import { transactionSchema } from "../transaction-schemas.ts";
import { shapeOf } from "../xml-shape.ts";
import { escapeAttribute, escapeText, wrapXml } from "../xml-writer.ts";
import { errorSchema } from "./answers.ts";
import { actionOf, NAMESPACE } from "./namespaces.ts";
import { MODES, OPERATIONS, type Operation } from "./operations.ts";
import { SchemaTypes } from "./xml-schema.ts";

const TRANSPORT = "http://schemas.xmlsoap.org/soap/http";
const PREFIXES = {
  soap: "http://schemas.xmlsoap.org/wsdl/soap/",
  soap12: "http://schemas.xmlsoap.org/wsdl/soap12/",
  http: "http://schemas.xmlsoap.org/wsdl/http/",
  mime: "http://schemas.xmlsoap.org/wsdl/mime/",
  s: "http://www.w3.org/2001/XMLSchema",
  tns: NAMESPACE,
  wsdl: "http://schemas.xmlsoap.org/wsdl/",
} as const;
const VERBS = ["Get", "Post"] as const;
type Verb = (typeof VERBS)[number];

/**
 * The service in WSDL 1.1, in the order and with the four bindings that ASP.NET wrote: Soap, Soap12, HttpGet, HttpPost.
 * Its types come from the schemas of REST.
 */
export function writeWsdl(location: string): string {
  const prefixes = Object.entries(PREFIXES).map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`);
  return wrapXml(
    [
      `<wsdl:definitions${prefixes.join("")} targetNamespace="${NAMESPACE}">`,
      `<wsdl:types>${writeSchema()}</wsdl:types>`,
      ...OPERATIONS.map(messagesOf),
      portType("Soap", ({ name }) => [`${name}SoapIn`, `${name}SoapOut`]),
      ...VERBS.map((verb) => portType(`Http${verb}`, ({ name }) => [`${name}Http${verb}In`, `${name}Http${verb}Out`])),
      soapBinding("soap"),
      soapBinding("soap12"),
      ...VERBS.map(httpBinding),
      writeService(location),
      "</wsdl:definitions>",
    ].join("\n"),
  );
}

/** The XML schema of every message, plain answers included. */
export function writeSchema(): string {
  const types = new SchemaTypes();
  const transaction = types.typeOf(shapeOf(transactionSchema), "Transaction");
  const error = types.typeOf(shapeOf(errorSchema), "Error");
  const elements = OPERATIONS.flatMap(({ name, parameters }) => {
    const result = `<s:element minOccurs="1" maxOccurs="1" name="${name}Result" type="${transaction}"/>`;
    return [
      `<s:element name="${name}"><s:complexType>${types.sequence(parameters)}</s:complexType></s:element>`,
      `<s:element name="${name}Response"><s:complexType><s:sequence>${result}</s:sequence></s:complexType></s:element>`,
    ];
  });
  elements.push(`<s:element name="Transaction" type="${transaction}"/>`, `<s:element name="Error" type="${error}"/>`);
  const attributes = `xmlns:s="${PREFIXES.s}" xmlns:tns="${NAMESPACE}" targetNamespace="${NAMESPACE}"`;
  return `<s:schema elementFormDefault="qualified" ${attributes}>${elements.join("")}${types.definitions()}</s:schema>`;
}

function messagesOf({ name, parameters }: Operation): string {
  const message = (suffix: string, parts: string) => `<wsdl:message name="${name}${suffix}">${parts}</wsdl:message>`;
  const flat = [...parameters.fields.keys()].map((field) => `<wsdl:part name="${field}" type="s:string"/>`).join("");
  return [
    message("SoapIn", `<wsdl:part name="parameters" element="tns:${name}"/>`),
    message("SoapOut", `<wsdl:part name="parameters" element="tns:${name}Response"/>`),
    ...VERBS.flatMap((verb) => [
      message(`Http${verb}In`, flat),
      message(`Http${verb}Out`, '<wsdl:part name="Body" element="tns:Transaction"/>'),
    ]),
  ].join("\n");
}

function portType(face: string, messages: (operation: Operation) => readonly [string, string]): string {
  const operations = OPERATIONS.map((operation) => {
    const [input, output] = messages(operation);
    const documentation = `<wsdl:documentation>${escapeText(operation.summary)}</wsdl:documentation>`;
    return `<wsdl:operation name="${operation.name}">${documentation}<wsdl:input message="tns:${input}"/><wsdl:output message="tns:${output}"/></wsdl:operation>`;
  });
  return `<wsdl:portType name="Phone2Pay${face}">${operations.join("")}</wsdl:portType>`;
}

function soapBinding(prefix: "soap" | "soap12"): string {
  const literal = `<${prefix}:body use="literal"/>`;
  const operations = OPERATIONS.map(
    ({ name }) =>
      `<wsdl:operation name="${name}"><${prefix}:operation soapAction="${actionOf(name)}" style="document"/>` +
      `<wsdl:input>${literal}</wsdl:input><wsdl:output>${literal}</wsdl:output></wsdl:operation>`,
  );
  const name = prefix === "soap" ? "Phone2PaySoap" : "Phone2PaySoap12";
  return `<wsdl:binding name="${name}" type="tns:Phone2PaySoap"><${prefix}:binding transport="${TRANSPORT}"/>${operations.join("")}</wsdl:binding>`;
}

function httpBinding(verb: Verb): string {
  const input = verb === "Get" ? "<http:urlEncoded/>" : '<mime:content type="application/x-www-form-urlencoded"/>';
  const operations = OPERATIONS.map(
    ({ name }) =>
      `<wsdl:operation name="${name}"><http:operation location="/${name}"/>` +
      `<wsdl:input>${input}</wsdl:input><wsdl:output><mime:mimeXml part="Body"/></wsdl:output></wsdl:operation>`,
  );
  const name = `Phone2PayHttp${verb}`;
  return `<wsdl:binding name="${name}" type="tns:${name}"><http:binding verb="${verb.toUpperCase()}"/>${operations.join("")}</wsdl:binding>`;
}

function writeService(location: string): string {
  const ports = [
    ["Soap", "soap"],
    ["Soap12", "soap12"],
    ["HttpGet", "http"],
    ["HttpPost", "http"],
  ].map(
    ([face, prefix]) =>
      `<wsdl:port name="Phone2Pay${face}" binding="tns:Phone2Pay${face}"><${prefix}:address location="${escapeAttribute(location)}"/></wsdl:port>`,
  );
  const documentation = `<wsdl:documentation>${escapeText(MODES)}</wsdl:documentation>`;
  return `<wsdl:service name="Phone2Pay">${documentation}${ports.join("")}</wsdl:service>`;
}
