import { setTimeout as delay } from "node:timers/promises";

/** A check that takes longer hangs; each question in it has a shorter limit of its own, so this one is the backstop. */
const CHECK_MS_MAX = 12_000;

/** What the doctor found out about one thing. */
export interface Finding {
  /** `part.thing`; the report is grouped by the part. */
  readonly check: string;
  readonly state: "well" | "wrong" | "unknown";
  /** In words; of a thing that is unknown, why. */
  readonly found: string;
  /** What to do about it; empty when there is nothing to do. */
  readonly mend: string;
}

export function well(check: string, found: string): Finding {
  return { check, state: "well", found, mend: "" };
}

export function wrong(check: string, found: string, mend: string): Finding {
  return { check, state: "wrong", found, mend };
}

export function unknown(check: string, found: string, mend = ""): Finding {
  return { check, state: "unknown", found, mend };
}

/**
 * Never rejects and never hangs: a check that breaks, or isn't done in time, is a finding like any other. It counts as
 * wrong, because an installation in order lets itself be looked at.
 */
export async function examined(
  check: string,
  examine: () => Promise<readonly Finding[]>,
  limitMs = CHECK_MS_MAX,
): Promise<readonly Finding[]> {
  const done = new AbortController();
  const late = async (): Promise<readonly Finding[]> => {
    await delay(limitMs, undefined, { signal: done.signal }).catch(() => {});
    return [wrong(check, `no answer within ${limitMs / 1_000} s`, "See what hangs, and look again.")];
  };
  try {
    return await Promise.race([examine(), late()]);
  } catch (error) {
    return [wrong(check, `could not be looked at: ${reasonOf(error)}`, "Mend what the message names, and look again.")];
  } finally {
    done.abort();
  }
}

/** An error in one line. Node puts several tries to connect into one error without a message. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return (error.message || error.name).split("\n")[0] ?? "";
}
