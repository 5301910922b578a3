import { z } from "zod";

const port = z
  .string()
  .regex(/^[0-9]{1,5}$/, "a port number")
  .transform(Number)
  .refine((value) => value <= 65_535, "at most 65535");
const secret = z.string().min(16, "at least 16 characters").max(200);
const host = z.string().min(1).max(253);
const address = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);
const addresses = z
  .string()
  .max(1_000)
  .transform((text) => text.split(","))
  .pipe(z.array(address));
/** Written as browsers compare them; in clear only on this machine, where nobody on the way can put words into the page. */
const origins = z
  .string()
  .max(2_000)
  .transform((list) => list.split(","))
  .refine((list) => list.every(isOrigin), "origins like https://shop.example, with commas between them");

/** Every environment variable the product reads, with its limits; nothing else in the product looks at process.env. */
const VARIABLES = {
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, "a postgres:// address"),
  PHONE2PAY_HTTP_HOST: host.default("127.0.0.1"),
  PHONE2PAY_HTTP_PORT: port.default(8_080),
  PHONE2PAY_BASE_URL: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/[?#]/.test(url), "an address without ? and #")
    .default("http://127.0.0.1:8080"),
  PHONE2PAY_FRAME_ANCESTORS: origins.optional(),
  PHONE2PAY_AGI_HOST: host.default("127.0.0.1"),
  PHONE2PAY_AGI_PORT: port.default(4_573),
  PHONE2PAY_AGI_SECRET: secret,
  PHONE2PAY_AGI_CALLS_MAX: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/, "a number of calls, 1 to 5000")
    .transform(Number)
    .refine((calls) => calls <= 5_000, "at most 5000")
    .default(500),
  PHONE2PAY_TEST_CALLS_AGI: z
    .string()
    .max(1_000)
    .regex(
      /^(off|[\w.:-]+:[0-9]{1,5}(,[\w.:-]+:[0-9]{1,5})*)$/,
      "host:port of voice servers, with commas between them, or off",
    )
    .optional(),
  PHONE2PAY_AMI_HOST: host.optional(),
  PHONE2PAY_AMI_PORT: port.refine((value) => value > 0, "a port from 1").optional(),
  PHONE2PAY_AMI_USER: z.string().min(1).max(100).optional(),
  PHONE2PAY_AMI_SECRET: secret.optional(),
  PHONE2PAY_PROMPTS_DIRECTORY: z.string().min(1).max(1_000).default("/var/lib/asterisk/sounds/phone2pay"),
  PHONE2PAY_JOURNAL_DIRECTORY: z.string().min(1).max(1_000).default("/var/lib/phone2pay/journal"),
  PHONE2PAY_CALL_RECORDS_FILE: z.string().min(1).max(1_000).optional(),
  PHONE2PAY_ADVICE_OF_CHARGE: z
    .string()
    .max(1_000)
    .regex(/^[\w.-]+(,[\w.-]+)*$/, "names of endpoints in pjsip.conf, with commas between them")
    .optional(),
  PHONE2PAY_CALLER_HASH_KEY: secret,
  PHONE2PAY_WEBHOOK_KEY: secret,
  PHONE2PAY_WEBHOOK_PRIVATE_ADDRESSES: z.enum(["yes", "no"]).default("no"),
  PHONE2PAY_PROVIDER_NAME: z.string().min(1).max(100).default("Phone2Pay"),
  PHONE2PAY_PROVIDER_ADDRESS: z.string().min(1).max(200).default("Switzerland"),
  PHONE2PAY_TRUST_PROXY: z
    .union(
      [z.enum(["yes", "no"]), addresses],
      "yes, no, or your proxies' addresses and networks with commas between them",
    )
    .default("no"),
  PHONE2PAY_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
} as const;

/** Asterisk's manager interface is there as a whole or not at all. */
const AMI = ["PHONE2PAY_AMI_HOST", "PHONE2PAY_AMI_PORT", "PHONE2PAY_AMI_USER", "PHONE2PAY_AMI_SECRET"] as const;

export interface Config {
  readonly databaseUrl: string;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly baseUrl: string;
    /** Whose X-Forwarded-For is believed: nobody's, that of whoever connects to us, or that of these addresses. */
    readonly trustProxy: boolean | readonly string[];
  };
  readonly agi: {
    readonly host: string;
    readonly port: number;
    readonly secret: string;
    readonly callsMax: number;
    readonly promptsDirectory: string;
    /** On this machine's own disk: what a voice server could not tell the database yet. */
    readonly journalDirectory: string;
  };
  /** The origins whose pages may show a shopper's pages in a frame; none by default. */
  readonly frameAncestors: readonly string[];
  /** The voice servers that test mode's played calls ask, each as host:port; null: the one in the same process, if any. */
  readonly testCallsAgi: readonly string[] | null;
  /** The manager interface of the Asterisk whose calls are watched; null for none. */
  readonly ami: { readonly host: string; readonly port: number; readonly user: string; readonly secret: string } | null;
  /** Asterisk's own record of calls, where this machine can read it: closes the books of calls that no server saw end. */
  readonly callRecordsFile: string | null;
  /** The endpoints of pjsip.conf whose callers are told by SIP what their call has cost so far; none by default. */
  readonly adviceOfChargeTo: readonly string[];
  /** Keys the hash under which caller numbers are compared once the clear value is gone. */
  readonly callerHashKey: string;
  /** Derives the secrets with which webhooks are signed, and says whether they may go to private addresses, by http. */
  readonly webhooks: { readonly key: string; readonly privateAddresses: boolean };
  /** Who the law calls the provider: stands on every pay page. */
  readonly provider: { readonly name: string; readonly address: string };
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
}

