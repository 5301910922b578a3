/**
 * One call as Asterisk's own record tells it. Moments are whole microseconds since 1970, as Asterisk writes them, and
 * lengths are ms with three decimals: what a call owes can turn on the last of them. Who called is left out on purpose.
 */
export interface CallRecord {
  readonly uniqueid: string;
  /** Counts Asterisk's records since its start; with the uniqueid it names a record for ever. */
  readonly sequence: number;
  /** The Smart Number in its national form; null for a call that was for none. */
  readonly number: string | null;
  readonly startedAtUs: number;
  readonly answeredAtUs: number | null;
  readonly endedAtUs: number;
  readonly durationMs: number;
  /** From answer to end; 0 when it was never answered. */
  readonly talkMs: number;
  readonly disposition: string;
  /** The channel's name, `PJSIP/carrier-0000002a`: says which trunk the call came in on. */
  readonly channel: string;
}

/** A record as it arrives, by file or by AMI: all of it text. */
export interface RawCallRecord {
  readonly uniqueid: string;
  readonly sequence: string;
  readonly number: string;
  readonly startedAt: string;
  readonly answeredAt: string;
  readonly endedAt: string;
  readonly duration: string;
  readonly talk: string;
  readonly disposition: string;
  readonly channel: string;
}

/** What PostgreSQL's integer holds; Asterisk's own counter is one. */
const SEQUENCE_MAX = 2_147_483_647;
/** As asterisk-config/cdr_custom.conf names them. */
const COLUMNS = 13;

/** Null for what is no record, or one that contradicts itself; what this accepts, the table takes. */
export function readCallRecord(raw: RawCallRecord): CallRecord | null {
  const startedAtUs = microseconds(raw.startedAt);
  const answeredUs = microseconds(raw.answeredAt);
  const endedAtUs = microseconds(raw.endedAt);
  const durationUs = microseconds(raw.duration);
  const talkUs = microseconds(raw.talk);
  const sequence = /^[0-9]{1,10}$/.test(raw.sequence) ? Number(raw.sequence) : Number.NaN;
  const whole =
    /^[!-~]{1,150}$/.test(raw.uniqueid) &&
    sequence <= SEQUENCE_MAX &&
    /^([+0-9]{1,20})?$/.test(raw.number) &&
    /^[ -~]{1,40}$/.test(raw.disposition) &&
    /^[ -~]{1,150}$/.test(raw.channel);
  if (!whole) return null;
  const answeredAtUs = answeredUs === 0 ? null : answeredUs;
  const inOrder =
    startedAtUs > 0 &&
    startedAtUs <= (answeredAtUs ?? startedAtUs) &&
    (answeredAtUs ?? startedAtUs) <= endedAtUs &&
    talkUs <= durationUs &&
    (answeredAtUs !== null || talkUs === 0);
  if (!inOrder) return null;
  return {
    uniqueid: raw.uniqueid,
    sequence,
    number: raw.number === "" ? null : raw.number,
    startedAtUs,
    answeredAtUs,
    endedAtUs,
    durationMs: durationUs / 1_000,
    talkMs: talkUs / 1_000,
    disposition: raw.disposition,
    channel: raw.channel,
  };
}

/** One line of cdr-custom/phone2pay.csv, or null when it is none. */
export function readRecordLine(line: string): CallRecord | null {
  const columns = splitLine(line);
  if (columns?.length !== COLUMNS) return null;
  const column = (index: number): string => columns[index] ?? "";
  return readCallRecord({
    uniqueid: column(0),
    number: column(1),
    startedAt: column(4),
    answeredAt: column(5),
    endedAt: column(6),
    duration: column(7),
    talk: column(8),
    disposition: column(9),
    channel: column(11),
    sequence: column(12),
  });
}

/** Columns between commas, of which those in quotes may hold commas, and quotes doubled; null when the quotes don't match. */
function splitLine(line: string): readonly string[] | null {
  const columns: string[] = [];
  const column = /(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)/y;
  while (column.lastIndex < line.length) {
    const found = column.exec(line);
    if (!found) return null;
    columns.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
  }
  return columns;
}

/** Of a moment or a length in seconds with six decimals; NaN, which is neither less nor more than anything, for all else. */
function microseconds(seconds: string): number {
  const digits = /^([0-9]{1,10})[.]([0-9]{6})$/.exec(seconds);
  return digits ? Number(digits[1]) * 1_000_000 + Number(digits[2]) : Number.NaN;
}
