import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { remembered } from "../../api/remembered.ts";
import { ApiUnderTest, ask, composeApi } from "./api-app.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

test("who asks the same at the same moment, or soon after, gets one answer", async () => {
  let asked = 0;
  const answer = remembered(60_000, async (key: string) => `${key} ${++asked}`);
  expect(await Promise.all([answer("a"), answer("a"), answer("b")])).toEqual(["a 1", "a 1", "b 2"]);
  expect(await answer("a")).toBe("a 1");
});

test("what nobody knows, and what failed, is asked for again", async () => {
  const answers = [null, new Error("away"), "known"];
  const answer = remembered(60_000, async () => {
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  });
  expect(await answer("a")).toBeNull();
  await expect(answer("a")).rejects.toThrow("away");
  expect([await answer("a"), await answer("a")]).toEqual(["known", "known"]);
});

test("a key that was revoked works no longer than it is remembered", async () => {
  const milliseconds = 300;
  const app = await composeApi(api.db, { rememberMilliseconds: milliseconds });
  const status = async () => (await ask(app, "GET", "/v1/numbers", { key: api.seeded.testKey })).statusCode;
  try {
    expect(await status()).toBe(200);
    const revokedAt = performance.now();
    await api.db.updateTable("api_keys").set({ revoked_at: new Date() }).where("test", "=", true).execute();
    while ((await status()) === 200) expect(performance.now() - revokedAt).toBeLessThan(60 * milliseconds);
  } finally {
    await app.close();
  }
});
