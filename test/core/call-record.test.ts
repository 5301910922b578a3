import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { readCallRecord, readRecordLine } from "../../core/call-record.ts";

const LINE =
  '"1795597661.12","0900900904","0900900904","0441234567",1795597661.369444,1795597661.371385,1795597669.874160,8.504716,8.502775,"ANSWERED","pay","PJSIP/loopback-00000004",4';

test("a line of Asterisk's own record is read to the microsecond, and without its caller", () => {
  const record = readRecordLine(LINE);
  expect(record).toEqual({
    uniqueid: "1795597661.12",
    sequence: 4,
    number: "0900900904",
    startedAtUs: 1_795_597_661_369_444,
    answeredAtUs: 1_795_597_661_371_385,
    endedAtUs: 1_795_597_669_874_160,
    durationMs: 8_504.716,
    talkMs: 8_502.775,
    disposition: "ANSWERED",
    channel: "PJSIP/loopback-00000004",
  });
  expect(JSON.stringify(record)).not.toContain("0441234567");
});

test("a call that was never answered has no moment of answer, and one for none of our numbers no number", () => {
  const line =
    '"line1-1795597660.0","","0911234567","",1795597660.910299,0.000000,1795597660.911184,0.000885,0.000000,"NO ANSWER","numbers","PJSIP/x-00000000",0';
  expect(readRecordLine(line)).toMatchObject({ answeredAtUs: null, number: null, talkMs: 0 });
});

test("what a column in quotes holds stays in it: commas and quotes move no other column", () => {
  const line = LINE.replace('"0441234567"', '"a,""b"",,c"');
  expect(readRecordLine(line)).toEqual(readRecordLine(LINE));
});

test.each([
  ["an empty line", ""],
  ["half a line", LINE.slice(0, 90)],
  ["a column too many", `${LINE},1`],
  ["quotes that don't match", LINE.replace('"0441234567"', '"0441234567')],
  ["a number that is none", LINE.replace('"0900900904"', '"0900-900904"')],
  ["an answer after the end", LINE.replace("1795597661.371385", "1795597670.371385")],
  ["an end before the start", LINE.replace("1795597669.874160", "1795597600.874160")],
  ["more talk than call", LINE.replace("8.502775", "8.604717")],
  ["talk without an answer", LINE.replace("1795597661.371385", "0.000000")],
  ["a negative length, as when the clock was set back", LINE.replace("8.502775", "-8.502775")],
  ["rounded times", LINE.replace("1795597661.369444", "1795597661")],
])("no record is made of %s", (_what, line) => {
  expect(readRecordLine(line)).toBeNull();
});

test("reading never throws, and never makes a record whose times contradict each other, whatever stands in the file", () => {
  const seconds = fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 999_999 }))
    .map(([whole, rest]) => `${whole}.${String(rest).padStart(6, "0")}`);
  const text = fc.string({ maxLength: 12 });
  const raw = fc.record({
    uniqueid: fc.oneof(fc.constant("1.1"), text),
    sequence: fc.oneof(fc.nat().map(String), text),
    number: fc.oneof(fc.constant("0900900904"), text),
    startedAt: seconds,
    answeredAt: fc.oneof(fc.constant("0.000000"), seconds),
    endedAt: seconds,
    duration: seconds,
    talk: fc.oneof(fc.constant("0.000000"), seconds),
    disposition: fc.oneof(fc.constant("ANSWERED"), text),
    channel: fc.oneof(fc.constant("PJSIP/carrier-00000001"), text),
  });
  fc.assert(
    fc.property(raw, (fields) => {
      const record = readCallRecord(fields);
      if (!record) return;
      const { startedAtUs, answeredAtUs, endedAtUs, durationMs, talkMs } = record;
      expect(startedAtUs <= (answeredAtUs ?? startedAtUs) && (answeredAtUs ?? startedAtUs) <= endedAtUs).toBe(true);
      expect(talkMs <= durationMs && (answeredAtUs !== null || talkMs === 0)).toBe(true);
    }),
  );
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (line) => void readRecordLine(line)));
});
