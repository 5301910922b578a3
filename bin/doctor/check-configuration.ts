import { type Config, ConfigError, readConfig } from "../../core/config.ts";
import { type Finding, well, wrong } from "./finding.ts";

export interface ConfigurationRead {
  /** Null when it is wrong: what needs it can't be looked at. */
  readonly config: Config | null;
  readonly findings: readonly Finding[];
}

/** A wrong configuration is a finding for each variable. */
export function checkConfiguration(environment: Readonly<Record<string, string | undefined>>): ConfigurationRead {
  try {
    const config = readConfig(environment);
    return { config, findings: [well("configuration.variables", "all variables can be read")] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const findings = error.wrong.map(({ variable, reason }) =>
      wrong("configuration.variables", `${variable}: ${reason}`, `Set ${variable} as docs/operating.md says.`),
    );
    return { config: null, findings };
  }
}
