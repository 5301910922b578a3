import type { Rappen } from "../core/money.ts";
import type { Db } from "../db/database.ts";
import { billedOfOpenLegs } from "../db/open-legs.ts";
import { AmiError } from "./ami.ts";
import type { AmiLink } from "./ami-link.ts";

export interface AdviceLimits {
  /** A telephone hears at most so often what its call has cost. */
  readonly everyMilliseconds: number;
  /** Calls that are looked at in one round, the newest first. */
  readonly calls: number;
}

export const ADVICE_LIMITS: AdviceLimits = { everyMilliseconds: 2_000, calls: 500 };

/**
 * Tells the telephones of the given endpoints what their call has cost so far, whenever that has changed (advice of
 * charge, AOC-D of ETSI TS 183 047): Asterisk sends it as SIP INFO, and the last sum again with BYE. Only to endpoints
 * with `send_aoc = yes`: for others Asterisk answers that it has, and logs a warning for each.
 *
 * It reads the books and asks Asterisk, and nothing waits for it: whatever fails here is told once and tried again.
 */
export function adviseCharges(options: {
  readonly db: Db;
  readonly link: AmiLink;
  /** Names of endpoints in pjsip.conf. */
  readonly endpoints: readonly string[];
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
  readonly limits?: Partial<AdviceLimits>;
}): AsyncDisposable {
  const limits = { ...ADVICE_LIMITS, ...options.limits };
  const advised = new Map<string, Advised>();
  let failing = false;
  let round: Promise<void> | null = null;
  const timer = setInterval(() => {
    round ??= advise({ ...options, limits, advised })
      .then(() => {
        failing = false;
      })
      .catch((error: unknown) => {
        if (!failing && options.link.up) options.log("advice_of_charge.failed", { error });
        failing = true;
      })
      .then(() => {
        round = null;
      });
  }, limits.everyMilliseconds);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await round;
    },
  };
}

/** What is known of one open leg. */
interface Advised {
  /** Whether its endpoint wants advice. */
  readonly wanted: boolean;
  rappen: Rappen;
}

async function advise({
  db,
  link,
  endpoints,
  limits,
  advised,
}: Parameters<typeof adviseCharges>[0] & {
  readonly limits: AdviceLimits;
  readonly advised: Map<string, Advised>;
}): Promise<void> {
  if (!link.up) return;
  const legs = await billedOfOpenLegs(db, await link.systemName(), limits.calls);
  const open = new Set(legs.map((leg) => leg.uniqueid));
  for (const uniqueid of advised.keys()) if (!open.has(uniqueid)) advised.delete(uniqueid);
  if (legs.some((leg) => !advised.has(leg.uniqueid))) {
    for (const { uniqueid, channel } of await link.coreShowChannels())
      if (open.has(uniqueid) && !advised.has(uniqueid))
        advised.set(uniqueid, { wanted: endpoints.includes(endpointOf(channel)), rappen: 0 });
  }
  // One after the other: the link has room for others' questions between them.
  for (const { uniqueid, billedRappen } of legs) {
    const known = advised.get(uniqueid);
    if (!known?.wanted || known.rappen === billedRappen) continue;
    await link.adviseCharge(uniqueid, billedRappen).catch((error: unknown) => {
      // The call has just ended: there is nobody to tell.
      if (!(error instanceof AmiError && error.kind === "failed")) throw error;
    });
    known.rappen = billedRappen;
  }
}

/** `carrier` for the channel `PJSIP/carrier-0000002a`. */
function endpointOf(channel: string): string {
  return channel.replace(/^PJSIP\//, "").replace(/-[0-9a-f]+$/, "");
}
