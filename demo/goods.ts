import type { TextKey } from "./texts.ts";

/** What the shop sells. The price is decided here, on the server, and nowhere else: the form sends an id only. */
export interface Good {
  readonly id: string;
  readonly name: string;
  readonly kind: TextKey;
  readonly amountRappen: number;
  /** The Smart Number it is to be paid on; each shows another tariff. */
  readonly number: string;
  /** Days for which it is a pass. */
  readonly accessDays?: number;
  /** What a basket holds. */
  readonly items?: readonly { readonly description: string; readonly quantity: number; readonly amount: number }[];
  /** The shopper chooses the amount; `amountRappen` is what is proposed. */
  readonly donation?: { readonly minimum: number; readonly maximum: number; readonly suggestions: readonly number[] };
}

export const GOODS: readonly Good[] = [
  { id: "single", name: "Single « Aube »", kind: "demo.download", amountRappen: 100, number: "0900900904" },
  { id: "album", name: "Album « Nuit claire »", kind: "demo.download", amountRappen: 990, number: "0900900904" },
  {
    id: "archive",
    name: "Archives audio, 24 h",
    kind: "demo.siteAccess",
    amountRappen: 690,
    number: "0900900907",
    accessDays: 1,
  },
  { id: "article", name: "Chronique d’un pressage", kind: "demo.article", amountRappen: 120, number: "0900900908" },
  // Two started minutes of CHF 2.13: the pay page has to say that the line bills CHF 4.26.
  {
    id: "monthly",
    name: "Le mensuel",
    kind: "demo.subscription",
    amountRappen: 420,
    number: "0900900905",
    accessDays: 31,
  },
  {
    id: "classified",
    name: "« Cherche platine vinyle »",
    kind: "demo.classifiedAd",
    amountRappen: 300,
    number: "0900900906",
  },
  {
    id: "donation",
    name: "Fonds des jeunes musiciens",
    kind: "demo.donation",
    amountRappen: 500,
    number: "0900900907",
    donation: { minimum: 200, maximum: 5_000, suggestions: [500, 1_000, 2_000] },
  },
  {
    id: "basket",
    name: "Coffret du Léman",
    kind: "demo.basket",
    amountRappen: 560,
    number: "0900900904",
    items: [
      { description: "Single « Aube »", quantity: 2, amount: 200 },
      { description: "Single « Bise »", quantity: 1, amount: 100 },
      { description: "Livret imprimé", quantity: 1, amount: 260 },
    ],
  },
];

/** The price that has to stand beside a premium-rate number wherever it is shown. */
export interface DemoNumber {
  readonly number: string;
  readonly price: { readonly key: TextKey; readonly rappen: number };
}

export const DEMO_NUMBERS: readonly DemoNumber[] = [
  { number: "0900900904", price: { key: "phone.perMinute", rappen: 120 } },
  { number: "0900900905", price: { key: "phone.perMinute", rappen: 213 } },
  { number: "0900900906", price: { key: "phone.perCall", rappen: 300 } },
  { number: "0900900907", price: { key: "phone.perMinute", rappen: 600 } },
  { number: "0900900908", price: { key: "phone.perMinute", rappen: 120 } },
];

export function findGood(id: string | undefined): Good | null {
  return GOODS.find((good) => good.id === id) ?? null;
}
