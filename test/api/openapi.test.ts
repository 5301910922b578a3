import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";
import { problemSchema } from "../../api/problem.ts";
import { transactionSchema } from "../../api/transaction-schemas.ts";
import { readXml } from "../../api/xml-reader.ts";
import { ApiUnderTest, type Method } from "./api-app.ts";
import { addLogin, PASSWORD, post } from "./webservices-app.ts";

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly examples?: readonly unknown[] }>> };
}

/** The guide's chapter on them. */
const ABOUT_WEBHOOKS = /\n## Webhooks\n[\s\S]*?(?=\n## )/;

let api: ApiUnderTest;
let document: Document;
let operations: readonly (readonly [string, string, Operation])[];

beforeAll(async () => {
  api = await ApiUnderTest.start();
  document = (await api.get("/openapi.json", { key: undefined })).json();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [path, method, operation] as const),
  );
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

test("the document is valid OpenAPI 3.1 and names every operation of the contract", async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document) as unknown as Record<string, unknown>);
  expect(result).toMatchObject({ valid: true });
  expect(validator.version).toBe("3.1");
  expect(operations.map(([path, method]) => `${method} ${path}`).sort()).toEqual([
    "delete /v1/webhook-endpoints/{id}",
    "get /v1/numbers",
    "get /v1/transactions",
    "get /v1/transactions/{id}",
    "get /v1/transactions/{id}/events",
    "get /v1/webhook-endpoints",
    "get /v1/webhook-endpoints/{id}",
    "get /v1/webhook-endpoints/{id}/deliveries",
    "get /v1/webhook-endpoints/{id}/deliveries/{delivery}",
    "patch /v1/webhook-endpoints/{id}",
    "post /v1/access/check",
    "post /v1/quotes",
    "post /v1/transactions",
    "post /v1/transactions/{id}/cancel",
    "post /v1/transactions/{id}/redeem",
    "post /v1/webhook-endpoints",
    "post /v1/webhook-endpoints/{id}/deliveries/{delivery}/redeliver",
    "post /v1/webhook-endpoints/{id}/rotate-secret",
    "post /v1/webhook-endpoints/{id}/test",
  ]);
});

test("every operation has a name and tells its problems", () => {
  for (const [, , operation] of operations) {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
    for (const status of ["401", "429", "500", "503"])
      for (const type of ["application/problem+json", "application/problem+xml"])
        expect(operation.responses[status]?.content).toHaveProperty([type]);
  }
});

test("every body in the document has an example that works", async () => {
  const bodies = operations.filter(([, , operation]) => operation.requestBody);
  expect(bodies).toHaveLength(5);
  const { id } = (await api.post("/v1/webhook-endpoints", { url: "https://shop.example/" })).json();
  for (const [path, method, operation] of bodies) {
    const { content } = operation.requestBody ?? {};
    for (const type of ["application/json", "application/xml"]) {
      const body = content?.[type]?.example;
      expect([type, body]).toEqual([type, type === "application/xml" ? expect.any(String) : expect.any(Object)]);
      await api.db.updateTable("transactions").set({ reference: null }).execute();
      const answer = await api.ask(method.toUpperCase() as Method, path.replace("{id}", id), {
        body,
        headers: { "content-type": type },
      });
      // Whose pass opens has to exist: there the example is only understood.
      const hundreds = path === "/v1/access/check" ? 4 : 2;
      expect([method, path, type, Math.floor(answer.statusCode / 100)]).toEqual([method, path, type, hundreds]);
      if (hundreds === 4) expect(answer.body).toContain("access_unknown");
    }
  }
});

test("every answer in JSON is promised in XML as well, and the example in XML says what the one in JSON says", () => {
  for (const [, , operation] of operations)
    for (const { content = {} } of Object.values(operation.responses))
      if ("application/json" in content) expect(Object.keys(content)).toEqual(["application/json", "application/xml"]);
  const created = operations.find(([, , { operationId }]) => operationId === "createTransaction");
  const inXml = created?.[2].responses["201"]?.content?.["application/xml"];
  const root = readXml(Buffer.from((inXml as { readonly example: string }).example));
  const { Transaction } = document.components.schemas;
  const [inJson] = (Transaction?.examples ?? []) as readonly Readonly<Record<string, unknown>>[];
  const told = Object.entries(inJson ?? {}).filter(([, value]) => value !== null);
  expect(root.children.map(({ name }) => name)).toEqual(told.map(([name]) => name));
});

