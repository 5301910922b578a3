import { whyRefused } from "../core/admission.ts";
import { callerKind, hashCaller, readCallerNumber } from "../core/caller.ts";
import { CODE_TRIES_GUARDED_MAX, CODE_TRIES_MAX, isGuarded } from "../core/lock-outs.ts";
import { isPlayedCall, TEST_TRUNK } from "../core/played-call.ts";
import type { RefusalReason } from "../core/refusals.ts";
import { billingOf } from "../core/trunk.ts";
import { readCallerRecord } from "../db/caller-record.ts";
import { findClosedNumber, findNumber, findNumberInService, type NumberInService } from "../db/numbers.ts";
import { findTrunk, type Trunk } from "../db/trunks.ts";
import type { VoiceServer } from "./call.ts";
import type { AgiChannel } from "./fastagi.ts";
import type { Refused } from "./refuse-call.ts";

/** What a call brings that is let in. */
export interface Admitted {
  readonly number: NumberInService;
  /** Of a played call: counted as the carrier of the number would. */
  readonly trunk: Trunk;
  readonly uniqueid: string;
  /** The caller's number as the network gave it, or null. */
  readonly caller: string | null;
  readonly callerHash: Buffer | null;
  readonly codeTriesMax: number;
}

/**
 * Decides on a call before it is answered, so while it costs nothing. A call that a server has served before, and that
 * comes here because that server died, was admitted then and isn't judged again: its caller may be paying.
 */
export async function admitCall(
  server: VoiceServer,
  channel: AgiChannel,
  request: { readonly number: string; readonly trunk: string },
): Promise<Admitted | Refused> {
  const { db } = server;
  const uniqueid = channel.variables.get("agi_uniqueid") ?? "";
  const caller = callerOn(channel);
  const e164 = readCallerNumber(caller.number ?? "");
  const callerHash = e164 === null ? null : hashCaller(e164, server.callerHashKey);
  const [inService, ownTrunk, record] = await Promise.all([
    findNumberInService(db, request.number),
    findTrunk(db, request.trunk),
    readCallerRecord(db, { ...request, uniqueid, callerHash }),
  ]);
  const refused = (reason: RefusalReason, spokenIn: Refused["spokenIn"] = null): Refused => {
    return { reason, number: request.number, spokenIn };
  };
  // A call that is under way goes on, whatever has become of its number meanwhile.
  const number = inService ?? (record.callIsKnown ? await findNumber(db, request.number) : null);
  if (!number) {
    const closed = await findClosedNumber(db, request.number);
    if (!closed) return refused("number_unallocated");
    return refused("number_closed", closed.earlyMedia ? closed.language : null);
  }
  // Nobody's dialplan can pass a real call off as one that is played, nor a played one as real.
  if (!ownTrunk || isPlayedCall(uniqueid) !== (ownTrunk.name === TEST_TRUNK)) return refused("trunk_unknown");
  const trunk = ownTrunk.name === TEST_TRUNK ? { ...ownTrunk, ...billingOf(number.trunk) } : ownTrunk;
  const kind = callerKind({ hidden: caller.hidden, number: e164 }, trunk.homeCodes);
  const reason = record.callIsKnown ? null : whyRefused({ ...record, kind }, trunk);
  if (reason) return refused(reason, number.earlyMedia ? number.language : null);
  const codeTriesMax = isGuarded(record.wrong) ? CODE_TRIES_GUARDED_MAX : CODE_TRIES_MAX;
  return { number, trunk, uniqueid, caller: caller.number, callerHash, codeTriesMax };
}

/** Bits 6 and 7 of the presentation (Q.931, as Asterisk counts it); 01 is «restricted». */
const PRESENTATION_MASK = 0x60;
const PRESENTATION_RESTRICTED = 0x20;

/** The caller as the dialplan hands them on: it has noted what hides a number in the presentation, and filtered the number. */
function callerOn(channel: AgiChannel): { readonly hidden: boolean; readonly number: string | null } {
  const presentation = Number(channel.variables.get("agi_callingpres") ?? 0);
  if ((presentation & PRESENTATION_MASK) === PRESENTATION_RESTRICTED) return { hidden: true, number: null };
  const given = channel.variables.get("agi_callerid") ?? "";
  return { hidden: false, number: /^\+?[0-9]{3,20}$/.test(given) ? given : null };
}
