import type { Query } from "./frame.ts";
import { DEMO_NUMBERS, GOODS } from "./goods.ts";
import type { DemoShopOptions } from "./shop.ts";
import { formatMoney, formatNumber, type Language, template, translator } from "./texts.ts";

/** The texts that the telephone's script shows, with their placeholders. */
const PHONE_TEXTS = [
  "phone.ready",
  "phone.connecting",
  "phone.ringing",
  "phone.beforeAnswer",
  "phone.inCall",
  "phone.ended",
  "phone.busy",
  "phone.refused",
  "phone.failed",
  "phone.microphoneOn",
  "phone.microphoneOff",
  "phone.microphoneDenied",
  "phone.noLine",
] as const;

const KEYS = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", ""],
  ["#", ""],
] as const;

/** What the telephone on a page is made of: the number it has ready, its account, its texts and the price of each number. */
export function phoneView(options: DemoShopOptions, query: Query, language: Language) {
  const { softphone } = options;
  const account = softphone?.accounts.find(({ user }) => user === query.account) ?? softphone?.accounts[0];
  const settings =
    options.asterisk === "simulated"
      ? { kind: "simulated", url: options.simulatedLineUrl ?? null }
      : { kind: "sip", url: softphone?.webSocketUrl ?? null, ...account, host: sipHost(options) };
  return {
    number: /^[\d+*#]{1,20}$/.test(query.number ?? "") ? query.number : GOODS[0]!.number,
    settings,
    simulated: options.asterisk === "simulated",
    texts: Object.fromEntries(PHONE_TEXTS.map((key) => [key.slice("phone.".length), template(language, key)])),
    prices: Object.fromEntries(DEMO_NUMBERS.map(({ number }) => [number, lineOf(language, number).price])),
    keys: KEYS.map(([key, letters]) => ({ key, letters })),
  };
}

/** A number as it is shown, with the price that has to stand beside it. */
export function lineOf(language: Language, number: string): { readonly shown: string; readonly price: string } {
  const found = DEMO_NUMBERS.find((known) => known.number === number);
  if (!found) throw new Error(`no price is known for ${number}`);
  const price = translator(language)(found.price.key, { price: formatMoney(found.price.rappen) });
  return { shown: formatNumber(number), price };
}

function sipHost({ softphone }: DemoShopOptions): string | null {
  return softphone ? softphone.sipAddress.replace(/:\d+$/, "") : null;
}
