import { join } from "node:path";

const configDirectory = join(import.meta.dirname, "..", "asterisk-config");

export interface AsteriskOptions {
  /** A scratch directory for this instance alone: configuration, log, call records. */
  readonly directory: string;
  readonly sipPort: number;
  readonly httpPort: number;
  readonly amiPort: number;
  readonly rtpPorts: readonly [from: number, to: number];
  /** Asked in turn, as `host:port`. */
  readonly agiServers: readonly [string, string];
  readonly agiSecret: string;
  readonly amiSecret: string;
  /** Whether callers from loopback are told by SIP what their call costs; off when left out. */
  readonly adviceOfCharge?: boolean;
  /** One account `softphone1`, `softphone2` … for each. */
  readonly softphonePasswords: readonly string[];
  readonly bindAddress?: string;
  /** Calls from this machine that send no sound for so long are over; never, unless given. */
  readonly loopbackRtpTimeoutSeconds?: number;
  /** Calls from this address come over the trunk of a carrier. */
  readonly carrierAddress?: string;
  /** Recordings in place of asterisk-config/prompts: `<language>/<name>.alaw`. */
  readonly promptsDirectory?: string;
  /** For Asterisk's process, besides ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A tree made by install-asterisk.sh, in place of the usual one. */
  readonly root?: string;
}

/** What asterisk-config/site.example shows to an operator, filled in for this machine: everything on loopback. */
export function siteFiles(options: AsteriskOptions): Readonly<Record<string, readonly string[]>> {
  const address = options.bindAddress ?? "127.0.0.1";
  const softphones = options.softphonePasswords.map((password, index) => ({ name: `softphone${index + 1}`, password }));
  const names = softphones.map(({ name }) => name).join(",");
  return {
    "extensions.conf": [
      "[globals](+)",
      `P2P_AGI_1 = ${plain(options.agiServers[0])}`,
      `P2P_AGI_2 = ${plain(options.agiServers[1])}`,
      `P2P_SECRET = ${plain(options.agiSecret)}`,
      `P2P_PROMPTS = ${promptsOf(options)}`,
    ],
    "pjsip.conf": [
      "[udp](transport-udp)",
      `bind = ${address}:${options.sipPort}`,
      "[ws](transport-ws)",
      `bind = ${address}`,
      ...(options.carrierAddress === undefined
        ? []
        : [
            "[carrier](carrier-endpoint)",
            "[carrier-addresses](carrier-identify)",
            "endpoint = carrier",
            `match = ${plain(options.carrierAddress)}`,
          ]),
      "[loopback](loopback-endpoint)",
      ...(options.loopbackRtpTimeoutSeconds ? [`rtp_timeout = ${options.loopbackRtpTimeoutSeconds}`] : []),
      ...(options.adviceOfCharge ? ["send_aoc = yes"] : []),
      "[loopback-addresses](loopback-identify)",
      "endpoint = loopback",
      ...softphones.flatMap(({ name, password }) => [
        `[${name}](softphone-endpoint)`,
        `auth = ${name}`,
        `aors = ${name}`,
        `[${name}](softphone-auth)`,
        `username = ${name}`,
        `password = ${plain(password)}`,
        `[${name}](softphone-aor)`,
      ]),
      ...(names
        ? [
            "[browser](browser-endpoint)",
            `auth = ${names}`,
            `aors = ${names}`,
            "[browser-transport](browser-identify)",
            "endpoint = browser",
          ]
        : []),
    ],
    "http.conf": ["[general](+)", "enabled = yes", `bindaddr = ${address}`, `bindport = ${options.httpPort}`],
    "rtp.conf": ["[general](+)", `rtpstart = ${options.rtpPorts[0]}`, `rtpend = ${options.rtpPorts[1]}`],
    "manager.conf": [
      "[general](+)",
      "enabled = yes",
      "bindaddr = 127.0.0.1",
      `port = ${options.amiPort}`,
      "[phone2pay](phone2pay-rights)",
      `secret = ${plain(options.amiSecret)}`,
    ],
    "musiconhold.conf": ["[phone2pay](+)", `directory = ${join(configDirectory, "moh")}`],
  };
}

export function promptsOf(options: AsteriskOptions): string {
  return options.promptsDirectory ?? join(configDirectory, "prompts");
}

/** Asterisk's files know comments, substitutions and commas but no quoting: values that need any are refused. */
function plain(value: string): string {
  if (!/^[\w.:-]+$/.test(value)) throw new Error("only letters, digits and . : _ - go into Asterisk's configuration");
  return value;
}
