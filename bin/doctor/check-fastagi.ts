import { type Finding, unknown, well, wrong } from "./finding.ts";
import { type PingOutcome, pingAgi } from "./ping-agi.ts";

export interface VoiceServers {
  /** `host:port`, in the order in which the dialplan asks them. */
  readonly servers: readonly string[];
  /** Asterisk is elsewhere: what it calls the loopback address isn't ours. */
  readonly asteriskIsElsewhere: boolean;
}

/** Whether each voice server that the dialplan names is there, is ours, and knows our secret. */
export function checkFastagi(
  { servers, asteriskIsElsewhere }: VoiceServers,
  secret: string,
): Promise<readonly Finding[]> {
  return Promise.all(
    [...new Set(servers)].map(async (server) => {
      if (asteriskIsElsewhere && isLoopback(server.slice(0, server.lastIndexOf(":"))))
        return unknown(CHECK, `${server} is on Asterisk's own machine: look from there`);
      return findingOf(server, await pingAgi(server, secret));
    }),
  );
}

const CHECK = "fastagi.server";

export function isLoopback(host: string): boolean {
  return /^(127\.|localhost$|\[?::1\]?$)/.test(host);
}

function findingOf(server: string, outcome: PingOutcome): Finding {
  if (outcome === "pong") return well(CHECK, `${server} is a voice server and knows our secret`);
  const [found, mend] = WRONG[outcome];
  return wrong(CHECK, `${server || "(none)"} ${found}`, mend);
}

const WRONG: { readonly [Outcome in Exclude<PingOutcome, "pong">]: readonly [found: string, mend: string] } = {
  unreachable: [
    "can't be reached",
    "Start «phone2pay serve --role agi» there, or put its address into P2P_AGI_1 or P2P_AGI_2 of site.d/extensions.conf.",
  ],
  silent: ["accepts connections but says nothing", "Restart what listens there; see its log and its processor's load."],
  refused: [
    "hangs up on us: it knows another secret, or isn't a voice server of this version",
    "Give it the PHONE2PAY_AGI_SECRET that is set here, and restart it.",
  ],
  stranger: [
    "is another program, not a voice server",
    "End what listens there, or move the voice server: PHONE2PAY_AGI_PORT, and P2P_AGI_1 or P2P_AGI_2 in site.d/extensions.conf.",
  ],
};
