import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { Colour } from "../core/colour.ts";
import type { LogoType } from "../core/logo.ts";
import type { Language } from "../core/messages.ts";
import type { Play } from "../core/played-call.ts";
import type { Segment } from "../core/tariff.ts";
import type { Item, PaymentException, Status } from "../core/transaction.ts";
import type { DurationRounding } from "../core/trunk.ts";
import type { CallDriftsTable, CallRecordFilesTable, CallRecordsTable } from "./call-record-tables.ts";
import type { MaybeMoment, Moment } from "./column-types.ts";
import type {
  WebhookAttemptsTable,
  WebhookDeliveriesTable,
  WebhookEndpointsTable,
  WebhookEventsTable,
} from "./webhook-tables.ts";

/** The tables as Kysely sees them; db/migrations says the same in SQL, with its constraints. Money is in rappen. */
export interface Database {
  merchants: MerchantsTable;
  merchant_brands: MerchantBrandsTable;
  users: UsersTable;
  api_keys: ApiKeysTable;
  tariffs: TariffsTable;
  trunks: TrunksTable;
  smart_numbers: SmartNumbersTable;
  number_tariffs: NumberTariffsTable;
  number_allocations: NumberAllocationsTable;
  transactions: TransactionsTable;
  call_legs: CallLegsTable;
  codes: CodesTable;
  pulses: PulsesTable;
  journal: JournalTable;
  call_records: CallRecordsTable;
  call_record_files: CallRecordFilesTable;
  call_drifts: CallDriftsTable;
  barred_callers: BarredCallersTable;
  call_refusals: CallRefusalsTable;
  idempotent_answers: IdempotentAnswersTable;
  test_plays: TestPlaysTable;
  webhook_endpoints: WebhookEndpointsTable;
  webhook_events: WebhookEventsTable;
  webhook_deliveries: WebhookDeliveriesTable;
  webhook_attempts: WebhookAttemptsTable;
}

interface MerchantsTable {
  id: Generated<number>;
  merchant_number: string;
  name: string;
  address: string;
  contact: string;
  return_origins: Generated<string[]>;
  auto_confirm_seconds: Generated<number>;
  code_seconds: Generated<number>;
  created_at: Moment;
}

interface MerchantBrandsTable {
  merchant_id: number;
  colour: Colour | null;
  provider_line: string | null;
  logo: Buffer | null;
  logo_type: LogoType | null;
  logo_width: number | null;
  logo_height: number | null;
  /** Worked out by the database. */
  logo_hash: ColumnType<string | null, never, never>;
  changed_at: Moment;
}

interface UsersTable {
  id: Generated<number>;
  merchant_id: number | null;
  login: string;
  password_hash: string;
  created_at: Moment;
}

interface ApiKeysTable {
  id: Generated<number>;
  merchant_id: number;
  test: boolean;
  name: string;
  key_hash: Buffer;
  key_hint: string;
  created_at: Moment;
  last_used_at: MaybeMoment;
  revoked_at: MaybeMoment;
}

interface TariffsTable {
  id: Generated<number>;
  name: string;
  segments: JSONColumnType<readonly Segment[]>;
  created_at: Moment;
}

interface TrunksTable {
  name: string;
  billed: boolean;
  duration_rounding: Generated<DurationRounding>;
  guard_after_pulse_ms: Generated<number>;
  guard_before_pulse_ms: Generated<number>;
  total_rounding: Generated<number>;
  hidden_callers: Generated<"accept" | "refuse">;
  unknown_callers: Generated<"accept" | "refuse">;
  foreign_callers: Generated<"accept" | "refuse">;
  home_codes: Generated<string[]>;
  caller_day_max: number | null;
  caller_month_max: number | null;
  caller_year_max: number | null;
  caller_calls_per_day_max: number | null;
}

