import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page, Response } from "playwright-core";
import { inBrowser } from "../support/chromium.ts";
import { VisitedWeb } from "./visited-web.ts";
import { STATES, type WebApp } from "./web-app.ts";

/** What a page may weigh with its scripts, styles and icon, even where nothing on the way is compressed. */
const PAGE_BYTES_MAX = 60_000;
const DONATION = { minimumRappen: 50, maximumRappen: 500, suggestionsRappen: [100, 200] };

let site: VisitedWeb;
let web: WebApp;

inBrowser("in a browser", () => {
  beforeAll(async () => {
    site = await VisitedWeb.open();
    ({ web } = site);
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });

  /** Everything that a first visit fetches, as it is and as it went over the wire; the stream is news, not the page. */
  async function weigh(url: string) {
    const answers: Response[] = [];
    const prepare = async (page: Page) => page.on("response", (answer) => answers.push(answer));
    await using visitor = await site.visit(url, { prepare });
    const icon = (await visitor.page.locator("link[rel=icon]").getAttribute("href")) ?? "";
    const files = answers.filter((answer) => !answer.url().includes("/progress"));
    const weights = await Promise.all(files.map(weightOf));
    // Whether a browser without a window wants the icon is its own affair: shoppers' browsers do.
    if (!files.some((answer) => answer.url().includes(icon))) weights.push(await iconWeight(icon));
    const sum = (part: keyof (typeof weights)[number]) => weights.reduce((bytes, weight) => bytes + weight[part], 0);
    const foreign = answers.filter((answer) => !answer.url().startsWith(site.address)).map((answer) => answer.url());
    return { plain: sum("plain"), wire: sum("wire"), files: weights.length, foreign };
  }

  async function weightOf(answer: Response) {
    await answer.finished();
    const { responseBodySize, responseHeadersSize } = await answer.request().sizes();
    return { plain: (await answer.body()).length + responseHeadersSize, wire: responseBodySize + responseHeadersSize };
  }

  async function iconWeight(url: string) {
    const { rawPayload } = await web.get(url);
    return { plain: rawPayload.length, wire: rawPayload.length };
  }

  const pages: Readonly<Record<string, () => Promise<string>>> = {
    ...Object.fromEntries(STATES.map((state) => [state, () => web.inState(state)])),
    "a donation to be chosen": () => web.open({ donation: DONATION }),
    "a test with items": async () => {
      const items = Array.from({ length: 50 }, (_, n) => ({ description: `Titre ${n}`, quantity: 1, amountRappen: 2 }));
      return web.inState("open", { test: true, items });
    },
  };
  test.each(Object.keys(pages))(
    "the page of a payment that is %s weighs less than 60 KB, all from us",
    async (name) => {
      const id = await pages[name]?.();
      for (const language of ["fr", "de"]) {
        const { plain, wire, files, foreign } = await weigh(`/pay/${id}?lang=${language}`);
        expect(foreign).toEqual([]);
        expect(files).toBeGreaterThanOrEqual(4);
        expect(plain).toBeLessThan(PAGE_BYTES_MAX);
        expect(wire).toBeLessThan(plain);
      }
    },
  );

  test("styles and script are packed for who takes it; pages, which hold secrets, and the stream never", async () => {
    const id = await web.open();
    const takes = { "accept-encoding": "br, gzip" };
    const page = await web.get(`/pay/${id}`, takes);
    expect(page.headers).not.toHaveProperty("content-encoding");
    const [style = "", script = ""] = page.body.match(/\/assets\/pay\.(?:css|js)\?[0-9a-f]+/g) ?? [];
    for (const asset of [style, script]) {
      expect((await web.get(asset, takes)).headers).toMatchObject({
        "content-encoding": "br",
        vary: "accept-encoding",
      });
      expect((await web.get(asset)).headers).not.toHaveProperty("content-encoding");
    }
    const stop = new AbortController();
    const stream = await fetch(`${site.address}/pay/${id}/progress`, { headers: takes, signal: stop.signal });
    expect(stream.headers.get("content-encoding")).toBeNull();
    stop.abort();
  });
});
