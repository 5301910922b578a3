import path from "node:path";
import { isFreeTcp, isFreeUdp } from "./free-ports.ts";

/** Every port of the demo: what listens on it, the variable that sets it, and where it is unless set. All on loopback. */
const PORTS = {
  http: { what: "pay pages and web services", variable: "PHONE2PAY_HTTP_PORT", usual: 8080 },
  shop: { what: "demo shop", variable: "PHONE2PAY_DEMO_SHOP_PORT", usual: 8081 },
  agi1: { what: "first FastAGI server", variable: "PHONE2PAY_AGI_PORT", usual: 4573 },
  agi2: { what: "second FastAGI server", variable: "PHONE2PAY_DEMO_AGI_PORT_2", usual: 4574 },
  sip: { what: "SIP over UDP", variable: "PHONE2PAY_DEMO_SIP_PORT", usual: 5060 },
  webSocket: { what: "SIP over WebSocket", variable: "PHONE2PAY_DEMO_WEBSOCKET_PORT", usual: 8088 },
  ami: { what: "Asterisk's manager interface", variable: "PHONE2PAY_DEMO_AMI_PORT", usual: 5038 },
  postgres: { what: "PostgreSQL", variable: "PHONE2PAY_DEMO_POSTGRES_PORT", usual: 54320 },
  rtp: { what: "first of 4,000 ports for sound", variable: "PHONE2PAY_DEMO_RTP_PORT", usual: 10_000 },
} as const;

export type PortName = keyof typeof PORTS;

export interface DemoSettings {
  /** Data, logs and secrets of the demo. */
  readonly directory: string;
  /** Where the running demo tells its addresses and passwords: the directory's name with .json. */
  readonly contractFile: string;
  readonly ports: Readonly<Record<PortName, number>>;
  /** A PostgreSQL server of one's own; null for the embedded one. */
  readonly databaseUrl: string | null;
}

/** Reads the demo's settings; throws one error that names what is wrong. */
export function readDemoSettings(environment: Readonly<Record<string, string | undefined>>): DemoSettings {
  const home = path.resolve(import.meta.dirname, "..");
  const directory = path.resolve(home, environment.PHONE2PAY_DEMO_DIRECTORY || ".cache/demo");
  const wrong: string[] = [];
  const ports = Object.fromEntries(
    Object.entries(PORTS).map(([name, { variable, usual }]) => {
      const port = Number(environment[variable] || usual);
      if (!Number.isInteger(port) || port < 1 || port > 65_000) wrong.push(`${variable}: a port from 1 to 65000`);
      return [name, port];
    }),
  ) as Record<PortName, number>;
  if (wrong.length > 0) throw new Error(`the demo's settings are wrong:\n  ${wrong.join("\n  ")}`);
  return {
    directory,
    contractFile: `${directory}.json`,
    ports,
    databaseUrl: environment.DATABASE_URL || null,
  };
}

export function shopUrlOf({ ports }: DemoSettings): string {
  return `http://127.0.0.1:${ports.shop}`;
}

/** Throws, naming every port that somebody else holds and the variable that moves it. */
export async function requireFreePorts(ports: DemoSettings["ports"], needed: readonly PortName[]): Promise<void> {
  const taken: string[] = [];
  for (const name of needed) {
    const { what, variable } = PORTS[name];
    const free = name === "sip" ? isFreeUdp(ports[name]) : isFreeTcp(ports[name]);
    if (!(await free)) taken.push(`${ports[name]} (${what}; set ${variable} to use another)`);
  }
  if (taken.length > 0) throw new Error(`in use by another program: port ${taken.join(", port ")}`);
}
