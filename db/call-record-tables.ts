import type { Generated } from "kysely";
import type { MaybeMoment, Moment } from "./column-types.ts";

export interface CallRecordsTable {
  id: Generated<number>;
  uniqueid: string;
  sequence: number;
  number: string | null;
  started_at: Moment;
  answered_at: MaybeMoment;
  ended_at: Moment;
  /** Numeric, which the driver gives as text so that nothing of it is lost. */
  duration_ms: string;
  talk_ms: string;
  disposition: string;
  channel: string;
  source: "file" | "ami";
  received_at: Moment;
}

export interface CallRecordFilesTable {
  fingerprint: string;
  path: string;
  offset_bytes: number;
  records: Generated<number>;
  garbage_lines: Generated<number>;
  read_at: Moment;
}

export interface CallDriftsTable {
  uniqueid: string;
  kind: "drift" | "record_missing" | "leg_missing";
  found_at: Moment;
}
