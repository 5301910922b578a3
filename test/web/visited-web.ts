import type { Browser } from "playwright-core";
import { launchChromium, type VisitOptions, visitPage } from "../support/chromium.ts";
import { openShopSite, type ShopSite } from "./shop-site.ts";
import { WebApp } from "./web-app.ts";

/** The shopper's pages, really served, a merchant's site to come back to, and a browser that visits them. */
export class VisitedWeb<Web extends WebApp = WebApp> implements AsyncDisposable {
  readonly web: Web;
  readonly shop: ShopSite;
  /** Where the pages are, without a slash at the end. */
  readonly address: string;
  readonly #browser: Browser;
  readonly #resources: AsyncDisposableStack;

  static open(): Promise<VisitedWeb> {
    return VisitedWeb.of(WebApp.start());
  }

  static async of<Web extends WebApp>(starting: Promise<Web>): Promise<VisitedWeb<Web>> {
    await using resources = new AsyncDisposableStack();
    const web = resources.use(await starting);
    const shop = resources.use(await openShopSite());
    const browser = await launchChromium();
    resources.defer(() => browser.close());
    const address = await web.app.listen({ port: 0, host: "127.0.0.1" });
    return new VisitedWeb({ web, shop, browser, address, resources: resources.move() });
  }

  private constructor(parts: {
    readonly web: Web;
    readonly shop: ShopSite;
    readonly browser: Browser;
    readonly address: string;
    readonly resources: AsyncDisposableStack;
  }) {
    this.web = parts.web;
    this.shop = parts.shop;
    this.address = parts.address;
    this.#browser = parts.browser;
    this.#resources = parts.resources;
  }

  /** A page of its own context; `path` begins with a slash. */
  visit(path: string, options: VisitOptions = {}) {
    return visitPage(this.#browser, `${this.address}${path}`, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
