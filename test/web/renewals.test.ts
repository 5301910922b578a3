import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ACCESS_AHEAD_DAYS_MAX, accessAt } from "../../core/access.ts";
import { DAY_MS, daysAfter, later } from "../../core/time.ts";
import { accessUntil, type Transaction } from "../../core/transaction.ts";
import { cancel, expire, resume } from "../../core/transitions.ts";
import { databaseNow } from "../../db/database.ts";
import { findPass } from "../../db/passes.ts";
import { changeTransaction, listTransactions, PAGE_ROWS_MAX } from "../../db/transactions.ts";
import { takeUpRenewal } from "../../web/renewal.ts";
import { shiftBack } from "../support/time-travel.ts";
import { WebApp } from "./web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

type Step =
  | { readonly does: "renew" | "prolong" | "pay" | "half" | "cancel" | "expire" | "resume" }
  | { readonly does: "days pass"; readonly hours: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("renew", "pay", "prolong", "prolong", "half", "cancel", "expire", "resume")
      .map((does) => ({ does }) as Step),
  },
  {
    weight: 1,
    arbitrary: fc
      .oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 * 14 }))
      .map((hours) => ({ does: "days pass" as const, hours })),
  },
);

const passes = async () =>
  listTransactions(web.db, { merchantId: web.seeded.merchantId, test: false, limit: PAGE_ROWS_MAX });

/** Whoever is unpaid among the renewals of this story, as the row is. */
async function unpaidOf(story: ReadonlySet<string>): Promise<readonly Transaction[]> {
  return (await passes()).filter((one) => story.has(one.id) && !one.paidAt && one.status !== "cancelled");
}

async function take(story: Set<string>, firstId: string, next: Step): Promise<void> {
  if (next.does === "days pass") return shiftBack(web.db, next.hours * 3_600_000);
  if (next.does === "renew" || next.does === "prolong") {
    const found = await findPass(web.db, { id: firstId });
    const renewal = found && (await takeUpRenewal(web.db, found.newest));
    if (renewal) story.add(renewal.id);
    if (next.does === "renew") return;
  }
  for (const { id, status } of await unpaidOf(story)) {
    if (next.does === "cancel") await changeTransaction(web.db, id, cancel("shopper"));
    else if (next.does === "expire") await changeTransaction(web.db, id, expire);
    else if (next.does === "resume") await changeTransaction(web.db, id, resume);
    else if (status === "open") await call(id, next.does === "half" ? 5 : 10);
  }
}

/** A call that brings so many pulses, if its code is still taken. */
async function call(id: string, pulses: number): Promise<void> {
  let started: Awaited<ReturnType<WebApp["call"]>>;
  try {
    started = await web.call(id);
  } catch {
    return; // its time has run out by the clock
  }
  await started.pulses(1, pulses);
  await started.hangUp(pulses * 5 - 3);
}

async function expectTruth(story: ReadonlySet<string>, firstId: string): Promise<void> {
  const now = await databaseNow(web.db);
  const all = (await passes()).filter(({ id }) => story.has(id));
  for (const pass of all) {
    const renewals = all.filter((one) => one.renews === pass.id && one.status !== "cancelled");
    expect(renewals.length).toBeLessThanOrEqual(1);
  }
  const first = all.find(({ id }) => id === firstId);
  if (!first) throw new Error("the first pass vanished");
  const paid: Transaction[] = [first];
  const renewalOf = (pass: Transaction) => all.find((one) => one.renews === pass.id && one.paidAt !== null);
  for (let next = renewalOf(first); next; next = renewalOf(next)) paid.push(next);
  let covered = false;
  let endsBefore: Date | null = null;
  for (const pass of paid) {
    const until = accessUntil(pass);
    if (!until || !pass.paidAt) throw new Error("a paid pass without an end");
    const from = daysAfter(until, -pass.accessDays);
    // Nothing is lost and nothing overlaps: whole days, from the end before, or from the payment if that came later.
    expect(from).toEqual(endsBefore ? later(endsBefore, pass.paidAt) : pass.paidAt);
    expect(until.getTime() - now.getTime()).toBeLessThanOrEqual(ACCESS_AHEAD_DAYS_MAX * DAY_MS);
    covered ||= from <= now && now < until;
    endsBefore = until;
  }
  for (const pass of paid) {
    const found = await findPass(web.db, { accessCode: pass.accessCode ?? "" });
    expect(found?.newest.id).toBe(paid.at(-1)?.id);
    if (!found) throw new Error("a paid pass isn't found by its code");
    expect([accessAt(found, now).refusal === null, accessAt(found, now).until]).toEqual([covered, endsBefore]);
  }
}

test("in whatever order a pass is renewed, paid, cut, cancelled and let run out, its days never overlap and none is lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 2, 31),
      fc.array(step, { minLength: 1, maxLength: 12 }),
      async (accessDays, steps) => {
        await web.db.deleteFrom("codes").execute();
        const firstId = await web.inState("confirmed", { accessDays });
        const story = new Set([firstId]);
        for (const next of steps) {
          await take(story, firstId, next);
          await expectTruth(story, firstId);
        }
      },
    ),
    { numRuns: 40 },
  );
});
