import { expect, test } from "@jest/globals";
import { type Kysely, sql } from "kysely";
import { up } from "../../db/migrations/0007-goods.ts";
import { findPass } from "../../db/passes.ts";
import { cloneDatabase } from "../support/database.ts";
import { seedMerchant, seedTransaction } from "../support/seed.ts";

/** What the migration adds, taken away again: the table as it was before, with what was in it. */
const UNDO = [
  "drop trigger renewal_begins_where_its_pass_ends on transactions",
  "drop trigger only_an_open_donation_changes_its_amount on transactions",
  "drop function check_renewal, refuse_other_amount",
  "alter table transactions drop column donation_minimum, drop column donation_maximum, drop column donation_suggestions, drop column amount_chosen_at, drop column access_code, drop column renews, drop column access_after",
];

test("passes from before get codes of their own, and everything else stays as it was", async () => {
  await using database = await cloneDatabase();
  const { db } = database;
  const seeded = await seedMerchant(db);
  const passes = await Promise.all([1, 31].map((accessDays) => seedTransaction(db, seeded, { accessDays })));
  const sale = await seedTransaction(db, seeded);
  for (const statement of UNDO) await sql.raw(statement).execute(db);
  await up(db as unknown as Kysely<unknown>);
  const after = await Promise.all([...passes, sale].map(({ id }) => findPass(db, { id })));
  const codes = after.map((pass) => pass?.asked.accessCode ?? null);
  expect(codes).toEqual([expect.stringMatching(/^[0-9]{12}$/), expect.stringMatching(/^[0-9]{12}$/), null]);
  expect(new Set(codes).size).toBe(3);
  expect(after[2]?.asked).toEqual(sale);
});
