import { createHmac, randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import type { FastifyBaseLogger } from "fastify";
import { z } from "zod";
import { PublicError } from "../../core/errors.ts";
import type { Db } from "../../db/database.ts";
import { findMerchantUser, type Merchant } from "../../db/merchants.ts";
import { openKeys } from "../authentication.ts";
import { type AttemptLimits, Attempts } from "./attempts.ts";

const TEXT_LENGTH_MAX = 200;
const MINUTE_MS = 60_000;
/** Wrong passwords from one client address. Behind one address may stand a provider with many shops. */
export const TRIES_OF_ADDRESS: AttemptLimits = { attemptsMax: 50, windowMs: 10 * MINUTE_MS, keysMax: 10_000 };
/** Wrong passwords for one login, from wherever. A shop whose right password is remembered isn't shut out by it. */
export const TRIES_OF_LOGIN: AttemptLimits = { attemptsMax: 10, windowMs: 10 * MINUTE_MS, keysMax: 10_000 };
/** How long a right password needn't be computed again: argon2 takes as long as ten transactions. */
const PASSWORD_REMEMBERED_MS = 5 * MINUTE_MS;
const PASSWORDS_REMEMBERED_MAX = 1_000;

/** As parameters of every operation: either the key, or the other three. */
export const credentialFields = {
  merchantNumber: z.string().max(TEXT_LENGTH_MAX).nullish(),
  login: z.string().max(TEXT_LENGTH_MAX).nullish(),
  password: z.string().max(TEXT_LENGTH_MAX).nullish(),
  apiKey: z.string().max(TEXT_LENGTH_MAX).nullish(),
};
const credentialsSchema = z.object(credentialFields);

export interface SignedIn {
  readonly merchant: Merchant;
  /** The key's name, or the login. */
  readonly name: string;
  /** A key's mode; null for a login, to which both modes are open. */
  readonly test: boolean | null;
}

export interface Caller {
  readonly address: string;
  readonly log: FastifyBaseLogger;
}

/** Takes the credentials out of all parameters. */
export type SignIn = (parameters: Readonly<Record<string, unknown>>, caller: Caller) => Promise<SignedIn>;

/**
 * Signs in by key, or by merchant number, login and password. What was wrong of the three isn't told, and takes as long
 * to refuse whichever it was. Throws `api_key_invalid`, `credentials_invalid` or `too_many_requests`.
 */
export function openSignIn(db: Db, now: () => number = () => performance.now()): SignIn {
  const keys = openKeys(db);
  const checkPassword = openPasswordCheck(now);
  return async (parameters, { address, log }) => {
    const { merchantNumber, login, password, apiKey } = readCredentials(parameters);
    if (apiKey) {
      const { merchant, keyName, test } = await keys.clientOf(apiKey, log);
      if (merchantNumber && merchantNumber !== merchant.merchantNumber) throw new PublicError("api_key_invalid");
      return { merchant, name: keyName, test };
    }
    if (!merchantNumber || !login || !password) throw new PublicError("credentials_invalid");
    const user = await findMerchantUser(db, { merchantNumber, login });
    const passwordHash = user?.passwordHash ?? (await hashOfNobody());
    const triedFor = JSON.stringify([merchantNumber, login]);
    const right = await checkPassword({ password, passwordHash, triedFor, address });
    if (!user || !right) throw new PublicError("credentials_invalid");
    return { merchant: user.merchant, name: login, test: null };
  };
}

/** NUL can't be stored, and asked about it the database would fail instead of finding nobody. */
function readCredentials(parameters: Readonly<Record<string, unknown>>): z.infer<typeof credentialsSchema> {
  const read = credentialsSchema.safeParse(parameters);
  if (!read.success || Object.values(read.data).some((text) => text?.includes("\0")))
    throw new PublicError("credentials_invalid");
  return read.data;
}

interface Tried {
  readonly password: string;
  readonly passwordHash: string;
  readonly triedFor: string;
  readonly address: string;
}

function openPasswordCheck(now: () => number): (tried: Tried) => Promise<boolean> {
  const ofAddress = new Attempts(TRIES_OF_ADDRESS);
  const ofLogin = new Attempts(TRIES_OF_LOGIN);
  const secret = randomBytes(32);
  const rememberedUntilMs = new Map<string, number>();
  const underWay = new Map<string, Promise<boolean>>();

  async function compute({ password, passwordHash, triedFor, address }: Tried): Promise<boolean> {
    ofAddress.take(address, now());
    ofLogin.take(triedFor, now());
    const right = await verify(passwordHash, password);
    if (right)
      for (const [attempts, key] of [
        [ofAddress, address],
        [ofLogin, triedFor],
      ] as const)
        attempts.giveBack(key);
    return right;
  }

  return async (tried) => {
    // The stored hash is part of it: when the password is changed, what is remembered answers to nothing any more.
    const { triedFor, password, passwordHash } = tried;
    const proof = createHmac("sha256", secret)
      .update(JSON.stringify([triedFor, password, passwordHash]))
      .digest("hex");
    if ((rememberedUntilMs.get(proof) ?? 0) <= now()) {
      // Many calls at once with one password are one try, and are computed once.
      const computing = underWay.get(proof) ?? compute(tried).finally(() => underWay.delete(proof));
      underWay.set(proof, computing);
      if (!(await computing)) return false;
    }
    // From its last use on, and the one that wasn't used for longest makes room.
    rememberedUntilMs.delete(proof);
    rememberedUntilMs.set(proof, now() + PASSWORD_REMEMBERED_MS);
    if (rememberedUntilMs.size > PASSWORDS_REMEMBERED_MAX)
      rememberedUntilMs.delete(rememberedUntilMs.keys().next().value ?? "");
    return true;
  };
}

let nobody: Promise<string> | undefined;

/** A hash of the usual cost that no password has, for logins that don't exist. */
function hashOfNobody(): Promise<string> {
  nobody ??= hash(randomBytes(32));
  return nobody;
}
