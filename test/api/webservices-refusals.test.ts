import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { validateXML } from "xmllint-wasm";
import { writeSchema } from "../../api/webservices/wsdl.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { ApiUnderTest } from "./api-app.ts";
import { addLogin, callElement, envelope, NAMESPACE, SERVICE, soap, text } from "./webservices-app.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

let api: ApiUnderTest;
let login: Awaited<ReturnType<typeof addLogin>>;

beforeAll(async () => {
  api = await ApiUnderTest.start();
  login = await addLogin(api.db, api.seeded.merchantId);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const BODY = () => callElement("CheckTransaction", { ...login, id: NOBODY });
test.each<readonly [string, () => string, Readonly<Record<string, string>>, string, ErrorCode]>([
  [
    "another operation in SOAPAction",
    () => envelope(BODY()),
    { soapaction: '"RedeemTransaction"' },
    "Client",
    "operation_unknown",
  ],
  [
    "an operation that doesn't exist",
    () => envelope(`<Steal xmlns="${NAMESPACE}"/>`),
    {},
    "Client",
    "operation_unknown",
  ],
  [
    "an operation of another namespace",
    () => envelope('<CheckTransaction xmlns="urn:x"/>'),
    {},
    "Client",
    "operation_unknown",
  ],
  ["no operation", () => envelope(""), {}, "Client", "request_malformed"],
  ["two operations", () => envelope(BODY() + BODY()), {}, "Client", "request_malformed"],
  ["no envelope", BODY, {}, "Client", "request_malformed"],
  [
    "an envelope of another version",
    () => envelope(BODY(), { namespace: "urn:x" }),
    {},
    "VersionMismatch",
    "request_malformed",
  ],
  [
    "a header that must be understood",
    () => envelope(BODY(), { header: '<e:Header><s:Security xmlns:s="urn:s" e:mustUnderstand="1"/></e:Header>' }),
    {},
    "MustUnderstand",
    "request_malformed",
  ],
  [
    "a parameter that doesn't exist",
    () => envelope(callElement("CheckTransaction", { ...login, id: NOBODY, colour: 1 })),
    {},
    "Client",
    "field_invalid",
  ],
  ["no id", () => envelope(callElement("CheckTransaction", login)), {}, "Client", "field_invalid"],
  ["no amount", () => envelope(callElement("CreateTransaction", login)), {}, "Client", "amount_invalid"],
  ["JSON", () => "{}", { "content-type": "application/json" }, "Client", "media_type_unsupported"],
  ["a form", () => "a=b", { "content-type": "application/x-www-form-urlencoded" }, "Client", "media_type_unsupported"],
  ["nothing", () => "", {}, "Client", "request_malformed"],
])("SOAP with %s is a fault", async (_name, payload, headers, fault, code) => {
  const answer = await soap(api.app, payload(), headers);
  expect([answer.statusCode, text(answer.body, "faultcode"), text(answer.body, "code")]).toEqual([
    500,
    `soap:${fault}`,
    code,
  ]);
});

test.each<readonly [string, string, string, string, number, ErrorCode]>([
  ["POST", "/CheckTransaction", "application/x-www-form-urlencoded", "id=1&id=2", 400, "request_malformed"],
  ["POST", "/CheckTransaction", "application/x-www-form-urlencoded", "id=%E9", 415, "encoding_unsupported"],
  ["POST", "/CheckTransaction", "application/x-www-form-urlencoded", "id=%zz", 400, "request_malformed"],
  ["POST", "/CheckTransaction", "application/x-www-form-urlencoded", "a&".repeat(50), 400, "request_malformed"],
  ["POST", "/CheckTransaction", "application/x-www-form-urlencoded", `id=${"x".repeat(70_000)}`, 413, "body_too_large"],
  [
    "POST",
    "/CheckTransaction",
    "application/x-www-form-urlencoded; charset=iso-8859-1",
    "id=1",
    415,
    "encoding_unsupported",
  ],
  ["POST", "/CheckTransaction", "text/xml", "<a/>", 415, "media_type_unsupported"],
  ["POST", "/CheckTransaction", "application/x-www-form-urlencoded", "", 401, "credentials_invalid"],
  ["GET", "/CheckTransaction?id=%E9", "", "", 415, "encoding_unsupported"],
  ["GET", "/CheckTransaction", "", "", 401, "credentials_invalid"],
  ["GET", "/Steal", "", "", 404, "route_unknown"],
  ["GET", "?op=Steal", "", "", 404, "operation_unknown"],
  ["PUT", "/CheckTransaction", "", "", 405, "method_not_allowed"],
  ["HEAD", "/CheckTransaction", "", "", 405, "method_not_allowed"],
  ["DELETE", "", "", "", 405, "method_not_allowed"],
])("%s %s as «%s» with %.20s is refused with %i", async (method, path, type, payload, status, code) => {
  const headers = type === "" ? {} : { "content-type": type };
  const asked = { method: method as "GET", url: `${SERVICE}${path}`, headers, ...(type === "" ? {} : { payload }) };
  const answer = await api.app.inject(asked);
  expect([answer.statusCode, answer.headers["content-type"]]).toEqual([status, "text/xml; charset=utf-8"]);
  if (method === "HEAD") return;
  expect(text(answer.body, "code")).toBe(code);
  expect((await validateXML({ xml: answer.body, schema: writeSchema() })).errors).toEqual([]);
});
