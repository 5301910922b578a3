import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CODE_RENEWALS } from "../../web/rate-limits.ts";
import { STATES, WebApp } from "./web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

test("no page has anything inline or from elsewhere, and every page forbids it", async () => {
  const pages = ["/resume", "/access", "/nowhere", "/pay/unknown"];
  const donation = { minimumRappen: 50, maximumRappen: 500, suggestionsRappen: [100] };
  pages.push(`/pay/${await web.open({ donation })}`, `/pay/${await web.inState("paid", { accessDays: 31 })}`);
  for (const state of STATES) {
    const id = await web.inState(state);
    pages.push(`/pay/${id}`, `/pay/${id}/cancel`, `/pay/${id}/receipt`);
  }
  for (const page of pages) {
    const answer = await web.get(page);
    const policy = String(answer.headers["content-security-policy"]);
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'/,
    );
    expect(policy).toContain("frame-ancestors 'none'; base-uri 'none'");
    expect(policy).not.toContain("unsafe");
    expect(answer.headers).toMatchObject({
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(answer.body).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?! type="module" src="\/assets\/)/);
    expect(answer.body).not.toMatch(/(src|<link[^>]* href)="(https?:)?\/\//);
  }
});

test("forms may end at the merchant's addresses, and nowhere else", async () => {
  const id = await web.open({ returnUrl: "https://shop.example:8443/back?x=1", cancelUrl: "http://other.example/no" });
  const { headers } = await web.get(`/pay/${id}`);
  expect(headers["content-security-policy"]).toContain(
    "form-action 'self' https://shop.example:8443 http://other.example;",
  );
  const odd = await web.get(`/pay/${await web.open({ returnUrl: "http://a;sandbox/" })}`);
  expect(odd.headers["content-security-policy"]).toContain("form-action 'self' http:;");
  const access = await web.get("/access");
  expect(access.headers["content-security-policy"]).toContain("form-action 'self' https: http:;");
  expect((await web.get("/resume")).headers["content-security-policy"]).toContain("form-action 'self';");
});

test("nobody may frame a page, unless an origin is named: then that one may, and its forms are refused as ever", async () => {
  const shop = "https://shop.example";
  await using framed = await WebApp.start({ frameAncestors: [shop, "http://127.0.0.1:8081"] });
  const id = await framed.inState("paid");
  for (const page of [`/pay/${id}`, `/pay/${id}/receipt`, "/resume", "/access", "/nowhere"]) {
    const { headers } = await framed.get(page);
    expect(headers["content-security-policy"]).toContain(`; frame-ancestors ${shop} http://127.0.0.1:8081; base-uri`);
    expect(headers).not.toHaveProperty("x-frame-options");
    expect((await web.get(page)).headers).toMatchObject({
      "content-security-policy": expect.stringContaining("; frame-ancestors 'none'; base-uri"),
      "x-frame-options": "DENY",
    });
  }
  for (const foreign of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: shop }])
    expect((await framed.post(`/pay/${id}/confirm`, "", foreign)).statusCode).toBe(403);
  expect((await framed.post(`/pay/${id}/confirm`)).statusCode).toBe(303);
});

test("assets are kept for good under a hash of their content", async () => {
  const { body } = await web.get("/resume");
  for (const [address = ""] of body.matchAll(/\/assets\/(?:pay|icon)\.(?:css|js|svg)\?[0-9a-f]{12}/g)) {
    const asset = await web.get(address);
    expect(asset).toMatchObject({
      statusCode: 200,
      headers: { "cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff" },
    });
  }
  expect((await web.get("/assets/..%2fpages.ts")).statusCode).toBe(404);
});

test.each([
  ["a foreign page", { "sec-fetch-site": "cross-site" }, 403],
  ["a neighbour's page", { "sec-fetch-site": "same-site" }, 403],
  ["an old browser on a foreign page", { origin: "https://evil.example" }, 403],
  ["an old browser on our page", { origin: "http://localhost" }, 303],
  ["our page", { "sec-fetch-site": "same-origin" }, 303],
])("a form sent by %s", async (_who, headers: Record<string, string>, status) => {
  const id = await web.inState("paid");
  const answer = await web.post(`/pay/${id}/confirm`, "", headers);
  expect(answer.statusCode).toBe(status);
  expect((await web.get(`/pay/${id}`)).body).toContain(`data-status="${status === 303 ? "confirmed" : "paid"}"`);
});

test("who asks for too many unknown payments is told to wait, and what a running call costs", async () => {
  const answers = [];
  for (let i = 0; i < 32; i++) answers.push(await web.app.inject({ url: "/pay/x", remoteAddress: "192.0.2.1" }));
  expect(answers.map((answer) => answer.statusCode)).toEqual([...Array(30).fill(404), 429, 429]);
  expect(answers.at(-1)?.body).toContain("Trop de demandes");
  expect(answers.at(-1)?.body).toContain("Si vous êtes au téléphone");
});

test("codes are renewed so often, and no oftener", async () => {
  const id = await web.open();
  const renew = () =>
    web.app.inject({
      method: "POST",
      url: `/pay/${id}/code`,
      remoteAddress: "192.0.2.2",
      headers: { "sec-fetch-site": "same-origin" },
    });
  const statuses = [];
  for (let i = 0; i <= CODE_RENEWALS.max; i++) statuses.push((await renew()).statusCode);
  expect(statuses).toEqual([...Array(CODE_RENEWALS.max).fill(303), 429]);
});

test("a form far larger than any of ours is refused as too large", async () => {
  const id = await web.inState("paid");
  expect((await web.post(`/pay/${id}/confirm`, `x=${"y".repeat(2_000_000)}`)).statusCode).toBe(413);
});
