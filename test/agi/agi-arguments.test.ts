import { expect, test } from "@jest/globals";
import { asteriskArguments } from "./raw-asterisk.ts";
import { startCall } from "./running-call.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: the dollar and braces are Asterisk's.
const EXPRESSION = "${SHELL(x)}";

test("no argument can become a second argument or a second command", async () => {
  await using call = await startCall();
  const { channel, asterisk } = call;
  for (const text of ['a" "b', "a\\", 'a\\" b', "\t\\\t", "ü\u0001 €", '"', "--x", EXPRESSION, "a'b;c|d&e"]) {
    const rows: readonly (readonly [() => Promise<unknown>, readonly string[]])[] = [
      [() => channel.streamFile(text), ["STREAM", "FILE", text, ""]],
      [() => channel.setVariable(text, text), ["SET", "VARIABLE", text, text]],
      [() => channel.getVariable(text), ["GET", ...(text.includes("$") ? ["FULL"] : []), "VARIABLE", text]],
      [() => channel.exec("X", text, text), ["EXEC", "X", `${text},${text}`]],
      [() => channel.command(["NOOP", text, "", text]), ["NOOP", text, "", text]],
      [() => channel.getData({ file: text, milliseconds: 1, digitsMax: 2 }), ["GET", "DATA", text, "1", "2"]],
    ];
    for (const [ask, words] of rows) {
      const asked = ask();
      expect(asteriskArguments(await asterisk.line())).toEqual(words);
      asterisk.send("200 result=1\n");
      await asked.catch(() => {}); // 1 is no key: only the line matters here.
    }
  }
});

test("an argument that cannot be made safe is refused before anything is sent", async () => {
  await using call = await startCall();
  const { channel } = call;
  for (const text of ["a\nEXEC System x", "a\rb", "a\0b", "\ud800", "x".repeat(3000), "é".repeat(1023)]) {
    for (const refused of [
      channel.streamFile(text),
      channel.setVariable(text, "1"),
      channel.setVariable("A", text),
      channel.getVariable(text),
      channel.exec("X", text),
      channel.command(["NOOP", text]),
      channel.getData({ file: text, milliseconds: 1, digitsMax: 2 }),
    ]) {
      await expect(refused).rejects.toMatchObject({ kind: "bad_argument" });
    }
  }
  for (const refused of [
    channel.streamFile("a", '"'),
    channel.streamFile(""),
    channel.getVariable(""),
    channel.exec("X Y"),
    channel.exec("X", "a,b", "c"),
    channel.waitForDigit(-1),
    channel.waitForDigit(Number.NaN),
    channel.execFor(2 ** 31, "X"),
    channel.command(Array(101).fill("a")),
    channel.getData({ file: "a", milliseconds: 1, digitsMax: 0 }),
  ]) {
    await expect(refused).rejects.toMatchObject({ kind: "bad_argument" });
  }
  const noop = channel.noop();
  expect(await call.asterisk.line()).toBe("NOOP");
  call.asterisk.send("200 result=0\n");
  await noop;
});
