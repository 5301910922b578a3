import { closeLeg } from "../db/close-leg.ts";
import type { Db } from "../db/database.ts";
import { openLegs } from "../db/open-legs.ts";
import type { AmiActions } from "./ami.ts";
import type { AmiLink } from "./ami-link.ts";

export interface SupervisorLimits {
  /** Asterisk is asked so often; more often while a leg without a channel is watched. */
  readonly lookEveryMilliseconds: number;
  /**
   * A leg is closed when its channel has been missing, and its worker silent, for so long. The dialplan's own request to
   * close the books comes at hang-up and knows exact times: it must have had every chance.
   */
  readonly graceMilliseconds: number;
  readonly openLegs: number;
}

export const SUPERVISOR_LIMITS: SupervisorLimits = {
  lookEveryMilliseconds: 30_000,
  graceMilliseconds: 30_000,
  openLegs: 5_000,
};

/** Looks in a grace: often enough that a database which was away meanwhile is noticed. */
const LOOKS_PER_GRACE = 5;
/** Q.850: normal clearing. */
const CAUSE_NORMAL = 16;

/**
 * Closes, with the reason `channel_gone`, legs that are open in the books while Asterisk has no such channel any more: the
 * caller hung up when no voice server was there to be told, or Asterisk itself was restarted. Any number of processes
 * may do so at once; a leg is closed once.
 *
 * Only legs of the Asterisk that the link leads to are looked at: those whose uniqueid begins with the `systemname` that
 * this Asterisk tells of itself, or, where it has none, those without a name before them. Two Asterisks on one database
 * must have names, as asterisk-config/asterisk.conf says; even where that is neglected, a leg that a worker looks after
 * is never closed here.
 *
 * Nothing here is on the way of a payment: without the link legs are closed later, by the upkeep.
 */
export function superviseLegs(options: {
  readonly db: Db;
  readonly link: AmiLink;
  /** Names this process in the books, for people who look. */
  readonly worker: string;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
  readonly limits?: Partial<SupervisorLimits>;
}): AsyncDisposable {
  const { link, log } = options;
  const limits = { ...SUPERVISOR_LIMITS, ...options.limits };
  /** Since when a channel is known to be gone, by uniqueid, on a clock that never steps. A channel never comes back. */
  const missing = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  let stopped = false;

  const schedule = (milliseconds: number): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(lookNow, milliseconds);
  };
  const lookNow = (): void => {
    looking ??= look({ ...options, limits, missing })
      // While the database is away no worker can show that it lives: the grace begins anew when it is back.
      .catch((error: unknown) => {
        missing.clear();
        if (link.up) log("supervisor.failed", { error });
      })
      .then(() => {
        looking = null;
        schedule(missing.size > 0 ? limits.graceMilliseconds / LOOKS_PER_GRACE : limits.lookEveryMilliseconds);
      });
  };
  const listening = link.listen({
    onUp: lookNow,
    onEvent(name, event) {
      const uniqueid = name === "hangup" ? event.get("uniqueid") : undefined;
      if (uniqueid === undefined || missing.has(uniqueid) || missing.size >= limits.openLegs) return;
      missing.set(uniqueid, performance.now());
      if (missing.size === 1 && !looking) schedule(limits.graceMilliseconds / LOOKS_PER_GRACE);
    },
  });
  if (!link.up) schedule(limits.lookEveryMilliseconds);

  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      listening[Symbol.dispose]();
      clearTimeout(timer);
      await looking;
    },
  };
}

/**
 * Ends a call on the operator's word; its books are closed as when the caller hangs up, by Asterisk's times. Answers
 * false when Asterisk has no such channel; rejects with an AmiError when it can't be asked.
 */
export async function hangUpLeg(
  link: Pick<AmiActions, "coreShowChannels" | "hangup">,
  uniqueid: string,
): Promise<boolean> {
  const found = (await link.coreShowChannels()).find((channel) => channel.uniqueid === uniqueid);
  if (found) await link.hangup(found.channel, CAUSE_NORMAL);
  return found !== undefined;
}

/** Notes which open legs have no channel, and closes those that have had none for the grace. */
async function look({
  db,
  link,
  worker,
  log,
  limits,
  missing,
}: Parameters<typeof superviseLegs>[0] & {
  readonly limits: SupervisorLimits;
  readonly missing: Map<string, number>;
}): Promise<void> {
  if (!link.up) return;
  // The books first, then the channels: a leg is opened by its channel, so one that isn't there now has been.
  const legs = await openLegs(db, await link.systemName(), limits.openLegs);
  const channels = legs.length === 0 ? [] : await link.coreShowChannels();
  const alive = new Set(channels.map((channel) => channel.uniqueid));
  const now = performance.now();
  const gone = new Set(legs.filter((uniqueid) => !alive.has(uniqueid)));
  for (const uniqueid of missing.keys()) if (!gone.has(uniqueid)) missing.delete(uniqueid);
  for (const uniqueid of gone) {
    const since = missing.get(uniqueid) ?? now;
    missing.set(uniqueid, since);
    if (now - since < limits.graceMilliseconds) continue;
    const silentSeconds = limits.graceMilliseconds / 1_000;
    const closed = await closeLeg(db, { uniqueid, silentSeconds, worker, talkMs: null, reason: "channel_gone" });
    if (closed) log("leg.channel_gone", { uniqueid });
  }
}
