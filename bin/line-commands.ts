import type { Command } from "commander";
import { connectAmi } from "../agi/ami.ts";
import { hangUpLeg } from "../agi/supervisor.ts";
import { readConfig } from "../core/config.ts";
import { formatClock } from "../core/durations.ts";
import { formatFrancs } from "../core/money.ts";
import { TEST_TRUNK } from "../core/played-call.ts";
import { openDatabase } from "../db/database.ts";
import { type LiveLine, liveLines } from "../db/live-lines.ts";
import { LEASE_SECONDS } from "../db/pulses.ts";

/** `phone2pay lines` and `phone2pay hang-up`: the calls under way, and the end of one on the operator's word. */
export function addLineCommands(program: Command): void {
  program
    .command("lines")
    .description("the calls under way: who, where, how long, how much")
    .option("--json", "for programs")
    .action(async ({ json }: { json?: true }) => {
      await using database = openDatabase(readConfig(process.env).databaseUrl);
      const lines = await liveLines(database.db, LEASE_SECONDS);
      if (json) return console.log(JSON.stringify(lines, null, 2));
      for (const line of lines) console.log(describe(line));
      console.log(`${lines.length} ${lines.length === 1 ? "call" : "calls"} under way`);
    });

  program
    .command("hang-up")
    .description("end a call; it is billed until now, and what it brought stays the shopper's credit")
    .argument("<uniqueid>", "as «phone2pay lines» shows it")
    .action(async (uniqueid: string) => {
      const { ami } = readConfig(process.env);
      if (!ami) throw new Error("Asterisk's manager interface isn't configured: set PHONE2PAY_AMI_HOST and the others");
      await using asterisk = await connectAmi(ami);
      if (!(await hangUpLeg(asterisk, uniqueid))) throw new Error(`Asterisk has no call ${uniqueid}`);
      console.log(`ended: ${uniqueid}`);
    });
}

function describe(line: LiveLine): string {
  const money =
    line.paidRappen === null
      ? `CHF ${formatFrancs(line.billedRappen)}`
      : `CHF ${formatFrancs(line.paidRappen)} of ${formatFrancs(line.totalRappen ?? 0)}`;
  const who =
    line.trunk === TEST_TRUNK ? "played" : line.callerHint === null ? "no number" : `caller …${line.callerHint}`;
  const silent = line.silentSeconds > LEASE_SECONDS ? `, its server silent for ${line.silentSeconds} s` : "";
  return [
    line.uniqueid,
    line.number,
    who,
    line.merchant ?? "no merchant",
    line.state.replaceAll("_", " "),
    formatClock(line.seconds),
    `${money}${silent}`,
  ].join("  ");
}
