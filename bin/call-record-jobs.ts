import type { AmiLink } from "../agi/ami-link.ts";
import { keepRecordEvents } from "../agi/record-events.ts";
import { type ComparedCall, comparedCalls } from "../db/compare-calls.ts";
import { noteDrifts } from "../db/compared-calls.ts";
import type { Db } from "../db/database.ts";
import { openRecordImport } from "./import-call-records.ts";
import { repeat } from "./repeat.ts";
import type { RoleParts } from "./role-parts.ts";

const ROUND_EVERY_MS = 2_000;
const COMPARE_EVERY_MS = 60_000;
/** Calls are compared again and again for so long: books closed late and records that come late are then there. */
const COMPARE_BACK_MS = 3_600_000;
/** The first time of all. */
const COMPARE_BACK_AT_START_MS = 86_400_000;
/** Drifts that one round names in the log; it counts the rest. */
const DRIFTS_LOGGED_MAX = 50;

type Tell = (event: string, details: Readonly<Record<string, unknown>>) => void;

/** Brings Asterisk's own records of calls into the database, by its file or else by AMI, and compares every call with them. */
export function startCallRecords({ config, db, log, resources }: RoleParts, link: AmiLink | null): void {
  const warn: Tell = (event, details) => log.warn(details, event);
  const error: Tell = (event, details) => log.error(details, event);
  const { callRecordsFile: file } = config;
  if (!file && !link) return; // nobody tells us anything that ours could be compared with
  const records = file ? openRecordImport({ db, file, log: warn }) : null;
  if (link && !records) resources.use(keepRecordEvents({ db, link, log: warn }));
  let sinceMs = Date.now() - COMPARE_BACK_AT_START_MS;
  let compareAt = performance.now();
  const round = async (): Promise<void> => {
    // First what the file holds: else calls would be told of whose records are just being read.
    const { oldestEndedAtMs } = (await records?.importNew()) ?? { oldestEndedAtMs: null };
    sinceMs = Math.min(sinceMs, oldestEndedAtMs ?? sinceMs);
    if (performance.now() < compareAt) return;
    compareAt = performance.now() + COMPARE_EVERY_MS;
    await tellDrifts(db, new Date(sinceMs), error);
    sinceMs = Date.now() - COMPARE_BACK_MS;
  };
  resources.use(repeat(ROUND_EVERY_MS, round, (cause) => warn("call_records.failed", { error: cause })));
}

/** Tells each call since `since` that doesn't match Asterisk's record, once over all processes and for ever. */
export async function tellDrifts(db: Db, since: Date, tell: Tell): Promise<number> {
  let told = 0;
  let waiting: ComparedCall[] = [];
  const note = async () => {
    const found = waiting.flatMap(({ uniqueid, kind }) => (kind === "match" ? [] : [{ uniqueid, kind }]));
    const fresh = await noteDrifts(db, found);
    for (const call of waiting) {
      if (!fresh.has(call.uniqueid)) continue;
      told += 1;
      if (told <= DRIFTS_LOGGED_MAX) tell("calls.drift", { ...call });
    }
    waiting = [];
  };
  for await (const call of comparedCalls(db, { since, until: new Date() })) {
    if (call.kind === "match") continue;
    waiting.push(call);
    if (waiting.length === DRIFTS_LOGGED_MAX) await note();
  }
  await note();
  if (told > DRIFTS_LOGGED_MAX) tell("calls.drifts_more", { count: told - DRIFTS_LOGGED_MAX });
  return told;
}
