#!/usr/bin/env node
import { Command, InvalidArgumentError } from "commander";
import { readConfig } from "../core/config.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { addBrandCommands } from "./brand-commands.ts";
import { addCallerCommands } from "./caller-commands.ts";
import { addLineCommands } from "./line-commands.ts";
import { ROLES, type Role, serve } from "./serve.ts";

const program = new Command("phone2pay").description("Payment by phone call: the operator's command");

program
  .command("serve")
  .description("answer calls, requests and jobs")
  .option("--role <role>", `one of ${ROLES.join(", ")}; all of them when left out`, parseRole)
  .action(async ({ role }: { role?: Role }) => {
    await serve(readConfig(process.env), role ? [role] : ROLES, untilSignalled());
  });

program
  .command("migrate")
  .description("bring the database to the newest schema")
  .action(async () => {
    await using database = openDatabase(readConfig(process.env).databaseUrl);
    const done = await migrate(database.db);
    console.log(done.length === 0 ? "the database is up to date" : `migrated: ${done.join(", ")}`);
  });

addBrandCommands(program);
addCallerCommands(program);
addLineCommands(program);

program
  .command("reconcile")
  .description("compare our books with others'")
  .command("calls")
  .description("compare every call that ended with Asterisk's own record; exits 1 when anything is beyond tolerance")
  .option("--since <moment>", "ISO 8601; a day ago when left out", parseMoment)
  .option("--until <moment>", "ISO 8601; now when left out", parseMoment)
  .option("--json", "for programs")
  .action(async (options: { since?: Date; until?: Date; json?: boolean }) => {
    const { reconcileCalls } = await import("./reconcile-calls.ts");
    const { sound, text } = await reconcileCalls(readConfig(process.env).databaseUrl, options);
    console.log(text);
    if (!sound) process.exitCode = 1;
  });

program
  .command("doctor")
  .description("say what is wrong with the installation, and what to do about it")
  .option("--json", "for programs", false)
  .option("--demo", "examine the running demo", false)
  .option("--asterisk-config <directory>", "Asterisk's configuration, where the running Asterisk doesn't tell")
  .action(async ({ json, demo, asteriskConfig }: { json: boolean; demo: boolean; asteriskConfig?: string }) => {
    const { runDoctor } = await import("./doctor.ts");
    await runDoctor({ json, demo, asteriskConfig: asteriskConfig ?? null });
  });

program
  .command("demo")
  .description("start everything there is, with a demo merchant, a shop and a telephone")
  .action(async () => {
    const { runDemo } = await import("./demo.ts");
    await runDemo();
  });

try {
  await program.parseAsync();
} catch (error) {
  // What an operator can mend is said in plain words; DEBUG=1 shows where it came from.
  console.error(
    process.env.DEBUG ? error : `phone2pay: ${error instanceof Error ? error.message || error.name : String(error)}`,
  );
  process.exitCode = 1;
}

function parseRole(value: string): Role {
  const role = ROLES.find((known) => known === value);
  if (!role) throw new InvalidArgumentError(`one of ${ROLES.join(", ")}`);
  return role;
}

function parseMoment(value: string): Date {
  const moment = new Date(value);
  if (Number.isNaN(moment.getTime())) throw new InvalidArgumentError("a moment like 2026-01-31T08:00:00Z");
  return moment;
}

/** Aborted by the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function untilSignalled(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
