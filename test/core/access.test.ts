import { expect, test } from "@jest/globals";
import { accessAt, isRenewalOffered, whyNotRenewable } from "../../core/access.ts";
import { drawAccessCode, formatAccessCode, parseAccessCode } from "../../core/access-code.ts";
import { accessUntil, type Transaction } from "../../core/transaction.ts";
import { transactionWith } from "./any-transaction.ts";

const PAID_AT = new Date("2026-03-10T10:00:00Z");
const later = (days: number, ms = 0) => new Date(PAID_AT.getTime() + days * 86_400_000 + ms);
const pass = (changes: Partial<Transaction> = {}) =>
  transactionWith({ accessDays: 31, accessCode: "123456789012", status: "confirmed", paidAt: PAID_AT, ...changes });

test("a day of a pass has 24 hours, on the days when clocks change too", () => {
  expect(accessUntil(pass())).toEqual(new Date("2026-04-10T10:00:00Z"));
});

test("a renewal begins where its pass ends; paid after that, it begins when it is paid", () => {
  const renewal = pass({ accessAfter: later(31), paidAt: later(25) });
  expect(accessUntil(renewal)).toEqual(later(62));
  expect(accessUntil({ ...renewal, paidAt: later(40) })).toEqual(later(71));
});

test("a pass opens from its payment to the very moment of its end", () => {
  const ours = { asked: pass(), newest: pass() };
  expect(accessAt(ours, later(31, -1))).toEqual({ refusal: null, until: later(31) });
  expect(accessAt(ours, later(31))).toEqual({ refusal: "expired", until: later(31) });
});

test("a redeemed pass opens like any other", () => {
  const redeemed = pass({ status: "redeemed" });
  expect(accessAt({ asked: redeemed, newest: redeemed }, later(1)).refusal).toBeNull();
});

test.each([
  ["no_access", { accessDays: 0, accessCode: null }],
  ["not_paid", { status: "open", paidAt: null }],
  ["not_paid", { status: "expired", paidAt: null }],
  ["cancelled", { status: "cancelled", paidAt: null }],
] as const)("what opens nothing says why: %s", (refusal, changes) => {
  const asked = pass(changes);
  expect(accessAt({ asked, newest: asked }, later(1))).toEqual({ refusal, until: null });
});

test("an old pass is worth what its newest renewal is", () => {
  const newest = pass({ accessAfter: later(31), paidAt: later(30) });
  expect(accessAt({ asked: pass(), newest }, later(50))).toEqual({ refusal: null, until: later(62) });
});

test("access never reaches further ahead than 62 days", () => {
  expect(whyNotRenewable(pass(), 31, PAID_AT)).toBeNull();
  expect(whyNotRenewable(pass(), 31, later(0, -1))).toBe("renewal_refused");
  const renewed = pass({ accessAfter: later(31), paidAt: later(1) });
  expect(whyNotRenewable(renewed, 31, later(30))).toBe("renewal_refused");
  expect(whyNotRenewable(renewed, 31, later(31))).toBeNull();
});

test("only a paid pass is renewed, by a day at least", () => {
  expect(whyNotRenewable(pass({ status: "open", paidAt: null }), 31, later(1))).toBe("renewal_refused");
  expect(whyNotRenewable(pass({ accessDays: 0, accessCode: null }), 31, later(1))).toBe("renewal_refused");
  expect(whyNotRenewable(pass(), 0, later(1))).toBe("renewal_refused");
});

test.each([
  [31, 24, -1, false],
  [31, 24, 0, true],
  [31, 61, 0, true],
  [31, 62, 0, false],
  [1, 0.5, -1, false],
  [1, 0.5, 0, true],
])("a pass of %d days is offered for renewal after %d days and %d ms: %p", (accessDays, days, ms, offered) => {
  expect(isRenewalOffered(pass({ accessDays }), later(days, ms))).toBe(offered);
});

test("access codes are twelve digits, whatever the dice say", () => {
  expect(drawAccessCode(() => 0)).toBe("000000000000");
  expect(drawAccessCode((sides) => sides - 1)).toBe("999999999999");
  expect(drawAccessCode(() => 42)).toBe("000000000042");
});

test("a code is read as it is copied, and shown in groups of four", () => {
  expect(formatAccessCode("123456789012")).toBe("1234 5678 9012");
  for (const text of ["1234 5678 9012", "1234-5678-9012", " 123456789012\n", "1234\u00a05678\u00a09012"])
    expect(parseAccessCode(text)).toBe("123456789012");
  for (const text of ["", "1234", "12345678901", "1234567890123", "12345678901a", "１２３４５６７８９０１２"])
    expect(parseAccessCode(text)).toBeNull();
});
