import { expect, test } from "@jest/globals";
import { openLog } from "../bin/log.ts";

test("a log line holds neither caller, password nor key, and of a database error what it is but not the row it quotes", () => {
  const lines: string[] = [];
  const log = openLog("info", "test", { write: (line) => void lines.push(line) });
  const refused = Object.assign(new Error("violates check constraint"), {
    code: "23514",
    constraint: "call_legs_check2",
    detail: "Failing row contains (81, 0441234567)",
  });
  log.error(
    { error: refused, call: { caller: "0441234567" }, user: { password: "hunter22", apiKey: "p2p_live_x" } },
    "failed",
  );
  const text = lines.join("");
  for (const secret of ["0441234567", "hunter22", "p2p_live_x", "Failing row"]) expect(text).not.toContain(secret);
  for (const told of ["23514", "call_legs_check2", "failed", "[hidden]"]) expect(text).toContain(told);
});

test("a peer that breaks the protocol is one short line, without a stack", () => {
  const lines: string[] = [];
  const log = openLog("info", "test", { write: (line) => void lines.push(line) });
  log.warn({ error: Object.assign(new Error("no AGI environment"), { kind: "time_out" }) }, "call.failed");
  expect(lines.join("")).not.toContain("at ");
  expect(lines.join("").length).toBeLessThan(300);
});

test("ids and keys, in whatever message and form they come, are cut to how they begin", () => {
  const lines: string[] = [];
  const log = openLog("debug", "test", { write: (line) => void lines.push(line) });
  const id = "85341CE4-2744-423A-8320-F9531E57D666";
  const forms = [id, id.toLowerCase(), id.replaceAll("-", ""), id.replaceAll("-", "%2D")];
  for (const form of forms) {
    log.warn(`Reply was already sent in "/pay/${form}?lang=fr"`);
    log.error({ err: new Error(`invalid input: "${form}"`), call: { transactions: [form] } }, "failed");
  }
  log.debug({ headers: "Bearer p2p_live_4Zb-x_9q" }, "p2p_test_abc-_1 was refused");
  log.info({ uniqueid: "1764091234.4711", caller: "0441234567", apiKey: "p2p_live_x" }, "told");
  const text = lines.join("");
  for (const form of forms) expect(text).not.toContain(form.slice(-12));
  for (const secret of ["4Zb", "abc-_1", "0441234567"]) expect(text).not.toContain(secret);
  for (const told of ["85341CE4-…", "85341ce4-…", "p2p_live_…", "1764091234.4711"]) expect(text).toContain(told);
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
});
