import { stat } from "node:fs/promises";
import path from "node:path";
import { sameSecret } from "../../agi/server.ts";
import type { Config } from "../../core/config.ts";
import { everyoneMayEnter } from "../everyone-may-enter.ts";
import type { AsteriskFiles } from "./asterisk-files.ts";
import { type Finding, unknown, well, wrong } from "./finding.ts";

const SECRET_CHARACTERS_MIN = 16;
/** What asterisk-config/site.example has in the places that are marked CHANGE. */
const EXAMPLE = /^change-me$|^192\.0\.2\.\d{1,3}$/;
const SECRET_KEYS: ReadonlySet<string> = new Set(["p2p_secret", "secret", "password"]);
const OTHERS_MAY_READ = 0o004;
const ABOUT_FILES = ["secrets.defaults", "secrets.length", "secrets.readable"] as const;

/** Whether each secret is one: drawn by the operator, long, used for one thing, and not for everybody to read. Tells none. */
export async function checkSecrets(config: Config | null, files: AsteriskFiles | null): Promise<readonly Finding[]> {
  const distinct = checkDistinct(config);
  if (!files) {
    const why = "because Asterisk's configuration isn't to be seen from here";
    return [distinct, ...ABOUT_FILES.map((check) => unknown(check, why))];
  }
  const values = (await Promise.all(files.siteFiles.map((file) => valuesOf(files, file)))).flat();
  return [distinct, checkDefaults(values), checkLength(values), await checkReadable(files)];
}

function checkDistinct(config: Config | null): Finding {
  const check = "secrets.distinct";
  if (!config) return unknown(check, "because the configuration is wrong");
  const secrets = [
    { name: "PHONE2PAY_AGI_SECRET", value: config.agi.secret },
    { name: "PHONE2PAY_CALLER_HASH_KEY", value: config.callerHashKey },
    { name: "PHONE2PAY_WEBHOOK_KEY", value: config.webhooks.key },
    ...(config.ami ? [{ name: "PHONE2PAY_AMI_SECRET", value: config.ami.secret }] : []),
  ];
  const same = secrets.flatMap((one, index) =>
    secrets
      .slice(index + 1)
      .flatMap((other) => (sameSecret(one.value, other.value) ? [`${one.name} = ${other.name}`] : [])),
  );
  if (same.length === 0) return well(check, "each is used for one thing");
  const mend = "Draw another for each (openssl rand -hex 24): who learns one must not have the others.";
  return wrong(check, `one serves for several: ${same.join(", ")}`, mend);
}

interface SiteValue {
  readonly file: string;
  readonly key: string;
  readonly value: string;
}

async function valuesOf(files: AsteriskFiles, file: string): Promise<readonly SiteValue[]> {
  const sections = await files.sections(file);
  return sections.flatMap(({ entries }) => entries.map(({ key, value }) => ({ file, key, value })));
}

function checkDefaults(values: readonly SiteValue[]): Finding {
  const left = values.filter(({ value }) => EXAMPLE.test(value));
  if (left.length === 0) return well("secrets.defaults", "no value of the example is left");
  const mend = "Change what is marked CHANGE in asterisk-config/site.example (openssl rand -hex 24 draws a secret).";
  return wrong("secrets.defaults", `left as in the example: ${placesOf(left)}`, mend);
}

function checkLength(values: readonly SiteValue[]): Finding {
  const secrets = values.filter(({ key }) => SECRET_KEYS.has(key));
  const short = secrets.filter(({ value }) => value.length < SECRET_CHARACTERS_MIN);
  if (short.length === 0) return well("secrets.length", `${secrets.length} in site.d are long enough`);
  const mend = `Draw longer ones (openssl rand -hex 24): at least ${SECRET_CHARACTERS_MIN} characters.`;
  return wrong("secrets.length", `too short to be safe: ${placesOf(short)}`, mend);
}

function placesOf(values: readonly SiteValue[]): string {
  return [...new Set(values.map(({ file, key }) => `${key} in ${file}`))].join(", ");
}

/** A file that its directories keep to their owner is safe whatever its own mode. */
async function checkReadable(files: AsteriskFiles): Promise<Finding> {
  const check = "secrets.readable";
  const directory = path.join(files.directory, "site.d");
  if (!(await everyoneMayEnter(directory))) return well(check, `${directory} is closed to others`);
  const modes = await Promise.all(
    files.siteFiles.map(async (file) => ({ file, mode: (await stat(path.join(files.directory, file))).mode })),
  );
  const open = modes.filter(({ mode }) => (mode & OTHERS_MAY_READ) !== 0).map(({ file }) => file);
  if (open.length === 0) return well(check, `the files in ${directory} are closed to others`);
  const mend = `chmod 700 ${directory}, with the user that Asterisk runs as for its owner; then draw the secrets anew.`;
  return wrong(check, `every user of this machine may read ${open.join(", ")}`, mend);
}
