import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Fastify from "fastify";
import { acceptedType, negotiateAnswer } from "../../api/answer-format.ts";
import { readXml, type XmlElement } from "../../api/xml-reader.ts";
import { ApiUnderTest, ORDER } from "./api-app.ts";

const NAMESPACE = "urn:phone2pay:v1";
const IN_XML = { accept: "application/xml" };

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

function postXml(url: string, body: string, headers: Readonly<Record<string, string>> = {}) {
  return api.ask("POST", url, { body, headers: { "content-type": "application/xml", ...headers } });
}

/** An order in XML, with what is to stand in it besides. */
function order(extra = "", attributes = ` xmlns="${NAMESPACE}"`): string {
  const { amount, currency, description, returnUrl } = ORDER;
  return `<transaction${attributes}><amount>${amount}</amount><currency>${currency}</currency><description>${description}</description><returnUrl>${returnUrl}</returnUrl>${extra}</transaction>`;
}

/** What XML says, read as a stranger would: elements to objects, `item` to lists, `entry` to pairs, all values texts. */
function plain(element: XmlElement): unknown {
  const { children, text } = element;
  if (children.length === 0) return text;
  if (children.every(({ name }) => name === "item")) return children.map(plain);
  if (children.every(({ name }) => name === "entry"))
    return Object.fromEntries(children.map((entry) => [entry.attributes[0]?.value, plain(entry)]));
  return Object.fromEntries(children.map((child) => [child.name, plain(child)]));
}

/** JSON's value with nulls left out, and all values texts. */
function texts(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? "" : value.map(texts);
  if (typeof value !== "object" || value === null) return String(value);
  const told = Object.entries(value).filter(([, member]) => member !== null);
  return told.length === 0 ? "" : Object.fromEntries(told.map(([name, member]) => [name, texts(member)]));
}

test("XML and JSON bring the same order, and tell the same transaction", async () => {
  const extra = `<items><item><description>A &amp; B</description><quantity>2</quantity><amount>60</amount></item>
    <item><description>C</description><quantity>1</quantity><amount> 40 </amount></item></items>
    <reference>xml-1</reference><accessDays>3</accessDays><metadata><entry key="a b">1 &lt; 2</entry><entry key="ü">\n</entry></metadata>`;
  const created = await postXml("/v1/transactions", order(extra), IN_XML);
  expect(created.statusCode).toBe(201);
  expect(created.headers["content-type"]).toBe("application/xml; charset=utf-8");
  expect(created.headers.vary).toBe("accept");
  const root = readXml(created.rawPayload);
  expect([root.name, root.namespace]).toEqual(["transaction", NAMESPACE]);
  const { id } = plain(root) as { id: string };
  const json = (await api.get(`/v1/transactions/${id}`)).json();
  expect(json).toMatchObject({
    description: ORDER.description,
    items: [
      { description: "A & B", quantity: 2, amount: 60 },
      { description: "C", quantity: 1, amount: 40 },
    ],
    reference: "xml-1",
    accessDays: 3,
    metadata: { "a b": "1 < 2", ü: "\n" },
  });
  expect(plain(root)).toEqual(texts(json));
});

test.each([
  ["GET", "/v1/transactions", "transactions"],
  ["GET", "/v1/numbers", "numbers"],
  ["POST", "/v1/quotes", "quote"],
] as const)("%s %s tells in XML what it tells in JSON, as <%s>", async (method, url, noun) => {
  await api.create({ metadata: { a: "b" } });
  const asked = method === "POST" ? { body: { amount: 990 } } : {};
  const inXml = await api.ask(method, url, { ...asked, headers: IN_XML });
  const root = readXml(inXml.rawPayload);
  expect([inXml.statusCode, root.name]).toEqual([200, noun]);
  expect(plain(root)).toEqual(texts((await api.ask(method, url, asked)).json()));
});

