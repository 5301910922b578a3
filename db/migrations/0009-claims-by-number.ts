import { type Kysely, sql } from "kysely";

/** How many right codes came on a number lately is asked while it is guessed at, with each call. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index legs_that_claimed on call_legs (number, started_at) where claimed_at is not null`.execute(db);
}
