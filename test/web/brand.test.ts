import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type BrandChange, readBrandChange } from "../../core/brand.ts";
import type { Order } from "../../core/transaction.ts";
import { changeBrand } from "../../db/brands.ts";
import { findTransaction } from "../../db/transactions.ts";
import { BRAND_FILES } from "../../web/rate-limits.ts";
import { JPEG, LOSSLESS_WEBP, png } from "../support/pictures.ts";
import { type Seeded, seedMerchant } from "../support/seed.ts";
import { STATES, WebApp } from "./web-app.ts";

const COLOUR = "#1d5b9a";
const PROVIDER_LINE = "Disques du Léman Sàrl, CHE-123.456.789 TVA";
const LOGO = png();

let web: WebApp;
let other: Seeded;
beforeAll(async () => {
  web = await WebApp.start();
  other = await seedMerchant(web.db, { number: "0900900905" });
  await brand({ colour: COLOUR, logo: LOGO, providerLine: PROVIDER_LINE });
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

async function brand(change: BrandChange, merchantId = web.seeded.merchantId): Promise<void> {
  const changed = await changeBrand(web.db, merchantId, change);
  if ("faults" in changed) throw new Error(JSON.stringify(changed.faults));
}

const logoIn = (page: string) => /<img class="logo"[^>]* src="([^"]+)"/.exec(page)?.[1] ?? null;
const cssIn = (page: string) => /<link rel="stylesheet" href="(\/brand\/[^"]+)"/.exec(page)?.[1] ?? null;

test.each(STATES)(
  "the pay page of a payment that is %s shows logo, colour and who the merchant is by law",
  async (state) => {
    const { body } = await web.get(`/pay/${await web.inState(state)}`);
    expect(logoIn(body)).toMatch(/^\/brand\/[0-9a-f]{32}\.png$/);
    expect(body).toContain('width="64" height="32" alt="Disques du Léman"');
    expect(body).toContain('<strong class="lead">Disques du Léman</strong>');
    expect(cssIn(body)).toMatch(/^\/brand\/1d5b9a\.css\?[0-9a-f]{12}$/);
    expect(body).toContain(`Marchand: ${PROVIDER_LINE}, Rue de l’Exemple 12, 1006 Lausanne</p>`);
  },
);

test("receipt, cancelling and the choice of an amount show them, too", async () => {
  const donation = { minimumRappen: 50, maximumRappen: 500, suggestionsRappen: [100] };
  const pages = [
    `/pay/${await web.inState("confirmed")}/receipt`,
    `/pay/${await web.inState("interrupted")}/cancel`,
    `/pay/${await web.open({ donation })}/amount`,
  ];
  for (const page of pages) {
    const { body } = await web.get(page);
    expect([page, logoIn(body), cssIn(body)]).toEqual([page, expect.any(String), expect.any(String)]);
  }
  expect((await web.get(pages[0] ?? "")).body).toContain(PROVIDER_LINE);
});

test("a refusal shows the look of the merchant whom it is about", async () => {
  const reference = { reference: "A-1" } satisfies Partial<Order>;
  const replaced = await web.inState("expired", reference);
  await web.open(reference);
  const refused = [
    await web.post(`/pay/${replaced}/resume`),
    await web.post("/resume", `id=${replaced}`),
    await web.post(`/pay/${await web.open()}/confirm`),
    await web.post("/access", `access=${await web.open({ accessDays: 31 })}`),
  ];
  for (const { statusCode, body } of refused)
    expect([statusCode, logoIn(body), cssIn(body)]).toEqual([409, expect.any(String), expect.any(String)]);
});

test("pages that are nobody's, and another merchant's, show nothing of it", async () => {
  const pages = ["/resume", "/access", "/nowhere", `/pay/${await web.open({}, other)}`];
  for (const page of pages) {
    const { body } = await web.get(page);
    expect(body).not.toMatch(/\/brand\/|class="logo"|CHE-123/);
  }
});

