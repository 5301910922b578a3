import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readProgress } from "../../db/progress.ts";
import { beginPlay } from "../../db/test-plays.ts";
import { seedMerchant } from "../support/seed.ts";
import { STATES, WebApp } from "../web/web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

test("many payments read together are each as they are alone, and one that isn't there has no entry", async () => {
  const ids = new Map<string, string>();
  for (const state of STATES) ids.set(state, await web.inState(state));
  const other = await seedMerchant(web.db, { number: "0900900909", codeBeforeAnswer: true });
  ids.set("elsewhere", await web.open({}, other));
  const played = await web.open({ test: true });
  await beginPlay(web.db, { transactionId: played, play: "pay" });
  ids.set("played", played);
  const nowhere = "85341CE4-2744-423A-8320-F9531E57D666";
  await web.get(`/pay/${ids.get("open")}`); // the first look issues the code

  const read = await readProgress(web.db, [...ids.values(), nowhere]);
  expect(new Set(read.keys())).toEqual(new Set(ids.values()));
  const of = (name: string) => read.get(ids.get(name) ?? "");
  for (const state of STATES) expect(of(state)?.transaction.status).toBe(state === "interrupted" ? "open" : state);
  expect(of("open")?.code?.code).toMatch(/^[0-9]{4}$/);
  expect(of("calling")).toMatchObject({ code: null, calls: [{ billedRappen: 40, endedAt: null }] });
  expect(of("paid")).toMatchObject({ code: null, calls: [] });
  expect(of("elsewhere")).toMatchObject({ terms: { codeBeforeAnswer: true, trunk: { name: "demo" } } });
  expect(of("played")).toMatchObject({ lastPlay: { play: "pay", isPlaying: true } });
  for (const [id, together] of read) {
    const alone = (await readProgress(web.db, [id])).get(id);
    expect({ ...alone, now: together.now }).toEqual(together);
  }
});