test("the examples of answers have the form of answers", async () => {
  const { Transaction, Problem } = document.components.schemas;
  for (const example of Transaction?.examples ?? []) expect(transactionSchema.strict().parse(example)).toEqual(example);
  for (const example of Problem?.examples ?? []) expect(problemSchema.strict().parse(example)).toEqual(example);
  const real = await api.create();
  expect(Object.keys(Transaction?.examples?.[0] ?? {}).sort()).toEqual(Object.keys(real).sort());
});

test("the guide's commands work", async () => {
  const description = document.info.description.replace(ABOUT_WEBHOOKS, ""); // whose commands have a test of their own
  expect(description).toContain("# Start in five minutes");
  expect(description).not.toContain("https://pay.example");
  const bodies = [...description.matchAll(/curl -sS "\$BASE(\/[^"]+)"[^\n]*-d '(\{[\s\S]*?\})'/g)];
  expect(bodies.map(([, path]) => path)).toEqual(["/v1/transactions", "/v1/quotes", "/v1/transactions"]);
  await api.db.updateTable("transactions").set({ reference: null }).execute();
  for (const [, path = "", body] of bodies) expect((await api.post(path, body)).statusCode).toBeLessThan(300);
  const { id } = await api.create();
  await api.pay(id);
  const pass = await api.create({ accessDays: 31 });
  await api.pay(pass.id);
  const aboutPass = [...description.matchAll(/curl -sS "\$BASE(\/[^"]+)"[^\n]*-d "(\{[\s\S]*?\})"\n/g)];
  expect(aboutPass.map(([, path]) => path)).toEqual(["/v1/access/check", "/v1/transactions"]);
  for (const [, path = "", quoted = ""] of aboutPass) {
    const answer = await api.post(path, quoted.replaceAll('\\"', '"').replace("$PASS", pass.id));
    expect([path, answer.statusCode]).toEqual([path, path === "/v1/access/check" ? 200 : 201]);
  }
  const others = [
    ...description.matchAll(
      /curl -sS (-X POST )?"\$BASE(\/[^"]+)" -H "Authorization: Bearer \$KEY"(?: -H "Idempotency-Key: redeem-\$ID")?\n/g,
    ),
  ];
  expect(others).toHaveLength(2);
  for (const [, post, path = ""] of others) {
    const answer = await api.ask(post ? "POST" : "GET", path.replace("$ID", id));
    expect([path, answer.statusCode]).toEqual([path, 200]);
  }
});

test("the guide's command in XML works, and those of the old-style services", async () => {
  const { description } = document.info;
  const [, path = "", body = ""] = /curl -sS "\$BASE(\/[^"]+)"[^\n]*-d '\s*(<[\s\S]*?)'\n/.exec(description) ?? [];
  const headers = { "content-type": "application/xml", accept: "application/xml" };
  expect((await api.post(path, body, { headers })).statusCode).toBe(201);
  const login = await addLogin(api.db, api.seeded.merchantId);
  const { id } = await api.create();
  await api.pay(id);
  const values = { MERCHANT: login.merchantNumber, LOGIN: login.login, PASSWORD, KEY: api.seeded.liveKey, PASS: id };
  const commands = [...description.matchAll(/curl -sS "\$SERVICE\/(\w+)"((?:\\\n|[^\n])*)/g)];
  expect(commands.map(([, operation]) => operation)).toEqual([
    "CreateTransaction",
    "CheckTransaction",
    "RedeemTransaction",
  ]);
  for (const [, operation = "", options = ""] of commands) {
    const given = [...options.matchAll(/-(?:d|-data-urlencode) (?:"(\w+)=([^"]*)"|(\w+)=(\S+))/g)];
    const parameters = given.map(([, quoted, text, bare = "", word = ""]) => {
      const value = text ?? word;
      return [quoted ?? bare, value.startsWith("$") ? values[value.slice(1) as keyof typeof values] : value];
    });
    const answer = await post(api.app, operation, Object.fromEntries(parameters));
    expect([operation, answer.statusCode]).toEqual([operation, 200]);
  }
});
