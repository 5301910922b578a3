import type { GuessLimits } from "../core/guess-budget.ts";
import type { Db } from "../db/database.ts";
import type { NoticeWatch } from "../db/notices.ts";
import type { TestLine } from "./test-calls.ts";

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
  /** The origins whose pages may show ours in a frame; without them, none. */
  readonly frameAncestors?: readonly string[];
  readonly watch: NoticeWatch;
  /** Where played calls of test mode go; without it nothing can be played, and no page offers it. */
  readonly testLine?: TestLine | null;
  /** Wrong access codes of everybody together; ACCESS_CODE_GUESSES unless told. */
  readonly accessCodeGuesses?: GuessLimits;
}
