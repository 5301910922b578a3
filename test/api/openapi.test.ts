import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";
import { problemSchema } from "../../api/problem.ts";
import { transactionSchema } from "../../api/transaction-schemas.ts";
import { ApiUnderTest } from "./api-app.ts";

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly example?: unknown } } };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly examples?: readonly unknown[] }>> };
}

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
    "get /v1/numbers",
    "get /v1/transactions",
    "get /v1/transactions/{id}",
    "get /v1/transactions/{id}/events",
    "post /v1/access/check",
    "post /v1/quotes",
    "post /v1/transactions",
    "post /v1/transactions/{id}/cancel",
    "post /v1/transactions/{id}/redeem",
  ]);
});

test("every operation has a name and tells its problems", () => {
  for (const [, , operation] of operations) {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
    for (const status of ["401", "429", "500", "503"])
      expect(operation.responses[status]?.content).toHaveProperty(["application/problem+json"]);
  }
});

test("every body in the document has an example that works", async () => {
  const bodies = operations.filter(([, , operation]) => operation.requestBody);
  expect(bodies).toHaveLength(3);
  for (const [path, method, operation] of bodies) {
    const example = operation.requestBody?.content["application/json"].example;
    expect(example).toBeDefined();
    const answer = await api.post(path, example);
    // Whose pass opens has to exist: there the example is only understood.
    const hundreds = path === "/v1/access/check" ? 4 : 2;
    expect([method, path, Math.floor(answer.statusCode / 100)]).toEqual([method, path, hundreds]);
    if (hundreds === 4) expect(answer.json()).toMatchObject({ code: "access_unknown" });
  }
});

test("the examples of answers have the form of answers", async () => {
  const { Transaction, Problem } = document.components.schemas;
  for (const example of Transaction?.examples ?? []) expect(transactionSchema.strict().parse(example)).toEqual(example);
  for (const example of Problem?.examples ?? []) expect(problemSchema.strict().parse(example)).toEqual(example);
  const real = await api.create();
  expect(Object.keys(Transaction?.examples?.[0] ?? {}).sort()).toEqual(Object.keys(real).sort());
});

test("the guide's commands work", async () => {
  const { description } = document.info;
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
    const answer = await api.post(path, quoted.replaceAll('\\"', '"').replace("$ID", pass.id));
    expect([path, answer.statusCode]).toEqual([path, path === "/v1/access/check" ? 200 : 201]);
  }
  const others = [...description.matchAll(/curl -sS (-X POST )?"\$BASE(\/[^"]+)" -H "Authorization: Bearer \$KEY"\n/g)];
  expect(others).toHaveLength(2);
  for (const [, post, path = ""] of others) {
    const answer = await api.ask(post ? "POST" : "GET", path.replace("$ID", id));
    expect([path, answer.statusCode]).toEqual([path, 200]);
  }
});
