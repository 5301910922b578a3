import { text } from "node:stream/consumers";
import { Phone2PayError, phone2pay, verifyWebhook } from "../../../sdk/typescript/phone2pay.ts";
import type { Command, Outcome } from "../kit.ts";

/** Runs commands on the TypeScript kit: a JSON array of them on standard input, their outcomes on standard output. */
async function run({ call, arguments: given, idempotencyKey, ...client }: Command): Promise<unknown> {
  // biome-ignore lint/suspicious/noExplicitAny: a command holds what its call wants
  const wanted = given as any;
  if (call === "verifyWebhook") return verifyWebhook({ ...wanted, body: Buffer.from(wanted.bodyBase64, "base64") });
  const kit = phone2pay(client);
  const once = idempotencyKey === undefined ? {} : { idempotencyKey };
  if (call === "createTransaction") return kit.createTransaction(wanted, once);
  if (call === "quote") return kit.quote(wanted);
  if (call === "checkTransaction") return kit.checkTransaction(wanted.id);
  return kit[call](wanted.id, once);
}

async function outcomeOf(command: Command): Promise<Outcome> {
  try {
    return { answer: (await run(command)) as Record<string, unknown> };
  } catch (error) {
    if (!(error instanceof Phone2PayError)) throw error;
    const { status, code, detail, errors, requestId } = error;
    return { refusal: { status, code, detail, errors, requestId } };
  }
}

const outcomes: Outcome[] = [];
for (const command of JSON.parse(await text(process.stdin)) as Command[]) outcomes.push(await outcomeOf(command));
process.stdout.write(JSON.stringify(outcomes));
