import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DAY_MS } from "../../core/time.ts";
import type { Order } from "../../core/transaction.ts";
import { findTransaction } from "../../db/transactions.ts";
import { inBrowser } from "../support/chromium.ts";
import { shiftBack } from "../support/time-travel.ts";
import { VisitedWeb } from "./visited-web.ts";
import type { WebApp } from "./web-app.ts";

const DONATION = { minimumRappen: 50, maximumRappen: 5_000, suggestionsRappen: [100, 500, 1_000, 2_000] };

let site: VisitedWeb;
let web: WebApp;

const visit: VisitedWeb["visit"] = (path, options) => site.visit(path, options);

async function paidPass(changes: Partial<Order> = {}) {
  const id = await web.inState("confirmed", { accessDays: 31, ...changes });
  const pass = await findTransaction(web.db, id);
  return { id, code: pass?.accessCode ?? "" };
}

inBrowser("in a browser", () => {
  beforeAll(async () => {
    site = await VisitedWeb.open();
    ({ web } = site);
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });

  test.each([true, false])("a donation is chosen, changed and paid; with script: %p", async (javaScriptEnabled) => {
    const id = await web.open({ donation: DONATION, returnUrl: `${site.shop.address}/thanks` });
    await using visitor = await visit(`/pay/${id}`, { javaScriptEnabled });
    const { page } = visitor;
    await page.getByLabel("Autre montant (CHF)").fill("0.10");
    await page.getByRole("button", { name: "Continuer" }).click();
    await page.getByText("Le montant minimal est de CHF\u00a00.50.").waitFor();
    await page.getByRole("button", { name: "CHF 5.00" }).click();
    await page.locator("[data-code]").waitFor();
    await page.getByRole("link", { name: "Modifier le montant" }).click();
    await page.getByLabel("Autre montant (CHF)").fill("1");
    await page.getByRole("button", { name: "Continuer" }).click();
    await page.locator("[data-code]").waitFor();
    const call = await web.call(id);
    await call.pulses(1, 10);
    await page.locator('h1[data-status="paid"]').waitFor({ timeout: 10_000 });
    await page.getByText("Merci de votre don.").waitFor();
    expect(visitor.complaints.filter((line) => !line.includes("422"))).toEqual([]);
  });

  test("an amount chosen on one page shows on the other", async () => {
    const id = await web.open({ donation: DONATION });
    await web.post(`/pay/${id}/amount`, "amount=1.00");
    await using visitor = await visit(`/pay/${id}`);
    await visitor.page.getByText("CHF\u00a01.00", { exact: true }).first().waitFor();
    await web.post(`/pay/${id}/amount`, "amount=7.00");
    await visitor.page.locator(".sum strong", { hasText: "CHF\u00a07.00" }).waitFor();
  });

  test("a code opens its pass at the merchant's, who is told the id and nothing of where it came from", async () => {
    const { id, code } = await paidPass({ returnUrl: `${site.shop.address}/in` });
    await using visitor = await visit("/access");
    const { page } = visitor;
    await page.getByRole("textbox").fill("1234 5678");
    await page.getByRole("button", { name: "Accéder" }).click();
    await page.getByText("Aucun accès ne correspond à cette saisie.").waitFor();
    await page.getByRole("textbox").fill(code.replace(/(.{4})/g, "$1 "));
    await page.getByRole("button", { name: "Accéder" }).click();
    await page.waitForURL(`${site.shop.address}/in?transaction=${id}`);
    expect(site.shop.visits.at(-1)).toEqual({ url: `/in?transaction=${id}`, referer: undefined });
    expect(visitor.complaints.filter((line) => !line.includes("404"))).toEqual([]);
  });

  test("a pass near its end is renewed from the access page, by a call", async () => {
    const { id, code } = await paidPass({ returnUrl: `${site.shop.address}/in` });
    await shiftBack(web.db, 26 * DAY_MS);
    await using visitor = await visit("/access", { javaScriptEnabled: false });
    const { page } = visitor;
    await page.getByRole("textbox").fill(code);
    await page.getByRole("button", { name: "Accéder" }).click();
    await page.getByRole("button", { name: "Renouveler l'accès" }).click();
    await page.waitForURL(`${site.address}/pay/*`);
    const renewalId = page.url().split("/").at(-1) ?? "";
    expect(await findTransaction(web.db, renewalId)).toMatchObject({ renews: id });
    await (await web.call(renewalId)).pulses(1, 10);
    await page.locator('h1[data-status="paid"]').waitFor({ timeout: 10_000 });
    await page.locator("[data-access-code]").waitFor();
  });
});