test("events, redeeming and cancelling have their answers in XML, too", async () => {
  const { id } = await api.create();
  const events = readXml((await api.get(`/v1/transactions/${id}/events`, { headers: IN_XML })).rawPayload);
  expect(plain(events)).toEqual(texts((await api.get(`/v1/transactions/${id}/events`)).json()));
  const cancelled = await api.ask("POST", `/v1/transactions/${id}/cancel`, { headers: IN_XML });
  expect(cancelled.body).toContain("<status>cancelled</status>");
  const paid = await api.create();
  await api.pay(paid.id);
  const redeemed = await api.ask("POST", `/v1/transactions/${paid.id}/redeem`, { headers: IN_XML });
  expect(redeemed.body).toContain("<status>redeemed</status>");
});

test("a quote can be asked for in XML, and XML written by hand needs no namespace", async () => {
  const quoted = await postXml("/v1/quotes", "<quote><amount>990</amount></quote>");
  expect(quoted.json()).toMatchObject({ amount: 990 });
  expect((await postXml("/v1/transactions", order("", ""))).statusCode).toBe(201);
  const bom = Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-8"?>${order()}`);
  const headers = { authorization: `Bearer ${api.seeded.liveKey}`, "content-type": "text/xml; charset=UTF-8" };
  const answer = await api.app.inject({ method: "POST", url: "/v1/transactions", headers, payload: bom });
  expect(answer.statusCode).toBe(201);
});

test("an empty field is an empty value, and one that is nil is none", async () => {
  expect((await postXml("/v1/transactions", order("<reference/>"))).json()).toMatchObject({
    code: "field_invalid",
    errors: [{ path: "/reference" }],
  });
  const nil = '<reference xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>';
  expect((await postXml("/v1/transactions", order(nil))).json()).toMatchObject({ reference: null });
});

test.each([
  ["an amount that isn't a number", "<quote><amount>9.90</amount></quote>", "amount_invalid", "/amount"],
  ["an amount of elements", "<quote><amount><b>1</b></amount></quote>", "amount_invalid", "/amount"],
  ["an amount in CDATA", "<quote><amount><![CDATA[<1>]]></amount></quote>", "amount_invalid", "/amount"],
  ["a field that doesn't exist", "<quote><amount>990</amount><x>1</x></quote>", "field_invalid", "/x"],
  ["a method's name", "<quote><amount>990</amount><toString>1</toString></quote>", "field_invalid", "/toString"],
])("%s is refused in XML with the words of JSON", async (_name, body, code, path) => {
  const answer = await postXml("/v1/quotes", body);
  expect(answer.json()).toMatchObject({ status: 422, code, errors: [{ path }] });
});

test.each([
  ["another root", "<transaction><amount>1</amount></transaction>"],
  ["another namespace", '<quote xmlns="urn:other"><amount>1</amount></quote>'],
  ["a field of another namespace", '<quote><a:amount xmlns:a="urn:other">1</a:amount></quote>'],
  ["a field twice", "<quote><amount>1</amount><amount>2</amount></quote>"],
  ["text beside fields", "<quote>x<amount>1</amount></quote>"],
  ["an attribute", '<quote><amount unit="CHF">1</amount></quote>'],
  ["a field that reaches the prototype", "<quote><__proto__>1</__proto__></quote>"],
])("XML that has %s can't be read", async (_name, body) => {
  expect((await postXml("/v1/quotes", body)).json()).toMatchObject({ status: 400, code: "request_malformed" });
});

test.each([
  ["a key twice", '<entry key="a">1</entry><entry key="a">2</entry>'],
  ["no key", "<entry>1</entry>"],
  ["a key that reaches the prototype", '<entry key="__proto__">1</entry>'],
  ["something else", "<pair>1</pair>"],
])("metadata with %s can't be read", async (_name, inside) => {
  const answer = await postXml("/v1/transactions", order(`<metadata>${inside}</metadata>`));
  expect(answer.json()).toMatchObject({ status: 400, code: "request_malformed" });
});

