import type { Exchange } from "../telephony/exchange.ts";

/** What the database knows of a payment, whatever its page shows. */
export async function inBooks({ db }: Exchange, id: string) {
  return db.selectFrom("transactions").select(["billed", "status"]).where("id", "=", id).executeTakeFirstOrThrow();
}
