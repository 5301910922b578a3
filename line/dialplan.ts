import { askServer } from "./agi-request.ts";
import { clockMs, type LineChannel } from "./line-channel.ts";

/** Q.850 causes. */
export const CAUSE_UNALLOCATED = 1;
export const CAUSE_NORMAL = 16;
const CAUSE_NO_SERVER = 34;

/** The site's settings, as asterisk-config/extensions.conf has them. */
export interface Site {
  /** host:port each, asked in turn. */
  readonly agiServers: readonly string[];
  readonly secret: string;
  readonly trunk: "demo" | "carrier" | "test";
}

/**
 * What asterisk-config/extensions.conf does with a call for one of our numbers: the servers take turns until one has
 * said P2P_DONE, or nobody has served the call for too long; then a server closes the books. Answers the Q.850 cause.
 */
export async function runDialplan(channel: LineChannel, site: Site): Promise<number> {
  const { turn, cause } = await pay(channel, site);
  await ended(channel, site, turn);
  return cause;
}

async function pay(channel: LineChannel, site: Site): Promise<{ readonly turn: number; readonly cause: number }> {
  const { limits } = channel.options;
  let unservedSinceMs = clockMs();
  for (let requests = 1; ; requests++) {
    const turn = (requests - 1) % site.agiServers.length;
    const askedAtMs = clockMs();
    await ask(channel, site, { script: "pay", turn });
    if (channel.endedBy !== null) return { turn, cause: CAUSE_NORMAL };
    if (channel.variables.get("P2P_DONE") === "1") {
      channel.end("server");
      return { turn, cause: causeGiven(channel) };
    }
    const nowMs = clockMs();
    if (nowMs - askedAtMs > limits.servedMs) unservedSinceMs = nowMs;
    const waitMs = channel.state === "Up" ? limits.unservedMs : limits.freshMs;
    if (requests >= limits.requests || nowMs - unservedSinceMs >= waitMs) {
      if (channel.state !== "Up") await channel.play("ivr-error-unavailable", {});
      channel.end("server");
      return { turn, cause: CAUSE_NO_SERVER };
    }
    // The next server is asked without a pause, while the caller may be paying; after a round all are given a moment.
    if (turn === site.agiServers.length - 1) await channel.wait({ ms: limits.pauseMs });
  }
}

/** The hang-up handler: unless the books are closed, the last server is asked to close them, then the next one. */
async function ended(channel: LineChannel, site: Site, lastTurn: number): Promise<void> {
  channel.dead = true;
  // After the backstop the other one comes first: the server that held the call may be the reason.
  const firstTurn = channel.endedBy === "backstop" ? lastTurn + 1 : lastTurn;
  for (let tries = 0; tries < Math.min(2, site.agiServers.length); tries++) {
    if (channel.variables.get("P2P_CLOSED") === "1") return;
    await ask(channel, site, { script: "ended", turn: firstTurn + tries });
  }
}

async function ask(
  channel: LineChannel,
  { agiServers, secret, trunk }: Site,
  { script, turn }: { readonly script: "pay" | "ended"; readonly turn: number },
): Promise<void> {
  const server = agiServers[turn % agiServers.length];
  if (server === undefined) return;
  await askServer(channel, { server, script, args: [secret, trunk, channel.options.number] });
}

function causeGiven(channel: LineChannel): number {
  const cause = Number(channel.variables.get("P2P_CAUSE") || CAUSE_NORMAL);
  return Number.isInteger(cause) && cause > 0 && cause < 128 ? cause : CAUSE_NORMAL;
}
