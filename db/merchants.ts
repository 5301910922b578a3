import { createHash, randomBytes } from "node:crypto";
import type { Db } from "./database.ts";

export interface Merchant {
  readonly id: number;
  readonly merchantNumber: string;
  readonly name: string;
  readonly address: string;
  readonly contact: string;
  /** Origins that return URLs may have; empty: any http(s) address. */
  readonly returnOrigins: readonly string[];
  readonly autoConfirmSeconds: number;
  readonly codeSeconds: number;
}

/** Who a key speaks for, and whether its transactions are tests. */
export interface ApiClient {
  readonly merchant: Merchant;
  readonly test: boolean;
  readonly keyId: number;
  readonly keyName: string;
}

/** What counts of a client once it is known who it is: a key's, or a user's with the login as name. */
export type Client = Omit<ApiClient, "keyId">;

const MERCHANT_COLUMNS = [
  "merchants.id",
  "merchants.merchant_number as merchantNumber",
  "merchants.name",
  "merchants.address",
  "merchants.contact",
  "merchants.return_origins as returnOrigins",
  "merchants.auto_confirm_seconds as autoConfirmSeconds",
  "merchants.code_seconds as codeSeconds",
] as const;

export async function findMerchant(db: Db, id: number): Promise<Merchant> {
  return db.selectFrom("merchants").select(MERCHANT_COLUMNS).where("id", "=", id).executeTakeFirstOrThrow();
}

/** Null: no merchant has this number. */
export async function findMerchantId(db: Db, merchantNumber: string): Promise<number | null> {
  const row = await db
    .selectFrom("merchants")
    .select("id")
    .where("merchant_number", "=", merchantNumber)
    .executeTakeFirst();
  return row?.id ?? null;
}

export async function addMerchant(
  db: Db,
  merchant: {
    readonly merchantNumber: string;
    readonly name: string;
    readonly address: string;
    readonly contact: string;
  },
): Promise<number> {
  const row = await db
    .insertInto("merchants")
    .values({
      merchant_number: merchant.merchantNumber,
      name: merchant.name,
      address: merchant.address,
      contact: merchant.contact,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return row.id;
}

/** Someone who signs in: a merchant's user, or with `merchantId` null one of the operator's staff. */
export async function addUser(
  db: Db,
  user: { readonly merchantId: number | null; readonly login: string; readonly passwordHash: string },
): Promise<void> {
  await db
    .insertInto("users")
    .values({ merchant_id: user.merchantId, login: user.login, password_hash: user.passwordHash })
    .execute();
}

export async function findUser(
  db: Db,
  user: { readonly merchantId: number | null; readonly login: string },
): Promise<{ readonly id: number; readonly passwordHash: string } | null> {
  const row = await db
    .selectFrom("users")
    .select(["id", "password_hash as passwordHash"])
    .where("login", "=", user.login)
    .where("merchant_id", "is not distinct from", user.merchantId)
    .executeTakeFirst();
  return row ?? null;
}

/** Who signs in to a merchant's account, in one question, so that an unknown merchant takes as long as an unknown login. */
export async function findMerchantUser(
  db: Db,
  user: { readonly merchantNumber: string; readonly login: string },
): Promise<{ readonly merchant: Merchant; readonly passwordHash: string } | null> {
  const row = await db
    .selectFrom("users")
    .innerJoin("merchants", "merchants.id", "users.merchant_id")
    .select(MERCHANT_COLUMNS)
    .select("users.password_hash as passwordHash")
    .where("merchant_number", "=", user.merchantNumber)
    .where("login", "=", user.login)
    .executeTakeFirst();
  if (!row) return null;
  const { passwordHash, ...merchant } = row;
  return { merchant, passwordHash };
}

export async function changePassword(db: Db, userId: number, passwordHash: string): Promise<void> {
  await db.updateTable("users").set({ password_hash: passwordHash }).where("id", "=", userId).execute();
}

/** Makes a key and answers it: the only time it is seen in clear. The mode is part of the key. */
export async function addApiKey(
  db: Db,
  key: { readonly merchantId: number; readonly test: boolean; readonly name: string },
): Promise<string> {
  const secret = `p2p_${key.test ? "test" : "live"}_${randomBytes(24).toString("base64url")}`;
  await db
    .insertInto("api_keys")
    .values({
      merchant_id: key.merchantId,
      test: key.test,
      name: key.name,
      key_hash: hashKey(secret),
      key_hint: `…${secret.slice(-4)}`,
    })
    .execute();
  return secret;
}

/** Whose key this is; null when it is unknown or revoked. Keys have 192 random bits, so a plain hash keeps them. */
export async function findApiClient(db: Db, secret: string): Promise<ApiClient | null> {
  const row = await db
    .selectFrom("api_keys")
    .innerJoin("merchants", "merchants.id", "api_keys.merchant_id")
    .select(MERCHANT_COLUMNS)
    .select(["api_keys.test", "api_keys.id as keyId", "api_keys.name as keyName"])
    .where("key_hash", "=", hashKey(secret))
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (!row) return null;
  const { test, keyId, keyName, ...merchant } = row;
  return { merchant, test, keyId, keyName };
}

/** Notes that a key was used, at most once a minute, so that reading stays reading. */
export async function touchApiKey(db: Db, keyId: number): Promise<void> {
  await db
    .updateTable("api_keys")
    .set((eb) => ({ last_used_at: eb.fn("now", []) }))
    .where("id", "=", keyId)
    .where((eb) =>
      eb.or([
        eb("last_used_at", "is", null),
        eb("last_used_at", "<", eb.fn<Date>("date_trunc", [eb.val("minute"), eb.fn("now", [])])),
      ]),
    )
    .execute();
}

function hashKey(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
