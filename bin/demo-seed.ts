import { readFile } from "node:fs/promises";
import path from "node:path";
import { hash, verify } from "@node-rs/argon2";
import type { Segment } from "../core/tariff.ts";
import { changeBrand, findBrand } from "../db/brands.ts";
import type { Db } from "../db/database.ts";
import {
  addApiKey,
  addMerchant,
  addUser,
  changePassword,
  findApiClient,
  findMerchantId,
  findUser,
} from "../db/merchants.ts";
import { addNumber } from "../db/number-service.ts";
import { addTariff, isNumberKnown } from "../db/numbers.ts";
import type { DemoSecrets } from "./demo-secrets.ts";

export const DEMO_MERCHANT_NUMBER = "100001";
export const DEMO_LOGIN = "disques";
export const OPERATOR_LOGIN = "operator";
/** The lake's. */
const DEMO_COLOUR = "#1d5b9a";
/** Drawn from logo.svg beside it. */
const DEMO_LOGO = path.resolve(import.meta.dirname, "../demo/logo.png");

interface DemoNumber {
  readonly number: string;
  /** In words, for people who choose what to dial. */
  readonly tariff: string;
  readonly segments: readonly Segment[];
  readonly codeBeforeAnswer: boolean;
  /** ISO date of the rules that it is under, where they aren't today's. */
  readonly rulesOn?: string;
}

/** Steps of 10 rappen and whole minutes were lawful then; today a call is billed to the second (OST art. 39b). */
const PULSE_ERA = "2004-01-01";

/** One number for each kind of tariff, as the public contract lists them (docs). */
export const DEMO_NUMBERS: readonly DemoNumber[] = [
  {
    number: "0900900904",
    tariff: "CHF 1.20/min, in steps of 10 rappen every 5 s",
    segments: [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 5 }],
    codeBeforeAnswer: false,
    rulesOn: PULSE_ERA,
  },
  {
    number: "0900900905",
    tariff: "CHF 2.13/min, by started minute",
    segments: [{ kind: "time", rappenPerMinute: 213, incrementSeconds: 60 }],
    codeBeforeAnswer: false,
    rulesOn: PULSE_ERA,
  },
  {
    number: "0900900906",
    tariff: "CHF 3.00 per call",
    segments: [{ kind: "fixed", priceRappen: 300 }],
    codeBeforeAnswer: false,
  },
  {
    number: "0900900907",
    tariff: "CHF 6.00/min, per second, price accepted by #",
    segments: [{ kind: "time", rappenPerMinute: 600, incrementSeconds: 1 }],
    codeBeforeAnswer: false,
  },
  {
    number: "0900900908",
    tariff: "CHF 1.20/min, per second, code keyed before the answer",
    segments: [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 1 }],
    codeBeforeAnswer: true,
  },
];

/**
 * Brings the demo's merchant, users, numbers and keys into the database; what is there already stays. Answers the
 * secrets with the API keys in them, which only the database can make.
 */
export async function seedDemo(db: Db, secrets: DemoSecrets): Promise<DemoSecrets> {
  const merchantId = (await findMerchantId(db, DEMO_MERCHANT_NUMBER)) ?? (await addDemoMerchant(db));
  await ensureBrand(db, merchantId);
  await ensureUser(db, { merchantId, login: DEMO_LOGIN, password: secrets.merchantPassword });
  await ensureUser(db, { merchantId: null, login: OPERATOR_LOGIN, password: secrets.operatorPassword });
  for (const entry of DEMO_NUMBERS) {
    const { number, tariff, segments, codeBeforeAnswer, rulesOn } = entry;
    if (await isNumberKnown(db, number)) continue;
    const tariffId = await addTariff(db, { name: tariff, segments });
    if (typeof tariffId !== "number") throw new Error(`${tariff}: ${tariffId.faults.join("; ")}`);
    const line = { codeBeforeAnswer, language: "fr", trunk: "demo", ...(rulesOn ? { rulesOn } : {}) } as const;
    const refused = await addNumber(db, { number, tariffId, merchantId, ...line });
    if (refused) throw new Error(`${number}: ${refused.broken.map(({ message }) => message).join("; ")}`);
  }
  return {
    ...secrets,
    testKey: await ensureApiKey(db, { merchantId, test: true, known: secrets.testKey }),
    liveKey: await ensureApiKey(db, { merchantId, test: false, known: secrets.liveKey }),
  };
}

function addDemoMerchant(db: Db): Promise<number> {
  return addMerchant(db, {
    merchantNumber: DEMO_MERCHANT_NUMBER,
    name: "Disques du Léman",
    address: "Rue de l’Exemple 12, 1006 Lausanne",
    contact: "aide@disques-du-leman.example",
  });
}

/** A logo and a colour, so that one sees what is the merchant's on a page and what the house's; what was set since stays. */
async function ensureBrand(db: Db, merchantId: number): Promise<void> {
  const { colour, logo, providerLine } = await findBrand(db, merchantId);
  if (colour ?? logo ?? providerLine) return;
  const changed = await changeBrand(db, merchantId, {
    colour: DEMO_COLOUR,
    logo: await readFile(DEMO_LOGO),
    providerLine: "Disques du Léman Sàrl, CHE-000.000.000 TVA",
  });
  if ("faults" in changed) throw new Error(changed.faults.map(({ message }) => message).join("; "));
}

/** The secrets file may have been thrown away while the database was kept: then the new password counts. */
async function ensureUser(
  db: Db,
  user: { readonly merchantId: number | null; readonly login: string; readonly password: string },
): Promise<void> {
  const found = await findUser(db, user);
  if (found && (await verify(found.passwordHash, user.password))) return;
  const passwordHash = await hash(user.password); // argon2id, with the library's recommended cost
  if (found) await changePassword(db, found.id, passwordHash);
  else await addUser(db, { merchantId: user.merchantId, login: user.login, passwordHash });
}

async function ensureApiKey(
  db: Db,
  key: { readonly merchantId: number; readonly test: boolean; readonly known: string | null },
): Promise<string> {
  if (key.known !== null && (await findApiClient(db, key.known))) return key.known;
  return addApiKey(db, { merchantId: key.merchantId, test: key.test, name: key.test ? "demo, test" : "demo, live" });
}
