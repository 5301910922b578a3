import { expect, test } from "@jest/globals";
import { ApiUnderTest } from "../api/api-app.ts";
import { readWireExamples } from "./wire-examples.ts";

test("what the wire examples say is what the server says: the same fields, the same codes with the same status", async () => {
  await using api = await ApiUnderTest.start();
  const { id } = await api.create();
  const examples = readWireExamples();
  const answers = examples.flatMap(({ rest }) => (isObject(rest.answer.body) ? [rest.answer] : []));
  const fields = Object.keys((await api.get(`/v1/transactions/${id}`)).json()).sort();
  const transactions = answers.filter(({ status }) => status < 300);
  expect(transactions.length).toBeGreaterThan(2);
  for (const { body } of transactions) expect(Object.keys(body as object).sort()).toEqual(fields);

  await api.pay(id);
  const redeem = () => api.post(`/v1/transactions/${id}/redeem`);
  const { id: unpaid } = await api.create();
  await redeem();
  const problems = [
    await redeem(),
    await api.post(`/v1/transactions/${unpaid}/redeem`),
    await api.get("/v1/transactions/00000000-0000-4000-8000-000000000000"),
  ].map((response) => response.json());
  for (const { code, status, title, detail, ...rest } of problems) {
    const example = answers.find(({ body }) => (body as { code?: string }).code === code);
    expect(example?.body).toMatchObject({ code, status, title, detail });
    expect(Object.keys(example?.body as object)).toEqual(expect.arrayContaining(Object.keys(rest)));
  }
});

test("in the old-style services, too: the same elements in the same order", async () => {
  await using api = await ApiUnderTest.start();
  const ask = async (operation: string, fields: Readonly<Record<string, string>>) => {
    const body = new URLSearchParams({ apiKey: api.seeded.liveKey, ...fields }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return api.post(`/webservices/phone2pay.asmx/${operation}`, body, { headers });
  };
  const { id } = await api.create({ reference: "kit-1", language: "fr" });
  const examples = readWireExamples().map(({ call, plain }) => ({ call, ...plain.answer }));
  const opened = examples.find(({ call, status }) => call === "createTransaction" && status === 200);
  expect(elementsOf(opened?.body)).toEqual(elementsOf((await ask("CheckTransaction", { id })).body));
  const refused = await ask("RedeemTransaction", { id });
  const unpaid = examples.find(({ body }) => String(body).includes("transaction_not_paid"));
  expect(refused.statusCode).toBe(unpaid?.status);
  expect(withoutId(unpaid?.body)).toBe(withoutId(refused.body));
});

function elementsOf(xml: unknown): readonly string[] {
  return [...String(xml).matchAll(/<([A-Za-z]\w*)/g)].map(([, name = ""]) => name);
}

function withoutId(xml: unknown): string {
  return String(xml).replace(/<requestId>[^<]*/, "<requestId>");
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
