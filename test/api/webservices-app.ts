import { hash } from "@node-rs/argon2";
import type { FastifyInstance } from "fastify";
import { readXml, type XmlElement } from "../../api/xml-reader.ts";
import type { Db } from "../../db/database.ts";
import { addUser, findMerchant } from "../../db/merchants.ts";

export const PASSWORD = "Grüezi & <Sésame>";
export const SERVICE = "/webservices/phone2pay.asmx";
export const SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/";
export const SOAP_12 = "http://www.w3.org/2003/05/soap-envelope";
export const SOAP_12_TYPE = { "content-type": "application/soap+xml; charset=utf-8" };
export const NAMESPACE = "urn:phone2pay:webservices";

/** A quick hash: that the usual one is slow is looked at once, where it matters. */
export function quickHash(password: string): Promise<string> {
  return hash(password, { memoryCost: 64, timeCost: 1 });
}

/** Gives the merchant a user, and answers what that user signs in with. */
export async function addLogin(
  db: Db,
  merchantId: number,
  login = "disques",
): Promise<{ readonly merchantNumber: string; readonly login: string; readonly password: string }> {
  const { merchantNumber } = await findMerchant(db, merchantId);
  await addUser(db, { merchantId, login, passwordHash: await quickHash(PASSWORD) });
  return { merchantNumber, login, password: PASSWORD };
}

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** A plain POST of a form. */
export function post(
  app: FastifyInstance,
  operation: string,
  parameters: Parameters,
  headers: Readonly<Record<string, string>> = {},
) {
  const payload = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  return app.inject({
    method: "POST",
    url: `${SERVICE}/${operation}`,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    payload: payload.toString(),
  });
}

/** The first element of that name, at any depth. */
export function find(element: XmlElement, name: string): XmlElement | undefined {
  return element.name === name ? element : element.children.map((child) => find(child, name)).find(Boolean);
}

export function text(body: string, name: string): string | undefined {
  return find(readXml(Buffer.from(body)), name)?.text;
}

/** An envelope, with what is to stand in it. */
export function envelope(
  content: string,
  options: { readonly namespace?: string; readonly header?: string } = {},
): string {
  const { namespace = SOAP_11, header = "" } = options;
  return `<e:Envelope xmlns:e="${namespace}">${header}<e:Body>${content}</e:Body></e:Envelope>`;
}

export function callElement(operation: string, parameters: Parameters): string {
  const escaped = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const fields = Object.entries(parameters).map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`);
  return `<${operation} xmlns="${NAMESPACE}">${fields.join("")}</${operation}>`;
}

export function soap(app: FastifyInstance, payload: string, headers: Readonly<Record<string, string>> = {}) {
  const type = { "content-type": "text/xml; charset=utf-8" };
  return app.inject({ method: "POST", url: SERVICE, headers: { ...type, ...headers }, payload });
}
