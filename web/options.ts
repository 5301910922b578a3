import type { Db } from "../db/database.ts";
import type { NoticeWatch } from "../db/notices.ts";

/** Who runs the service towards the shopper: named on every pay page and on the receipt. */
export interface Provider {
  readonly name: string;
  readonly address: string;
}

export interface WebOptions {
  readonly db: Db;
  /** Where shoppers reach these pages; forms are taken from this origin only. */
  readonly baseUrl: string;
  readonly provider: Provider;
  readonly watch: NoticeWatch;
}