test.each([
  ["png", png({ colour: "aa0000" }), "image/png", "0900900910"],
  ["jpg", JPEG, "image/jpeg", "0900900911"],
  ["webp", LOSSLESS_WEBP, "image/webp", "0900900912"],
])(
  "a logo is served as the %s that it is, byte for byte, and kept for good",
  async (extension, bytes, mediaType, number) => {
    const merchant = await seedMerchant(web.db, { number });
    await brand({ logo: bytes }, merchant.merchantId);
    const address = logoIn((await web.get(`/pay/${await web.open({}, merchant)}`)).body) ?? "";
    expect(address).toMatch(new RegExp(`\\.${extension}$`));
    const answer = await web.get(address);
    expect(answer).toMatchObject({
      statusCode: 200,
      headers: {
        "content-type": mediaType,
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "content-security-policy": expect.stringContaining("default-src 'none'"),
        "cross-origin-resource-policy": "same-origin",
      },
    });
    expect(answer.rawPayload).toEqual(bytes);
  },
);

test("a colour is served as custom properties for both schemes, and as nothing else", async () => {
  const answer = await web.get(cssIn((await web.get(`/pay/${await web.open()}`)).body) ?? "");
  expect(answer).toMatchObject({
    statusCode: 200,
    headers: { "content-type": "text/css; charset=utf-8", "cache-control": "public, max-age=31536000, immutable" },
  });
  expect(answer.body.replace(/#[0-9a-f]{6}/g, "#").replace(/\s+/g, " ")).toBe(
    "@media screen { :root { --accent: #; --accent-deep: #; --on-accent: #; --accent-ink: #; --accent-ink-deep: #; --accent-wash: #; } } " +
      "@media screen and (prefers-color-scheme: dark) { :root { --accent: #; --accent-deep: #; --on-accent: #; " +
      "--accent-ink: #; --accent-ink-deep: #; --accent-wash: #; } } ",
  );
  expect(answer.body).toContain(`:root {\n  --accent: ${COLOUR};`);
});

test("what no merchant has, and what no page could use, is not there", async () => {
  const logo = logoIn((await web.get(`/pay/${await web.open()}`)).body) ?? "";
  const wrong = [
    logo.replace(".png", ".jpg"),
    logo.replace(".png", ".svg"),
    logo.replace(/[0-9a-f]{32}/, "0".repeat(32)),
    logo.slice(0, -5),
    "/brand/ffcc00.css",
    "/brand/1D5B9A.css",
    "/brand/1d5b9a.css%0a",
    "/brand/..%2fpay.css",
    "/brand/",
  ];
  for (const address of wrong) {
    const { statusCode, headers } = await web.get(address);
    expect([address, statusCode, headers["cache-control"]]).toEqual([address, 404, "no-store"]);
  }
});

test("text that a merchant brings stays text", async () => {
  const merchant = await seedMerchant(web.db, { number: "0900900908" });
  const hostile = `"><script>alert(1)</script>{{ 7*7 }} mailto:x`;
  await brand({ providerLine: hostile, contact: hostile }, merchant.merchantId);
  const id = await web.open({}, merchant);
  const { body } = await web.get(`/pay/${id}`);
  expect(body.split("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }} mailto:x")).toHaveLength(3);
  expect(body).not.toContain("<script>alert");
  expect(body).not.toContain("49 mailto");
  expect((await findTransaction(web.db, id))?.status).toBe("open");
});

test("who asks for files without end is told to wait", async () => {
  const ask = (url: string) => web.app.inject({ url, remoteAddress: "192.0.2.7" });
  for (let asked = 0; asked < BRAND_FILES.max; asked += 100)
    await Promise.all(Array.from({ length: 100 }, () => ask("/brand/1d5b9a.css")));
  expect((await ask("/brand/1d5b9a.css")).statusCode).toBe(429);
});

test("a line of text has its limits, counted in characters as a person does", () => {
  expect(readBrandChange({ providerLine: "𝄞".repeat(300) })).not.toHaveProperty("faults");
  for (const providerLine of ["", "\u200b", "a\tb", "a\u2028b", "a\ud800", "x".repeat(301)])
    expect(readBrandChange({ providerLine })).toMatchObject({ faults: [{ field: "providerLine" }] });
});