test("what no XML can hold never gets into an answer", async () => {
  const { id } = await api.create();
  const metadata = { a: "\u0001\ufffe\ufffftab\t\r\n]]><&>\"'", "k\"<&>'": "😀" };
  await api.db
    .updateTable("transactions")
    .set({ metadata: JSON.stringify(metadata) as never })
    .where("id", "=", id)
    .execute();
  const answer = await api.get(`/v1/transactions/${id}`, { headers: IN_XML });
  expect(plain(readXml(answer.rawPayload))).toMatchObject({
    metadata: { a: "\ufffd\ufffd\ufffdtab\t\r\n]]><&>\"'", "k\"<&>'": "😀" },
  });
});

test("a problem has the XML form of RFC 9457 for who reads XML", async () => {
  for (const accept of ["application/xml", "text/xml", "application/problem+xml"]) {
    const answer = await postXml("/v1/quotes", "<quote><amount>0</amount><x/></quote>", { accept });
    expect(answer.headers["content-type"]).toBe("application/problem+xml; charset=utf-8");
    const root = readXml(answer.rawPayload);
    expect([root.name, root.namespace]).toEqual(["problem", "urn:ietf:rfc:7807"]);
    const errors = root.children.find(({ name }) => name === "errors");
    expect(errors?.children.map((error) => [error.name, plain(error)])).toEqual([
      ["i", { path: "/amount", message: expect.any(String) }],
      ["i", { path: "/x", message: "there is no such field" }],
    ]);
    expect(Object.fromEntries(root.children.map(({ name, text }) => [name, text]))).toMatchObject({
      code: "amount_invalid",
      status: "422",
      requestId: answer.headers["x-request-id"],
      type: "http://pay.test/docs/errors#amount_invalid",
    });
  }
});

test("an answer that says nothing says nothing in XML, too", async () => {
  await using app = Fastify();
  app.addHook("onRequest", negotiateAnswer);
  app.delete("/null", async (_request, reply) => reply.code(204).send(null));
  app.delete("/nothing", async (_request, reply) => reply.code(204).send());
  for (const url of ["/null", "/nothing"]) {
    const answer = await app.inject({ method: "DELETE", url, headers: IN_XML });
    expect([answer.statusCode, answer.body]).toEqual([204, ""]);
  }
});

test.each([
  [undefined, "application/json"],
  ["", "application/json"],
  ["*/*", "application/json"],
  ["application/*", "application/json"],
  ["application/xml", "application/xml"],
  ["text/xml", "text/xml"],
  ["text/*", "text/xml"],
  ["APPLICATION/XML", "application/xml"],
  ["application/xml;q=0.9, application/json;q=0.8", "application/xml"],
  ["application/xml;q=0.8, application/json;q=0.9", "application/json"],
  ["application/xml;q=0.1, */*;q=0.5", "application/json"],
  ["application/json;q=0, */*", "application/xml"],
  ["application/xml, application/json", "application/xml"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"],
  ["text/html", null],
  ["application/xml;q=0", null],
  [",;q=,/", null],
  ["application/json; charset=utf-8", "application/json"],
  ["application/json;charset=utf-8", "application/json"],
  ["application/xml; charset=utf-8", "application/xml"],
  ['text/xml; charset="utf-8"', "text/xml"],
  ["application/json;odata=verbose", "application/json"],
  ["application/json;odata=verbose;q=0.5, application/xml;charset=utf-8;q=0.8", "application/xml"],
  ['application/xml;x="a,b;\\";q=0"', "application/xml"],
  ["application/json; q=1.0; v=1", "application/json"],
  ["application/json;v=1;q=0", null],
  ["text/html;level=1", null],
  ["application/problem+json", "application/json"],
  ["application/problem+xml; charset=utf-8", "application/xml"],
  ["application/problem+json;q=0.5, application/problem+xml", "application/xml"],
  ["application/problem+json, application/xml", "application/xml"],
  ["application/problem+json;q=0", null],
])("Accept: %s is answered with %s", (accept, type) => {
  expect(acceptedType(accept)).toBe(type);
});