interface SmartNumbersTable {
  number: string;
  country: Generated<string>;
  trunk: Generated<string>;
  code_before_answer: Generated<boolean>;
  early_media: Generated<boolean>;
  language: Generated<Language>;
  language_menu: Generated<boolean>;
  in_service: Generated<boolean>;
  /** ISO date of the rules under which it is in service. */
  rules_on: string | null;
}

interface NumberTariffsTable {
  number: string;
  tariff_id: number;
  valid_from: Moment;
}

interface NumberAllocationsTable {
  id: Generated<number>;
  number: string;
  merchant_id: number;
  allocated_at: Moment;
  withdrawn_at: MaybeMoment;
}

export interface TransactionsTable {
  id: string;
  merchant_id: number;
  test: boolean;
  status: Status;
  exception: Generated<PaymentException>;
  amount: number;
  total: number;
  billed: Generated<number>;
  currency: "CHF";
  number: string;
  tariff_id: number;
  description: string;
  items: JSONColumnType<readonly Item[]>;
  reference: string | null;
  return_url: string;
  cancel_url: string | null;
  language: Language | null;
  access_days: number;
  access_code: string | null;
  renews: string | null;
  access_after: MaybeMoment;
  donation_minimum: number | null;
  donation_maximum: number | null;
  donation_suggestions: Generated<number[]>;
  amount_chosen_at: MaybeMoment;
  metadata: JSONColumnType<Readonly<Record<string, string>>>;
  auto_confirm_seconds: number;
  expected_seconds: number;
  created_at: Moment;
  expires_at: Moment;
  resumable_until: Moment;
  expired_at: MaybeMoment;
  paid_at: MaybeMoment;
  confirmed_at: MaybeMoment;
  redeemed_at: MaybeMoment;
  redeemed_by: string | null;
  cancelled_at: MaybeMoment;
}

interface CallLegsTable {
  id: Generated<number>;
  uniqueid: string;
  number: string;
  tariff_id: number;
  trunk: string;
  /** How long after it has fallen a pulse of this call counts, by its trunk's way of rounding. */
  counts_after_ms: Generated<number>;
  transaction_id: string | null;
  caller: string | null;
  caller_hash: Buffer | null;
  billed: Generated<number>;
  owner: string;
  epoch: Generated<number>;
  lease_until: Moment;
  started_at: Moment;
  answered_at: MaybeMoment;
  claimed_at: MaybeMoment;
  ended_at: MaybeMoment;
  duration_ms: number | null;
  end_reason: string | null;
  wrong_codes: Generated<number>;
}

interface CodesTable {
  id: Generated<number>;
  number: string;
  code: string;
  transaction_id: string;
  issued_at: Moment;
  expires_at: Moment;
  claimed_by: number | null;
  retired_at: MaybeMoment;
}

interface PulsesTable {
  call_leg_id: number;
  sequence: number;
  amount: number;
  epoch: number;
  booked_at: Moment;
}

interface JournalTable {
  id: Generated<number>;
  transaction_id: string;
  at: Moment;
  event: string;
  data: JSONColumnType<Readonly<Record<string, string | number | boolean | null>>>;
}

interface BarredCallersTable {
  caller_hash: Buffer;
  /** The last two digits. */
  number_hint: string;
  reason: string;
  barred_by: string;
  since: Moment;
  /** Null: for good. */
  until: MaybeMoment;
}

interface CallRefusalsTable {
  /** ISO date, by Swiss time. */
  day: string;
  /** Empty for numbers that aren't ours. */
  number: string;
  reason: string;
  calls: Generated<number>;
}

interface IdempotentAnswersTable {
  merchant_id: number;
  test: boolean;
  operation: string;
  key: string;
  fingerprint: Buffer;
  status: number;
  body: string;
  created_at: Moment;
}

interface TestPlaysTable {
  id: Generated<number>;
  transaction_id: string;
  play: Play;
  started_at: Moment;
  lease_until: Moment;
  ended_at: MaybeMoment;
}
