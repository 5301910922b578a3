import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ApiUnderTest } from "./api-app.ts";
import { addLogin, callElement, envelope, NAMESPACE, SERVICE, SOAP_12, soap, text } from "./webservices-app.ts";

let api: ApiUnderTest;
let login: Awaited<ReturnType<typeof addLogin>>;
let id: string;

beforeAll(async () => {
  api = await ApiUnderTest.start();
  login = await addLogin(api.db, api.seeded.merchantId);
  ({ id } = await api.create());
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

/** Calls CheckTransaction, whatever the headers say. */
async function check(headers: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const namespace = headers["content-type"]?.startsWith("application/soap+xml") ? { namespace: SOAP_12 } : {};
  const answer = await soap(api.app, envelope(callElement("CheckTransaction", { ...login, id }), namespace), headers);
  return [answer.statusCode, text(answer.body, "id") ?? text(answer.body, "code")];
}

const NAMES_IT = [
  `"${NAMESPACE}/CheckTransaction"`,
  `${NAMESPACE}/CheckTransaction`,
  `'${NAMESPACE}/CheckTransaction'`,
  `"${NAMESPACE}/CheckTransaction/"`,
  `"${NAMESPACE}#CheckTransaction"`,
  `"${NAMESPACE}:CheckTransaction"`,
  "urn:CheckTransaction",
  '"urn:CheckTransaction"',
  `"http://pay.test${SERVICE}/CheckTransaction"`,
  `"http://pay.test${SERVICE}?op=CheckTransaction"`,
  "CheckTransaction",
  "'CheckTransaction'",
  ' " CheckTransaction " ',
];
const NAMES_NONE = ['""', "''", "", " ", '"/"', '"#"', NAMESPACE, `"${NAMESPACE}/"`, `"${NAMESPACE}#"`];
const NAMES_ANOTHER = [
  `"${NAMESPACE}/RedeemTransaction"`,
  `"${NAMESPACE}/RedeemTransaction/"`,
  `"${NAMESPACE}/RedeemTransaction#"`,
  `'${NAMESPACE}/RedeemTransaction'`,
  "urn:RedeemTransaction",
  `"http://pay.test${SERVICE}?op=RedeemTransaction"`,
  `"http://pay.test${SERVICE}?op=RedeemTransaction&op=CheckTransaction"`,
  '"RedeemTransaction", "CheckTransaction"',
  '"CheckTransaction"/RedeemTransaction',
  '"CheckTransaction"; action="RedeemTransaction"',
  "Steal",
];

test.each([...NAMES_IT, ...NAMES_NONE])("SOAPAction: %s lets the body say CheckTransaction", async (soapaction) => {
  expect(await check({ soapaction })).toEqual([200, id]);
});

test("no SOAPAction lets the body say CheckTransaction", async () => {
  expect(await check({})).toEqual([200, id]);
});

test.each(NAMES_ANOTHER)("SOAPAction: %s around a CheckTransaction is refused", async (soapaction) => {
  expect(await check({ soapaction })).toEqual([500, "operation_unknown"]);
});

test.each([
  "",
  "; action=",
  '; action=""',
  ...NAMES_IT.map((action) => `; action=${action.trim()}`),
  "; ACTION = CheckTransaction; charset=utf-8",
  '; x="; action=RedeemTransaction"; action="CheckTransaction"',
  '; charset="utf-8"; action="CheckTransaction"',
])("in SOAP 1.2 a content type with %s lets the body say CheckTransaction", async (parameters) => {
  expect(await check({ "content-type": `application/soap+xml${parameters}` })).toEqual([200, id]);
});

test.each(NAMES_ANOTHER.filter((action) => !action.includes(",")))(
  "in SOAP 1.2 a content type with action=%s around a CheckTransaction is refused",
  async (action) => {
    expect(await check({ "content-type": `application/soap+xml; action=${action}` })).toEqual([
      400,
      "operation_unknown",
    ]);
  },
);

test.each([
  ["", "RedeemTransaction"],
  ['""', "RedeemTransaction"],
  [`"${NAMESPACE}"`, "RedeemTransaction"],
  ['"RedeemTransaction"', "CheckTransaction"],
  ['"CheckTransaction"', "RedeemTransaction"],
])("SOAPAction: %s hides nothing of action=%s beside it", async (soapaction, action) => {
  const type = `application/soap+xml; action="${NAMESPACE}/${action}"`;
  expect(await check({ soapaction, "content-type": type })).toEqual([400, "operation_unknown"]);
});
