import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Phone2PayError, phone2pay } from "../../sdk/typescript/phone2pay.ts";
import { ApiUnderTest, ORDER } from "./api-app.ts";

let api: ApiUnderTest;
let client: ReturnType<typeof phone2pay>;
let baseUrl: string;

beforeAll(async () => {
  api = await ApiUnderTest.start();
  baseUrl = await api.app.listen({ port: 0, host: "127.0.0.1" });
  client = phone2pay({ baseUrl: `${baseUrl}/`, apiKey: api.seeded.liveKey });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const refusal = (asked: Promise<unknown>) => asked.then(() => null).catch((error: unknown) => error);

test("the kit opens, checks, redeems once and cancels", async () => {
  const created = await client.createTransaction({ ...ORDER, reference: "kit-1", metadata: { a: "b" } });
  expect(created).toMatchObject({ status: "open", reference: "kit-1", metadata: { a: "b" } });
  expect(await client.checkTransaction(created.id)).toEqual(created);
  expect(await refusal(client.redeemTransaction(created.id))).toMatchObject({ code: "transaction_not_paid" });
  await api.pay(created.id);
  expect(await client.redeemTransaction(created.id)).toMatchObject({ status: "redeemed", redeemedBy: "live" });
  const again = await refusal(client.redeemTransaction(created.id));
  expect(again).toBeInstanceOf(Phone2PayError);
  expect(again).toMatchObject({ status: 409, code: "transaction_already_redeemed" });
  const second = await client.createTransaction(ORDER);
  expect(await client.cancelTransaction(second.id)).toMatchObject({ status: "cancelled" });
});

test("the kit quotes", async () => {
  expect(await client.quote({ amount: 990 })).toMatchObject({ total: 990, overshoot: 0, expectedSeconds: 491 });
});

test("a refusal tells its code, detail, fields and request", async () => {
  const error = await refusal(client.createTransaction({ ...ORDER, amount: 0 }));
  expect(error).toMatchObject({
    status: 422,
    code: "amount_invalid",
    detail: expect.stringContaining("990"),
    errors: [{ path: "/amount" }],
    requestId: expect.any(String),
  });
  const key = await refusal(phone2pay({ baseUrl, apiKey: "wrong" }).quote({ amount: 1 }));
  expect(key).toMatchObject({ status: 401, code: "api_key_invalid" });
});

test("an id can't lead the kit to another address", async () => {
  expect(await refusal(client.checkTransaction("../quotes"))).toMatchObject({
    status: 404,
    code: "transaction_unknown",
  });
});

test("silence, a redirect and a stranger's answer are told apart from refusals", async () => {
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/silent")) return;
    if (request.url?.startsWith("/away")) return void response.writeHead(302, { location: baseUrl }).end();
    response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const apiKey = api.seeded.liveKey;
  const asked = (path: string) =>
    refusal(phone2pay({ baseUrl: `${other}${path}`, apiKey, timeoutMs: 200 }).checkTransaction("x"));
  expect(await asked("/silent")).toMatchObject({ status: 0, code: "no_answer" });
  expect(await asked("/away")).toMatchObject({ status: 0, code: "no_answer" });
  expect(await asked("/html")).toMatchObject({ status: 502, code: "not_phone2pay" });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