/** Says of every variable that is wrong what is, and never its value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly wrong: readonly { readonly variable: string; readonly reason: string }[];
  constructor(wrong: ConfigError["wrong"]) {
    super(`the configuration is wrong:\n${wrong.map(({ variable, reason }) => `  ${variable}: ${reason}`).join("\n")}`);
    this.wrong = wrong;
  }
}

/** Reads the configuration, or throws one error that names every variable that is wrong, and why. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.fromEntries(
    Object.keys(VARIABLES).map((name) => [name, environment[name] === "" ? undefined : environment[name]]),
  );
  const read = z.object(VARIABLES).safeParse(known);
  const wrong = (read.error?.issues ?? []).map((issue) => ({ variable: issue.path.join("."), reason: issue.message }));
  if (AMI.some((name) => known[name] !== undefined))
    for (const name of AMI)
      if (known[name] === undefined) wrong.push({ variable: name, reason: "missing, while others of AMI are set" });
  if (!read.success || wrong.length > 0) throw new ConfigError(wrong);
  const value = read.data;
  return {
    databaseUrl: value.DATABASE_URL,
    http: {
      host: value.PHONE2PAY_HTTP_HOST,
      port: value.PHONE2PAY_HTTP_PORT,
      baseUrl: value.PHONE2PAY_BASE_URL.replace(/\/$/, ""),
      trustProxy: trustedProxies(value.PHONE2PAY_TRUST_PROXY),
    },
    agi: {
      host: value.PHONE2PAY_AGI_HOST,
      port: value.PHONE2PAY_AGI_PORT,
      secret: value.PHONE2PAY_AGI_SECRET,
      callsMax: value.PHONE2PAY_AGI_CALLS_MAX,
      promptsDirectory: value.PHONE2PAY_PROMPTS_DIRECTORY,
      journalDirectory: value.PHONE2PAY_JOURNAL_DIRECTORY,
    },
    frameAncestors: value.PHONE2PAY_FRAME_ANCESTORS ?? [],
    testCallsAgi: testCallsAgiOf(value.PHONE2PAY_TEST_CALLS_AGI),
    ami: amiOf(value),
    callRecordsFile: value.PHONE2PAY_CALL_RECORDS_FILE ?? null,
    adviceOfChargeTo: value.PHONE2PAY_ADVICE_OF_CHARGE?.split(",") ?? [],
    callerHashKey: value.PHONE2PAY_CALLER_HASH_KEY,
    webhooks: {
      key: value.PHONE2PAY_WEBHOOK_KEY,
      privateAddresses: value.PHONE2PAY_WEBHOOK_PRIVATE_ADDRESSES === "yes",
    },
    provider: { name: value.PHONE2PAY_PROVIDER_NAME, address: value.PHONE2PAY_PROVIDER_ADDRESS },
    logLevel: value.PHONE2PAY_LOG_LEVEL,
  };
}

function trustedProxies(value: "yes" | "no" | readonly string[]): boolean | readonly string[] {
  return typeof value === "string" ? value === "yes" : value;
}

/** Without path, wildcard or upper case: what a browser would call it, and no more than CSP can write. */
function isOrigin(text: string): boolean {
  if (!/^https?:\/\/[a-z0-9.-]+(:[0-9]+)?$/.test(text) || !URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  return origin === text && (protocol === "https:" || hostname === "localhost" || hostname === "127.0.0.1");
}

function testCallsAgiOf(value: string | undefined): Config["testCallsAgi"] {
  if (value === undefined) return null;
  return value === "off" ? [] : value.split(",");
}

type AmiVariables = { readonly [Name in (typeof AMI)[number]]?: z.infer<(typeof VARIABLES)[Name]> };

function amiOf(value: AmiVariables): Config["ami"] {
  const { PHONE2PAY_AMI_HOST: host, PHONE2PAY_AMI_PORT: port } = value;
  const { PHONE2PAY_AMI_USER: user, PHONE2PAY_AMI_SECRET: secret } = value;
  const whole = host !== undefined && port !== undefined && user !== undefined && secret !== undefined;
  return whole ? { host, port, user, secret } : null;
}
