import { startWebhookSender } from "../../api/webhook-sender.ts";
import { webhookReach } from "../../api/webhook-target.ts";
import { type DemoSecrets, loadSecrets } from "../../bin/demo-secrets.ts";
import { seedDemo } from "../../bin/demo-seed.ts";
import { registerShopEndpoint } from "../../bin/demo-webhooks.ts";
import { pulseReaching, pulsesOf } from "../../core/tariff.ts";
import type { Db } from "../../db/database.ts";
import { findNumberInService } from "../../db/numbers.ts";
import { bookPulses } from "../../db/pulses.ts";
import { findTransaction } from "../../db/transactions.ts";
import { type DemoShop, type DemoShopOptions, startDemoShop } from "../../demo/shop.ts";
import { BASE_URL, composeApi } from "../api/api-app.ts";
import { cloneDatabase } from "../support/database.ts";
import { seedAnsweredLeg, seedClaim } from "../support/seed.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The demo shop before the real web services, on a seeded database of the test file's own. */
export class ShopUnderTest implements AsyncDisposable {
  readonly db: Db;
  readonly apiUrl: string;
  readonly secrets: DemoSecrets;
  readonly shop: DemoShop;
  readonly webhookSecret: string;
  readonly #resources: AsyncDisposableStack;

  static async start(options: Partial<DemoShopOptions> = {}): Promise<ShopUnderTest> {
    const resources = new AsyncDisposableStack();
    const { db } = resources.use(await cloneDatabase());
    const directory = resources.use(await temporaryDirectory());
    const secrets = await seedDemo(db, await loadSecrets(directory.path));
    const api = await composeApi(db);
    resources.defer(() => api.close());
    const apiUrl = await api.listen({ port: 0, host: "127.0.0.1" });
    const endpoint = { apiKey: secrets.liveKey ?? "", webhookKey: WEBHOOKS.key };
    const webhookSecret = await registerShopEndpoint(db, { ...endpoint, url: "http://127.0.0.1:9/webhooks" });
    const shop = await startDemoShop({
      port: 0,
      host: "127.0.0.1",
      phone2pay: { baseUrl: apiUrl, apiKey: secrets.liveKey ?? "" },
      softphone: {
        webSocketUrl: "ws://127.0.0.1:9/ws",
        accounts: [{ user: "softphone1", password: "not-a-secret-1" }],
        sipAddress: "127.0.0.1:5060",
      },
      asterisk: "real",
      webhookSecret,
      ...options,
    });
    resources.defer(() => shop.close());
    // Its port is known only now.
    await registerShopEndpoint(db, { ...endpoint, url: `${shop.url}/webhooks` });
    return new ShopUnderTest({ db, apiUrl, secrets, shop, webhookSecret: webhookSecret ?? "", resources });
  }

  constructor(parts: {
    db: Db;
    apiUrl: string;
    secrets: DemoSecrets;
    shop: DemoShop;
    webhookSecret: string;
    resources: AsyncDisposableStack;
  }) {
    this.db = parts.db;
    this.apiUrl = parts.apiUrl;
    this.secrets = parts.secrets;
    this.shop = parts.shop;
    this.webhookSecret = parts.webhookSecret;
    this.#resources = parts.resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources[Symbol.asyncDispose]();
  }

  /** Visits a page as a browser would that asks for English. */
  async visit(address: string): Promise<{ readonly status: number; readonly html: string; readonly headers: Headers }> {
    const response = await fetch(`${this.shop.url}${address}`, { headers: { "accept-language": "en" } });
    return { status: response.status, html: await response.text(), headers: response.headers };
  }

  /** Orders, and answers where the shop sends the shopper. */
  async buy(form: Readonly<Record<string, string>>): Promise<{ readonly location: string; readonly id: string }> {
    return this.#send("/buy", form);
  }

  /** Renews a pass from the shop's page, and answers the same. */
  async renew(transaction: string): Promise<{ readonly location: string; readonly id: string }> {
    return this.#send("/renew", { transaction });
  }

  async #send(path: string, form: Readonly<Record<string, string>>) {
    const response = await fetch(`${this.shop.url}${path}`, {
      method: "POST",
      body: new URLSearchParams(form),
      redirect: "manual",
    });
    const location = response.headers.get("location") ?? "";
    return { location, id: location.split("/").at(-1) ?? "" };
  }

  /** Sends webhooks until it is given back. */
  sendWebhooks(): AsyncDisposable {
    const { key } = WEBHOOKS;
    const reach = webhookReach(WEBHOOKS);
    return startWebhookSender({ db: this.db, baseUrl: BASE_URL, key, reach, log: () => {}, lookEveryMs: 50 });
  }

  /** A call is billed all that the transaction needs. */
  async pay(shownId: string): Promise<void> {
    const id = shownId.toLowerCase();
    const transaction = await findTransaction(this.db, id);
    const line = transaction && (await findNumberInService(this.db, transaction.number));
    if (!line) throw new Error("no such transaction, or its number is out of service");
    const { number, tariff } = line;
    const on = { number, tariffId: tariff.id, segments: tariff.segments };
    const leg = await seedAnsweredLeg(this.db, on);
    await seedClaim(this.db, on, { leg, transactionId: id });
    const last = pulseReaching(on.segments, transaction.totalRappen);
    const pulses = pulsesOf(on.segments).slice(0, last?.sequence);
    await bookPulses(this.db, [{ leg: leg.id, epoch: leg.epoch, pulses }]);
  }
}
