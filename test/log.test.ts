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
