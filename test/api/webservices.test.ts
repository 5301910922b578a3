import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { validateXML } from "xmllint-wasm";
import { readXml } from "../../api/xml-reader.ts";
import { ERRORS } from "../../core/errors.ts";
import { seedMerchant } from "../support/seed.ts";
import { ApiUnderTest, BASE_URL, composeApi, ORDER } from "./api-app.ts";
import {
  addLogin,
  callElement,
  envelope,
  find,
  NAMESPACE,
  type Parameters,
  post,
  SERVICE,
  SOAP_11,
  SOAP_12,
  SOAP_12_TYPE,
  soap,
  text,
} from "./webservices-app.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

let api: ApiUnderTest;
let login: Awaited<ReturnType<typeof addLogin>>;
let schema: string;

beforeAll(async () => {
  api = await ApiUnderTest.start();
  login = await addLogin(api.db, api.seeded.merchantId);
  const wsdl = await api.get(`${SERVICE}?WSDL`, { key: undefined });
  schema = /<s:schema.*<\/s:schema>/s.exec(wsdl.body)?.[0] ?? "";
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function expectValid(...documents: readonly string[]): Promise<void> {
  for (const xml of documents) expect((await validateXML({ xml, schema })).errors).toEqual([]);
}

function get(operation: string, parameters: Parameters) {
  const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  return api.app.inject({ method: "GET", url: `${SERVICE}/${operation}?${query.toString()}` });
}

test("plain GET and POST create, check and redeem, and every answer is valid by the WSDL's schema", async () => {
  const metadata = { "ä b": "1" };
  const items = [{ description: "A & B", quantity: 1, amount: 100 }];
  for (const call of [get, post.bind(null, api.app)] as const) {
    const created = await call("CreateTransaction", { ...login, ...ORDER, accessDays: 3 });
    expect([created.statusCode, created.headers["content-type"]]).toEqual([200, "text/xml; charset=utf-8"]);
    const root = readXml(created.rawPayload);
    expect([root.name, root.namespace]).toEqual(["Transaction", NAMESPACE]);
    const id = text(created.body, "id") ?? "";
    expect(text(created.body, "payUrl")).toBe(`${BASE_URL}/pay/${id}`);
    expect(text(created.body, "description")).toBe(ORDER.description);
    expect(text(created.body, "national")).toBe("0900 900 904");
    expect(text(created.body, "test")).toBe("false");
    expect(root.children.some(({ name }) => name === "paidAt" || name === "reference")).toBe(false);
    await api.pay(id);
    const checked = await call("CheckTransaction", { ...login, id });
    expect(text(checked.body, "status")).toBe("paid");
    const redeemed = await call("RedeemTransaction", { ...login, id: id.replaceAll("-", "").toLowerCase() });
    expect([text(redeemed.body, "status"), text(redeemed.body, "redeemedBy")]).toEqual(["redeemed", "disques"]);
    const again = await call("RedeemTransaction", { ...login, id });
    expect([again.statusCode, text(again.body, "code")]).toEqual([409, "transaction_already_redeemed"]);
    const rich = await api.create({ metadata, items });
    const told = await call("CheckTransaction", { ...login, id: rich.id });
    expect(told.body).toContain('<metadata><entry key="ä b">1</entry></metadata>');
    expect(told.body).toContain("<items><item><description>A &amp; B</description>");
    await expectValid(created.body, checked.body, redeemed.body, again.body, told.body);
  }
});

test("SOAP of both versions answers what the schema says", async () => {
  for (const [namespace, headers] of [
    [SOAP_11, {}],
    [SOAP_12, SOAP_12_TYPE],
  ] as const) {
    const call = callElement("CreateTransaction", { ...login, ...ORDER });
    await expectValid(call);
    const answer = await soap(api.app, envelope(call, { namespace }), headers);
    const root = readXml(answer.rawPayload);
    expect([answer.statusCode, root.name, root.namespace]).toEqual([200, "Envelope", namespace]);
    expect(answer.headers["content-type"]).toMatch(namespace === SOAP_11 ? "text/xml" : "application/soap+xml");
    const response = /<CreateTransactionResponse.*<\/CreateTransactionResponse>/s.exec(answer.body)?.[0] ?? "";
    await expectValid(response);
  }
});

test("what old tool kits add to a call changes nothing, and a parameter that is empty or nil isn't there", async () => {
  const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"';
  const style = `e:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"`;
  const { merchantNumber, login: name } = login;
  const call = `<n:CreateTransaction xmlns:n="${NAMESPACE}" ${xsi} ${style}>
    <merchantNumber xsi:type="xsd:string">${merchantNumber}</merchantNumber><login>${name}</login>
    <password><![CDATA[${login.password}]]></password><apiKey xsi:nil="true"/>
    <amount xsi:type="xsd:int"> 100 </amount><currency>CHF</currency><description>x</description>
    <reference/><cancelUrl></cancelUrl><returnUrl>${ORDER.returnUrl}</returnUrl></n:CreateTransaction>`;
  const header = '<e:Header><x:Trace xmlns:x="urn:x" e:mustUnderstand="0">1</x:Trace></e:Header>';
  const answer = await soap(api.app, envelope(call, { header }));
  expect([answer.statusCode, text(answer.body, "status")]).toEqual([200, "open"]);
  expect(text(answer.body, "reference")).toBeUndefined();
});

test("a fault tells our code: in SOAP 1.1 with 500, in 1.2 with 400 where the sender is to blame", async () => {
  const call = callElement("CheckTransaction", { ...login, id: NOBODY });
  const old = await soap(api.app, envelope(call));
  expect([old.statusCode, old.headers["content-type"]]).toEqual([500, "text/xml; charset=utf-8"]);
  const detail = /<Error .*<\/Error>/s.exec(old.body)?.[0] ?? "";
  await expectValid(detail);
  expect(find(readXml(old.rawPayload), "faultcode")).toMatchObject({ text: "soap:Client", namespace: "" });
  expect(find(readXml(Buffer.from(detail)), "Error")?.children.map(({ name, text: value }) => [name, value])).toEqual([
    ["code", "transaction_unknown"],
    ["title", ERRORS.transaction_unknown.title],
    ["status", "404"],
    ["detail", ERRORS.transaction_unknown.mend],
    ["requestId", old.headers["x-request-id"]],
  ]);
  const young = await soap(api.app, envelope(call, { namespace: SOAP_12 }), SOAP_12_TYPE);
  expect([young.statusCode, young.headers["content-type"]]).toEqual([400, "application/soap+xml; charset=utf-8"]);
  expect(young.body).toContain("<soap:Code><soap:Value>soap:Sender</soap:Value>");
  expect(young.body).toContain(">p2p:transaction_unknown</soap:Value>");
  expect(find(readXml(young.rawPayload), "Text")?.text).toMatch(/^There is no such transaction\./);
});

test("what is our fault is the server's, without a word of how", async () => {
  await api.db.schema.alterTable("users").renameTo("elsewhere").execute();
  const check = { ...login, id: NOBODY };
  try {
    const old = await soap(api.app, envelope(callElement("CheckTransaction", check)));
    expect([old.statusCode, text(old.body, "faultcode")]).toEqual([500, "soap:Server"]);
    const young = await soap(
      api.app,
      envelope(callElement("CheckTransaction", check), { namespace: SOAP_12 }),
      SOAP_12_TYPE,
    );
    expect([young.statusCode, young.body.includes("soap:Receiver")]).toEqual([500, true]);
    const plain = await post(api.app, "CheckTransaction", check);
    expect([plain.statusCode, text(plain.body, "code")]).toEqual([500, "internal_error"]);
    for (const { body } of [old, young, plain]) expect(body).not.toMatch(/users|relation|select/);
  } finally {
    await api.db.schema
      .alterTable("elsewhere" as "users")
      .renameTo("users")
      .execute();
  }
});

test("a HEAD does nothing, though a GET would", async () => {
  const { id } = await api.create();
  await api.pay(id);
  const query = new URLSearchParams({ ...login, id }).toString();
  await api.app.inject({ method: "HEAD", url: `${SERVICE}/RedeemTransaction?${query}` });
  expect((await api.get(`/v1/transactions/${id}`)).json().status).toBe("paid");
});

test("the mode is the key's; by password it is live unless asked otherwise", async () => {
  const by = async (credentials: Parameters, operation: string, parameters: Parameters) => {
    const answer = await post(api.app, operation, { ...credentials, ...parameters });
    return text(answer.body, "test") ?? text(answer.body, "code");
  };
  const { testKey, liveKey } = api.seeded;
  const { merchantNumber } = login;
  expect(await by({ apiKey: testKey }, "CreateTransaction", ORDER)).toBe("true");
  expect(await by({ apiKey: liveKey, merchantNumber }, "CreateTransaction", { ...ORDER, test: true })).toBe("false");
  expect(await by(login, "CreateTransaction", ORDER)).toBe("false");
  expect(await by(login, "CreateTransaction", { ...ORDER, test: true })).toBe("true");
  expect(await by(login, "CreateTransaction", { ...ORDER, test: "maybe" })).toBe("field_invalid");
  const { id } = await api.create({}, { key: testKey });
  expect(await by(login, "CheckTransaction", { id, test: true })).toBe("true");
  expect(await by({ apiKey: testKey }, "CheckTransaction", { id })).toBe("true");
  expect(await by({ apiKey: liveKey }, "CheckTransaction", { id })).toBe("transaction_unknown");
});

test.each(["Check", "Redeem"])(
  "by password %sTransaction knows no test unless it says so, and then nothing live",
  async (verb) => {
    const paid = async (key: string) => {
      const { id } = await api.create({}, { key });
      await api.pay(id);
      return id;
    };
    const [played, live] = [await paid(api.seeded.testKey), await paid(api.seeded.liveKey)];
    const ask = async (parameters: Parameters) => {
      const called = { ...login, ...parameters };
      const plain = await post(api.app, `${verb}Transaction`, called);
      const element = callElement(`${verb}Transaction`, called);
      await expectValid(element);
      const inSoap = await soap(api.app, envelope(element));
      return [plain, inSoap].map(({ body }) => text(body, "test") ?? text(body, "code"));
    };
    const unknown = ["transaction_unknown", "transaction_unknown"];
    expect(await ask({ id: played })).toEqual(unknown);
    expect(await ask({ id: played, test: false })).toEqual(unknown);
    expect(await ask({ id: live, test: true })).toEqual(unknown);
    const again = verb === "Redeem" ? "transaction_already_redeemed" : null;
    expect(await ask({ id: played, test: true })).toEqual(["true", again ?? "true"]);
    expect(await ask({ id: live })).toEqual(["false", again ?? "false"]);
  },
);

test.each([
  ["true", "true"],
  ["True", "true"],
  ["TRUE", "true"],
  ["1", "true"],
  ["false", "false"],
  ["False", "false"],
  ["FALSE", "false"],
  ["0", "false"],
  [" True ", "true"],
  ["yes", "field_invalid"],
  ["-1", "field_invalid"],
])("test=%s is read as %s, in a form and in SOAP", async (written, read) => {
  const parameters = { ...login, ...ORDER, test: written };
  const { body: plain } = await post(api.app, "CreateTransaction", parameters);
  const { body: inSoap } = await soap(api.app, envelope(callElement("CreateTransaction", parameters)));
  for (const body of [plain, inSoap]) expect(text(body, "test") ?? text(body, "code")).toBe(read);
});

test("a merchant's requests are limited as those of a key are, and another's aren't touched by it", async () => {
  await using app = await composeApi(api.db, { requestsPerMinuteMax: 2 });
  const other = await addLogin(api.db, (await seedMerchant(api.db, { number: "0900900951" })).merchantId);
  const ask = async (who: Parameters) => {
    const answer = await post(app, "CheckTransaction", { ...who, id: NOBODY });
    return [answer.statusCode, Number(answer.headers["retry-after"] ?? 0) > 50];
  };
  expect(await ask(login)).toEqual([404, false]);
  expect(await ask({ apiKey: api.seeded.liveKey })).toEqual([404, false]);
  expect(await ask(login)).toEqual([429, true]);
  expect(await ask(other)).toEqual([404, false]);
});

test("the help page lists the operations, and each has a page with a message of every kind", async () => {
  const page = await api.get(SERVICE, { key: undefined });
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  for (const operation of ["CreateTransaction", "CheckTransaction", "RedeemTransaction"]) {
    expect(page.body).toContain(`href="?op=${operation}"`);
    const one = await api.get(`${SERVICE}?op=${operation}`, { key: undefined });
    for (const sign of [
      `SOAPAction: "${NAMESPACE}/${operation}"`,
      `Content-Type: application/soap+xml; charset=utf-8; action="${NAMESPACE}/${operation}"`,
      `GET ${SERVICE}/${operation}?merchantNumber=string&amp;`,
      `POST ${SERVICE}/${operation} HTTP/1.1`,
      `&lt;${operation}Result&gt;`,
    ])
      expect(one.body).toContain(sign);
  }
  const [, style = ""] = /href="([^"]+\.css)"/.exec(page.body) ?? [];
  expect((await api.get(style, { key: undefined })).headers["content-type"]).toBe("text/css; charset=utf-8");
  expect((await api.get(`${SERVICE}?wsdl`, { key: undefined })).headers["content-type"]).toBe(
    "text/xml; charset=utf-8",
  );
});
