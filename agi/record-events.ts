import { type CallRecord, readCallRecord } from "../core/call-record.ts";
import { addCallRecords } from "../db/call-records.ts";
import type { Db } from "../db/database.ts";
import type { AmiLink } from "./ami-link.ts";
import type { AmiPacket } from "./ami-packets.ts";

export interface RecordEventLimits {
  /** Records that wait for a database that is away; of more, the oldest are dropped. */
  readonly heldRecords: number;
  readonly retryMilliseconds: number;
}

export const RECORD_EVENT_LIMITS: RecordEventLimits = { heldRecords: 10_000, retryMilliseconds: 2_000 };
/** Records that one statement writes. */
const BATCH_RECORDS = 500;

/**
 * Writes the call records that Asterisk tells by AMI, for where its file can't be read. Asterisk tells each once: what
 * happens while the connection is down is lost, and shows in the comparison as a missing record.
 */
export function keepRecordEvents(options: {
  readonly db: Db;
  readonly link: AmiLink;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
  readonly limits?: Partial<RecordEventLimits>;
}): AsyncDisposable {
  const { db, link, log } = options;
  const limits = { ...RECORD_EVENT_LIMITS, ...options.limits };
  const held: CallRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | null = null;
  let stopped = false;
  let failing = false;

  const write = async (): Promise<void> => {
    while (held.length > 0) {
      const batch = held.slice(0, BATCH_RECORDS);
      await addCallRecords(db, batch, "ami");
      const written = new Set(batch);
      held.splice(0, held.length, ...held.filter((record) => !written.has(record)));
    }
    failing = false;
  };
  const writeNow = (): void => {
    clearTimeout(timer);
    writing ??= write()
      .catch((error: unknown) => {
        if (!failing) log("call_records.failed", { error });
        failing = true;
      })
      .then(() => {
        writing = null;
        if (held.length > 0 && !stopped) timer = setTimeout(writeNow, limits.retryMilliseconds);
      });
  };
  const listening = link.listen({
    onEvent(name, event) {
      if (name !== "cdr") return;
      const record = recordOf(event);
      if (!record) return log("call_records.garbage", { uniqueid: event.get("uniqueid") });
      held.push(record);
      if (held.length > limits.heldRecords) {
        const dropped = held.shift();
        log("call_records.dropped", { uniqueid: dropped?.uniqueid });
      }
      if (!failing) writeNow();
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      listening[Symbol.dispose]();
      clearTimeout(timer);
      await writing;
    },
  };
}

/** The fields that asterisk-config/cdr_manager.conf adds to the event, in the place of its own, which are whole seconds. */
function recordOf(event: AmiPacket): CallRecord | null {
  const field = (name: string): string => event.get(name) ?? "";
  return readCallRecord({
    uniqueid: field("uniqueid"),
    number: field("userfield"),
    startedAt: field("exactstart"),
    answeredAt: field("exactanswer"),
    endedAt: field("exactend"),
    duration: field("exactduration"),
    talk: field("exactbillsec"),
    disposition: field("disposition"),
    channel: field("channel"),
    sequence: field("sequence"),
  });
}
