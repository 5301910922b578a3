import { once } from "node:events";
import { chmod, cp, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import path from "node:path";
import { expect } from "@jest/globals";
import { PROMPTS_SHIPPED } from "../../agi/prompts.ts";
import { examine, type Installation } from "../../bin/doctor/examine.ts";
import type { Finding } from "../../bin/doctor/finding.ts";
import { composeHttp } from "../../bin/serve-http.ts";
import type { Db } from "../../db/database.ts";
import { watchTransactions } from "../../db/notices.ts";
import { temporaryDirectory } from "../demo/temporary-directory.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { type Exchange, openExchange, SECRET } from "../telephony/exchange.ts";

export const AMI_SECRET = "an-ami-secret-for-tests-only";
export const CALLER_HASH_KEY = "a-caller-hash-key-for-tests-only";

/** A whole installation on real parts with nothing wrong, in which faults can be planted. */
export interface PlantedInstallation extends AsyncDisposable {
  readonly exchange: Exchange;
  readonly environment: Readonly<Record<string, string>>;
  /** A copy of the configuration that Asterisk was started with, for faults in files. */
  readonly configuration: string;
  /** What the doctor finds, the environment being changed as told. */
  look(
    changes?: Partial<Omit<Installation, "environment">> & { readonly environment?: Readonly<Record<string, string>> },
  ): Promise<readonly Finding[]>;
  /** The same while a global variable of the running dialplan has another value. */
  lookWithGlobal(name: keyof typeof GLOBALS, value: string): Promise<readonly Finding[]>;
  /** The same with one file of the copied configuration changed. */
  lookWithFile(file: string, change: (text: string) => string): Promise<readonly Finding[]>;
}

const GLOBALS = { P2P_SECRET: true, P2P_AGI_2: true, P2P_PROMPTS: true };

export async function openInstallation(firstPort: number): Promise<PlantedInstallation> {
  const resources = new AsyncDisposableStack();
  const exchange = resources.use(await openExchange({ firstPort, asterisk: { amiSecret: AMI_SECRET } }));
  const directory = resources.use(await temporaryDirectory());
  await chmod(directory.path, 0o755);
  const configuration = path.join(directory.path, "asterisk");
  await cp(path.join(exchange.asterisk.logFile, "../../etc"), configuration, { recursive: true });
  const environment = {
    DATABASE_URL: exchange.databaseUrl,
    PHONE2PAY_BASE_URL: await serveHttp(exchange.db, exchange.databaseUrl, resources),
    PHONE2PAY_AGI_PORT: String(exchange.agiPorts[0]),
    PHONE2PAY_AGI_SECRET: SECRET,
    PHONE2PAY_AMI_HOST: "127.0.0.1",
    PHONE2PAY_AMI_PORT: String(firstPort + 2),
    PHONE2PAY_AMI_USER: "phone2pay",
    PHONE2PAY_AMI_SECRET: AMI_SECRET,
    PHONE2PAY_PROMPTS_DIRECTORY: PROMPTS_SHIPPED,
    PHONE2PAY_JOURNAL_DIRECTORY: exchange.journalDirectory,
    PHONE2PAY_CALLER_HASH_KEY: CALLER_HASH_KEY,
    PHONE2PAY_WEBHOOK_KEY: WEBHOOKS.key,
  };
  const look: PlantedInstallation["look"] = ({ environment: others = {}, ...changes } = {}) => {
    const usual = { asteriskDirectory: null, simulatedLine: null };
    return examine({ ...usual, ...changes, environment: { ...environment, ...others } });
  };
  return {
    exchange,
    environment,
    configuration,
    look,
    async lookWithGlobal(name, value) {
      await exchange.asterisk.rx(`dialplan set global ${name} ${value}`);
      try {
        return await look();
      } finally {
        const agiServer = `127.0.0.1:${exchange.agiPorts[1]}`;
        const usual = { P2P_SECRET: SECRET, P2P_AGI_2: agiServer, P2P_PROMPTS: PROMPTS_SHIPPED }[name];
        await exchange.asterisk.rx(`dialplan set global ${name} ${usual}`);
      }
    },
    async lookWithFile(file, change) {
      const place = path.join(configuration, file);
      const text = await readFile(place, "utf8");
      expect(change(text)).not.toBe(text);
      await writeFile(place, change(text));
      try {
        return await look({ asteriskDirectory: configuration });
      } finally {
        await writeFile(place, text);
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The real HTTP side on a free port; answers its address. */
export async function serveHttp(db: Db, databaseUrl: string, resources: AsyncDisposableStack): Promise<string> {
  const watch = resources.use(await watchTransactions(databaseUrl));
  const config = {
    http: { host: "127.0.0.1", port: 0, baseUrl: "http://127.0.0.1", trustProxy: false },
    provider: { name: "Exemple Télécom SA", address: "avenue de l’Exemple 1, 1009 Pully" },
    webhooks: WEBHOOKS,
  };
  const http = await composeHttp({ config, db, watch });
  resources.defer(() => http.close());
  return http.listen({ host: "127.0.0.1", port: 0 });
}

/** What is wrong, by its check. Every fault has to say what to do about it. */
export function faultsOf(findings: readonly Finding[]): Readonly<Record<string, string>> {
  const faults = findings.filter(({ state }) => state === "wrong");
  for (const { mend } of faults) expect(mend).toMatch(/^([A-Z]|chmod ).+\.$/);
  expect(new Set(faults.map(({ check }) => check)).size).toBe(faults.length);
  return Object.fromEntries(faults.map(({ check, found }) => [check, found]));
}

/** Listens on a free port until the resources are given back; answers `host:port`. */
export async function listen(server: Server, resources: AsyncDisposableStack): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  resources.defer(async () => {
    server.close();
    await once(server, "close");
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Accepts everything and never says a word. */
export function silentServer(): Server {
  return createServer((socket) => socket.on("error", () => {}).resume());
}
