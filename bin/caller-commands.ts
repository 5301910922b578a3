import { userInfo } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { hashCaller, readCallerNumber } from "../core/caller.ts";
import { readConfig } from "../core/config.ts";
import { barCaller, barredCallers, unbarCaller } from "../db/callers.ts";
import { openDatabase } from "../db/database.ts";
import { listGuesses } from "../db/guesses.ts";

const BARRED_DAYS_MAX = 3_650;
const GUESSES_DAYS_MAX = 400;
const GUESSES_DAYS = 30;

/** `phone2pay caller …` and `phone2pay guesses`: who may not call, and who tries codes. */
export function addCallerCommands(program: Command): void {
  const caller = program.command("caller").description("callers who may not pay here; numbers are kept as hashes only");

  caller
    .command("bar")
    .description("refuse all calls of a number, before they are answered")
    .argument("<number>", "0441234567 or +41441234567", parseCaller)
    .requiredOption("--reason <reason>", "why, for whoever reads the list", parseReason)
    .option("--days <days>", "for how long; for good when left out", wholeNumber(BARRED_DAYS_MAX))
    .action(async (number: string, { reason, days }: { reason: string; days?: number }) => {
      const { callerHashKey, databaseUrl } = readConfig(process.env);
      await using database = openDatabase(databaseUrl);
      await barCaller(database.db, {
        callerHash: hashCaller(number, callerHashKey),
        numberHint: number.slice(-2),
        reason,
        barredBy: userInfo().username,
        days: days ?? null,
      });
      console.log(`barred: ${number}`);
    });

  caller
    .command("unbar")
    .description("let a number call again")
    .argument("<number>", "in any form", parseCaller)
    .action(async (number: string) => {
      const { callerHashKey, databaseUrl } = readConfig(process.env);
      await using database = openDatabase(databaseUrl);
      if (!(await unbarCaller(database.db, hashCaller(number, callerHashKey))))
        throw new Error(`${number} isn't barred`);
      console.log(`may call again: ${number}`);
    });

  caller
    .command("list")
    .description("who is barred now, the latest first")
    .option("--json", "for programs")
    .action(async ({ json }: { json?: true }) => {
      await using database = openDatabase(readConfig(process.env).databaseUrl);
      const barred = await barredCallers(database.db);
      if (json) return console.log(JSON.stringify(barred, null, 2));
      for (const { numberHint, since, until, barredBy, reason } of barred)
        console.log(`…${numberHint}  ${day(since)} to ${until ? day(until) : "for good"}  by ${barredBy}: ${reason}`);
    });

  program
    .command("guesses")
    .description("wrong codes and refused calls, by day and number")
    .option("--days <days>", "how many days back", wholeNumber(GUESSES_DAYS_MAX), GUESSES_DAYS)
    .option("--json", "for programs")
    .action(async ({ days, json }: { days: number; json?: true }) => {
      await using database = openDatabase(readConfig(process.env).databaseUrl);
      const guesses = await listGuesses(database.db, days);
      if (json) return console.log(JSON.stringify(guesses, null, 2));
      for (const { number, refusals, ...of } of guesses) {
        const refused = Object.entries(refusals).map(([reason, calls]) => `${reason} ${calls}`);
        console.log(
          `${of.day}  ${number || "not ours  "}  wrong codes ${of.wrongCodes} in ${of.calls} calls, ` +
            `locked callers ${of.lockedCallers}${refused.length > 0 ? `; refused: ${refused.join(", ")}` : ""}`,
        );
      }
    });
}

function parseCaller(text: string): string {
  const number = readCallerNumber(text.replace(/[\s'/()-]/g, ""));
  if (number === null) throw new InvalidArgumentError("a telephone number, as 0441234567 or +41441234567");
  return number;
}

function parseReason(text: string): string {
  if (text.trim() === "" || text.length > 200) throw new InvalidArgumentError("1 to 200 characters");
  return text.trim();
}

function wholeNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > max) throw new InvalidArgumentError(`1 to ${max}`);
    return value;
  };
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
