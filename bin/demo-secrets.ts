import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

const SOFTPHONES = 4;
const secret = z.string().min(16);

const SECRETS = z.object({
  merchantPassword: secret,
  operatorPassword: secret,
  agiSecret: secret,
  amiSecret: secret,
  callerHashKey: secret,
  webhookKey: secret,
  softphonePasswords: z.array(secret).length(SOFTPHONES),
  /** API keys; null until the database has made them. */
  testKey: z.string().nullable(),
  liveKey: z.string().nullable(),
});

export type DemoSecrets = z.infer<typeof SECRETS>;

/** With what only the database can make, once it has. */
export type CompleteSecrets = DemoSecrets & {
  readonly testKey: string;
  readonly liveKey: string;
  /** Of the endpoint at which the shop is told; derived anew at each start and kept nowhere. */
  readonly shopWebhookSecret: string | null;
};

/**
 * The demo's secrets: drawn at the first start, the same ever after, readable by their owner only. One that a former
 * version didn't know is drawn when it is missing.
 */
export async function loadSecrets(directory: string): Promise<DemoSecrets> {
  const text = await readFile(fileOf(directory), "utf8").catch(() => null);
  const kept: unknown = text === null ? {} : JSON.parse(text);
  const known = SECRETS.safeParse(kept);
  if (known.success) return known.data;
  const drawn: DemoSecrets = {
    merchantPassword: draw(),
    operatorPassword: draw(),
    agiSecret: draw(),
    amiSecret: draw(),
    callerHashKey: draw(),
    webhookKey: draw(),
    softphonePasswords: Array.from({ length: SOFTPHONES }, draw),
    testKey: null,
    liveKey: null,
  };
  const all = SECRETS.parse({ ...drawn, ...SECRETS.partial().parse(kept) });
  await saveSecrets(directory, all);
  return all;
}

export async function saveSecrets(directory: string, secrets: DemoSecrets): Promise<void> {
  await writePrivately(fileOf(directory), secrets);
}

/** Whole or not at all, and for its owner's eyes only. */
export async function writePrivately(file: string, value: unknown): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, file);
}

/** 120 bits in letters and digits: they go into configuration files that know no quoting, and are typed into SIP clients. */
function draw(): string {
  return randomBytes(15).toString("hex");
}

function fileOf(directory: string): string {
  return path.join(directory, "secrets.json");
}
