import { type Access, Phone2PayError, type phone2pay } from "../sdk/typescript/phone2pay.ts";

export type Client = ReturnType<typeof phone2pay>;
type Payment = Awaited<ReturnType<Client["checkTransaction"]>>;

/** `now`: this request redeemed it; `before`: an earlier one did; `none`: not paid. */
export interface Delivery {
  readonly kind: "now" | "before" | "none";
  readonly payment: Payment;
  /** What a paid pass opens now, its renewals included; null without one. */
  readonly access: Access | null;
}

/** Redeems what is paid. Of two requests at once only one is told «now»; the other is refused, and looks again. */
export async function deliver(client: Client, payment: Payment): Promise<Delivery> {
  if (payment.status === "redeemed") return { kind: "before", payment, access: await accessOf(client, payment) };
  if (payment.status !== "paid" && payment.status !== "confirmed") return { kind: "none", payment, access: null };
  try {
    const redeemed = await client.redeemTransaction(payment.id);
    return { kind: "now", payment: redeemed, access: await accessOf(client, redeemed) };
  } catch (error) {
    if (!(error instanceof Phone2PayError) || error.code !== "transaction_already_redeemed") throw error;
    return {
      kind: "before",
      payment: await client.checkTransaction(payment.id),
      access: await accessOf(client, payment),
    };
  }
}

/** Whoever comes back with a pass is let in by what it is worth now, not by whether it was redeemed. */
async function accessOf(client: Client, { id, accessDays }: Payment): Promise<Access | null> {
  return accessDays > 0 ? client.checkAccess(id) : null;
}

export async function findPayment(client: Client, id: string | undefined): Promise<Payment | null> {
  if (!id || !/^[0-9a-fA-F-]{32,36}$/.test(id)) return null;
  try {
    return await client.checkTransaction(id);
  } catch (error) {
    if (error instanceof Phone2PayError && error.status === 404) return null;
    throw error;
  }
}
