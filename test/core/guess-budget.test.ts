import { expect, test } from "@jest/globals";
import { ACCESS_CODE_GUESSES, GuessBudget } from "../../core/guess-budget.ts";

const MINUTE_MS = 60_000;

test("a minute of guessing at a hundred a second leaves something over for the others", () => {
  const budget = new GuessBudget(ACCESS_CODE_GUESSES);
  for (let tries = 0; tries < 6_000; tries++) budget.spend(tries * 10);
  expect(budget.left(MINUTE_MS)).toBeGreaterThan(4_000);
});

test("guessing that goes on has so many a minute, and what isn't used is kept to a limit", () => {
  const budget = new GuessBudget({ atOnceMax: 10, perMinute: 2 });
  for (let tries = 0; tries < 50; tries++) budget.spend(0);
  expect(budget.left(0)).toBe(0);
  expect(budget.waitMs(0)).toBe(MINUTE_MS / 2);
  expect(budget.waitMs(MINUTE_MS / 4)).toBe(MINUTE_MS / 4);
  expect(budget.left(MINUTE_MS)).toBe(2);
  expect(budget.waitMs(MINUTE_MS)).toBe(0);
  expect(budget.left(60 * MINUTE_MS)).toBe(10);
});
