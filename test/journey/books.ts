import type { Exchange } from "../telephony/exchange.ts";

/** What the database knows of a payment, whatever its page shows. */
export async function inBooks({ db }: Exchange, id: string) {
  return db.selectFrom("transactions").select(["billed", "status"]).where("id", "=", id).executeTakeFirstOrThrow();
}

/** How the latest call to this number that is over was ended. */
export async function lastEndIn({ db }: Exchange, number: string) {
  const leg = await db
    .selectFrom("call_legs")
    .select("end_reason")
    .where("number", "=", number)
    .where("ended_at", "is not", null)
    .orderBy("id", "desc")
    .executeTakeFirst();
  return leg?.end_reason;
}
