import { expect, test } from "@jest/globals";
import { type CallerKind, callerKind, hashCaller, readCallerNumber } from "../../core/caller.ts";

const KEY = "a-key-for-tests-only";

test.each([
  ["0441234567", "+41441234567"],
  ["+41441234567", "+41441234567"],
  ["0041441234567", "+41441234567"],
  ["41441234567", "+41441234567"],
  ["+4930123456", "+4930123456"],
  ["004930123456", "+4930123456"],
  ["+4232345678", "+4232345678"],
  ["", null],
  ["sipp", null],
  ["softphone1", null],
  ["anonymous", null],
  ["1000", null],
  ["4930123456", null], // without a prefix nobody knows whether this is a country
  ["044123456", null], // a digit short
  ["04412345678", null], // a digit too many
  ["0041044123456", null],
  ["+41", null],
  ["+414412345678901", null],
  ["+0441234567", null],
  ["+1234567890123456", null], // E.164 ends at fifteen digits
  ["044 123 45 67", null],
  ["044\n1234567", null],
])("a network's %j is read as %j", (text, number) => {
  expect(readCallerNumber(text)).toBe(number);
});

test.each<readonly [string, boolean, readonly string[], CallerKind]>([
  ["+41441234567", false, ["41"], "home"],
  ["+4232345678", false, ["41"], "foreign"],
  ["+4232345678", false, ["41", "423"], "home"],
  ["+4930123456", false, ["41", "423"], "foreign"],
  ["sipp", false, ["41"], "unknown"],
  ["", false, ["41"], "unknown"],
  ["", true, ["41"], "hidden"],
  ["+41441234567", true, ["41"], "hidden"],
])("%j, hidden %j, is for a trunk at home in %j a caller that is %s", (text, hidden, homeCodes, kind) => {
  expect(callerKind({ hidden, number: readCallerNumber(text) }, homeCodes)).toBe(kind);
});

test("a caller has one hash, however the network writes the number, and another one under another key", () => {
  const forms = ["0441234567", "+41441234567", "0041441234567", "41441234567"];
  const hashes = forms.map((form) => hashCaller(readCallerNumber(form) ?? "", KEY).toString("hex"));
  expect(new Set(hashes).size).toBe(1);
  expect(hashCaller("+41441234567", "another-key-for-tests").toString("hex")).not.toBe(hashes[0]);
  expect(() => hashCaller("0441234567", KEY)).toThrow(RangeError);
});
