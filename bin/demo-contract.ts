import type { DemoShop } from "../demo/shop.ts";
import { baseUrlOf, type Stage } from "./demo-parts.ts";
import { DEMO_LOGIN, DEMO_MERCHANT_NUMBER, DEMO_NUMBERS, OPERATOR_LOGIN } from "./demo-seed.ts";

/** What `.cache/demo.json` tells programs that use the running demo; the names of its fields are fixed. */
export interface DemoContract {
  readonly baseUrl: string;
  readonly shopUrl: string;
  readonly softphoneUrl: string;
  readonly sip: string;
  readonly asterisk: "real" | "simulated";
  readonly merchantNumber: string;
  readonly login: string;
  readonly password: string;
  /** Of the test mode. */
  readonly apiKey: string;
  readonly liveApiKey: string;
  readonly operator: { readonly login: string; readonly password: string };
  readonly numbers: readonly { readonly number: string; readonly tariff: string }[];
  readonly pid: number;
}

export function contractOf({ settings, secrets, asterisk }: Stage, shop: DemoShop): DemoContract {
  return {
    baseUrl: baseUrlOf(settings),
    shopUrl: shop.url,
    softphoneUrl: shop.softphoneUrl,
    sip: `127.0.0.1:${settings.ports.sip}`,
    asterisk,
    merchantNumber: DEMO_MERCHANT_NUMBER,
    login: DEMO_LOGIN,
    password: secrets.merchantPassword,
    apiKey: secrets.testKey,
    liveApiKey: secrets.liveKey,
    operator: { login: OPERATOR_LOGIN, password: secrets.operatorPassword },
    numbers: DEMO_NUMBERS.map(({ number, tariff }) => ({ number, tariff })),
    pid: process.pid,
  };
}

/** The same for people: where to click, what to dial, how to stop. */
export function summaryOf(contract: DemoContract, { settings, secrets }: Stage, { windowUrl }: DemoShop): string {
  const simulated = contract.asterisk === "simulated";
  const numbers = contract.numbers.map(({ number, tariff }) => `    ${number}   ${tariff}`);
  const calling = simulated
    ? ["  Asterisk is simulated: a line that speaks real FastAGI takes its place, without sound."]
    : [
        `  With a SIP client on this machine, without registering:  sip:0900900904@${contract.sip}`,
        "  Or registered there, over UDP or WebSocket:",
        ...secrets.softphonePasswords.map((password, index) => `    softphone${index + 1}   password ${password}`),
      ];
  return [
    "",
    "Phone2Pay is up.",
    "",
    `  Side by side     ${windowUrl}       shop and telephone in one window: start here`,
    `  Demo shop        ${contract.shopUrl}`,
    `  Telephone        ${contract.softphoneUrl}`,
    `  API              ${contract.baseUrl}/docs       test key ${contract.apiKey}`,
    "",
    "  Choose something in the shop, dial the number that the pay page shows, key the code, stay on the line:",
    ...numbers,
    "",
    ...calling,
    "",
    `  For programs: ${settings.contractFile}; logs and data: ${settings.directory}`,
    "  Ctrl-C stops everything.",
    "",
  ].join("\n");
}
