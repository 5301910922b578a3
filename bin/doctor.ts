import { examine, type Installation } from "./doctor/examine.ts";
import { isHealthy, jsonOf, reportOf } from "./doctor/report.ts";

export interface DoctorOptions {
  readonly json: boolean;
  /** Examine the running demo instead of what the environment describes. */
  readonly demo: boolean;
  readonly asteriskConfig: string | null;
}

/** `phone2pay doctor`: says what is wrong with an installation and what to do; the exit code is 1 when something is. */
export async function runDoctor({ json, demo, asteriskConfig }: DoctorOptions): Promise<void> {
  const findings = await examine(demo ? await runningDemo() : ofEnvironment(asteriskConfig));
  console.log(json ? jsonOf(findings) : reportOf(findings));
  if (!isHealthy(findings)) process.exitCode = 1;
}

function ofEnvironment(asteriskDirectory: string | null): Installation {
  return { environment: process.env, asteriskDirectory, simulatedLine: null };
}

/** The demo's parts are loaded only for it. */
async function runningDemo(): Promise<Installation> {
  const { readInstallation } = await import("./demo-installation.ts");
  const { readDemoSettings } = await import("./demo-settings.ts");
  return readInstallation(readDemoSettings(process.env));
}
