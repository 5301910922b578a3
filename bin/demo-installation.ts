import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { environmentOf, type Stage } from "./demo-parts.ts";
import { writePrivately } from "./demo-secrets.ts";
import type { DemoSettings } from "./demo-settings.ts";
import type { Installation } from "./doctor/examine.ts";

const INSTALLATION = z.object({
  environment: z.record(z.string(), z.string()),
  asteriskDirectory: z.string().nullable(),
  simulatedLine: z.object({ agiServers: z.array(z.string()) }).nullable(),
});

/** The demo as `phone2pay doctor` examines it. */
export function installationOf(stage: Stage): Installation {
  const { settings, asterisk } = stage;
  const { agi1, agi2 } = settings.ports;
  return {
    environment: environmentOf(stage),
    asteriskDirectory: asterisk === "real" ? path.join(settings.directory, "asterisk/etc") : null,
    simulatedLine: asterisk === "real" ? null : { agiServers: [`127.0.0.1:${agi1}`, `127.0.0.1:${agi2}`] },
  };
}

/** Where the running demo leaves it for `phone2pay doctor --demo`: it holds all the secrets. */
export function installationFile(settings: DemoSettings): string {
  return path.join(settings.directory, "installation.json");
}

export async function saveInstallation(settings: DemoSettings, installation: Installation): Promise<void> {
  await writePrivately(installationFile(settings), installation);
}

/** Throws when no demo is running in that directory. */
export async function readInstallation(settings: DemoSettings): Promise<Installation> {
  const text = await readFile(installationFile(settings), "utf8").catch((cause: unknown) => {
    throw new Error(`no demo is running in ${settings.directory}: «npm run demo» starts one`, { cause });
  });
  return INSTALLATION.parse(JSON.parse(text));
}
