import type { Config } from "../core/config.ts";
import type { Db } from "../db/database.ts";
import type { Log } from "./log.ts";

/** What each role is started with. */
export interface RoleParts {
  readonly config: Config;
  readonly db: Db;
  readonly log: Log;
  /** Names this process in the books, for people who look. */
  readonly worker: string;
  /** Where the voice server of this same process listens, as host:port; null where it plays no such role. */
  readonly ownAgi: string | null;
  /** What has to be given back at the end, in the opposite order. */
  readonly resources: AsyncDisposableStack;
}
