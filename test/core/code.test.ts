import { randomInt } from "node:crypto";
import { expect, test } from "@jest/globals";
import { CODES_LIVE_MAX, codeDistance, drawCode, isCode } from "../../core/code.ts";
import { formatMoney } from "../../core/money.ts";
import { e164, formatSmartNumber, parseSmartNumber, priceText } from "../../core/smart-number.ts";
import { parseTransactionId } from "../../core/transaction-id.ts";

test("every drawn code differs from every live one in at least two digits, until the number is full", () => {
  const live: string[] = [];
  for (let drawn = drawCode(live, randomInt); drawn !== null; drawn = drawCode(live, randomInt)) {
    expect(isCode(drawn)).toBe(true);
    for (const other of live) expect(codeDistance(drawn, other)).toBeGreaterThanOrEqual(2);
    live.push(drawn);
  }
  expect(live.length).toBe(CODES_LIVE_MAX);
});

test("a draw can reach every code that is free, the first and the last too", () => {
  expect(drawCode([], () => 0)).toBe("0000");
  expect(drawCode([], (sides) => sides - 1)).toBe("9999");
  expect(drawCode(["0000"], () => 0)).toBe("0011");
});

test.each([
  ["85341CE4-2744-423A-8320-F9531E57D666"],
  ["85341ce42744423a8320f9531e57d666"],
  ["  85341Ce4-2744-423a-8320-f9531e57d666\n"],
])("an id is read in any form: %j", (text) => {
  expect(parseTransactionId(text)).toBe("85341CE4-2744-423A-8320-F9531E57D666");
});

test.each([
  "",
  "85341CE4",
  "85341CE4-2744-423A-8320-F9531E57D66",
  "85341CE4-2744-423A-8320-F9531E57D66G",
  "85341CE42744423A8320F9531E57D6660",
])("%j is no id", (text) => {
  expect(parseTransactionId(text)).toBeNull();
});

test("a Smart Number is read in the ways that carriers and people write it, and shown as BAKOM asks", () => {
  for (const text of ["0900900904", "0900 900 904", "+41900900904", "0041900900904", "41900900904"])
    expect(parseSmartNumber(text)).toBe("0900900904");
  for (const text of ["0800900904", "090090090", "09009009040", "+49900900904", "0902900904", "0900900904x", ""])
    expect(parseSmartNumber(text)).toBeNull();
  expect(formatSmartNumber("0900900904")).toBe("0900 900 904");
  expect(e164("0900900904")).toBe("+41900900904");
});

test("prices stand as they must stand beside a number", () => {
  const plain = (text: string) => text.replaceAll("\u00a0", " ");
  expect(plain(priceText([{ kind: "time", rappenPerMinute: 120, incrementSeconds: 5 }], "fr"))).toBe("CHF 1.20/min");
  expect(plain(priceText([{ kind: "fixed", priceRappen: 300 }], "de"))).toBe("CHF 3.00/Anruf");
  expect(
    plain(
      priceText(
        [
          { kind: "fixed", priceRappen: 100 },
          { kind: "time", rappenPerMinute: 50, incrementSeconds: 60 },
        ],
        "en",
      ),
    ),
  ).toBe("CHF 1.00 + CHF 0.50/min");
  expect(formatMoney(123_456)).toBe("CHF\u00a01’234.56");
  expect(() => formatMoney(1.5)).toThrow(RangeError);
});
