import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { seedMerchant, seedTransaction } from "../support/seed.ts";
import { ApiUnderTest } from "./api-app.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

interface Page {
  readonly data: readonly { readonly id: string; readonly status: string }[];
  readonly hasMore: boolean;
}

async function readPages(query: string, limit: number): Promise<readonly Page[]> {
  const pages: Page[] = [];
  let after = "";
  for (;;) {
    const page: Page = (await api.get(`/v1/transactions?limit=${limit}${query}${after}`)).json();
    pages.push(page);
    if (!page.hasMore) return pages;
    after = `&startingAfter=${page.data.at(-1)?.id}`;
  }
}

test("pages hold every transaction once, in one order, though all were created at the same moment", async () => {
  await seedMerchant(api.db, { number: "0900900941" }).then((other) => seedTransaction(api.db, other));
  await seedTransaction(api.db, api.seeded, { test: true });
  const ids: string[] = [];
  for (let i = 0; i < 23; i++) ids.push((await seedTransaction(api.db, api.seeded)).id);
  await api.db
    .updateTable("transactions")
    .set({ created_at: new Date("2026-01-01T00:00:00Z") })
    .execute();
  const expected = ids.sort().reverse();
  for (const limit of [1, 5, 22, 23, 24, 100]) {
    const pages = await readPages("", limit);
    expect(pages.flatMap((page) => page.data.map(({ id }) => id))).toEqual(expected);
    expect(pages).toHaveLength(Math.ceil(23 / limit));
  }
  const first: Page = (await api.get("/v1/transactions")).json();
  expect(first.data).toHaveLength(20);
  expect(first.hasMore).toBe(true);
});

test("a full page of a hundred says rightly whether there is more", async () => {
  const { length } = (await readPages("", 100)).flatMap((page) => page.data);
  for (let i = length; i < 100; i++) await seedTransaction(api.db, api.seeded);
  expect(await readPages("", 100)).toMatchObject([{ hasMore: false }]);
  await seedTransaction(api.db, api.seeded);
  const pages = await readPages("", 100);
  expect(pages.map((page) => page.data.length)).toEqual([100, 1]);
});

test("filters are honoured on every page, and newest comes first", async () => {
  const all: string[] = [];
  for (let i = 0; i < 5; i++) {
    const { id } = await seedTransaction(api.db, api.seeded, { reference: "R 1" });
    await api.post(`/v1/transactions/${id}/cancel`);
    all.unshift(id);
  }
  const open = await seedTransaction(api.db, api.seeded, { reference: "R 1" });
  const cancelled = (await readPages("&reference=R%201&status=cancelled", 2)).flatMap((page) => page.data);
  expect(cancelled.map(({ id }) => id)).toEqual(all);
  expect(new Set(cancelled.map(({ status }) => status))).toEqual(new Set(["cancelled"]));
  const both = (await readPages("&reference=R%201", 2)).flatMap((page) => page.data);
  expect(both.map(({ id }) => id)).toEqual([open.id, ...all]);
  expect((await readPages("&reference=none", 2))[0]).toEqual({ data: [], hasMore: false });
});

test.each([
  "limit=0",
  "limit=101",
  "limit=-1",
  "limit=1.5",
  "limit=x",
  "limit=",
  "limit=1&limit=2",
  "status=done",
  "status=open&status=paid",
  "reference=",
  `reference=${"x".repeat(101)}`,
  "reference=%00",
  "startingAfter=x",
  "startingAfter=",
  "startingAfter=00000000-0000-0000-0000-000000000000",
  "unknown=1",
  "__proto__=1",
])("a list refuses ?%s", async (query) => {
  const answer = await api.get(`/v1/transactions?${query}`);
  expect(answer.json()).toMatchObject({ status: 422, code: "field_invalid" });
  expect(answer.json().errors).toHaveLength(1);
});
