import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { findTransaction } from "../../db/transactions.ts";
import { DESKTOP, inBrowser } from "../support/chromium.ts";
import { PlayedWeb } from "./played-web.ts";
import { VisitedWeb } from "./visited-web.ts";

let site: VisitedWeb<PlayedWeb>;
let web: PlayedWeb;

const visit: VisitedWeb["visit"] = (path, options) => site.visit(path, options);

inBrowser("in a browser", () => {
  beforeAll(async () => {
    site = await VisitedWeb.of(PlayedWeb.open());
    ({ web } = site);
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });

  test("without script a click on the panel pays, and the page follows by reloading itself", async () => {
    const id = await web.openTest("bySecond", 24);
    await using visitor = await visit(`/pay/${id}`, { javaScriptEnabled: false });
    const { page } = visitor;
    await page.getByRole("button", { name: "Payer jusqu'au bout" }).click();
    await page.getByText("Appel simulé en cours").waitFor();
    expect(await page.getByRole("button", { name: "Rappeler" }).isDisabled()).toBe(true);
    await page.locator('h1[data-status="paid"]').waitFor();
    await page.getByText("Il n'y a plus rien à simuler pour cette transaction.").waitFor();
  });

  test("the keyboard reaches what can be played, and the open page shows beginning, progress and end of it", async () => {
    const id = await web.openTest("keyedFirst", 24);
    await using visitor = await visit(`/pay/${id}?lang=en`, { viewport: DESKTOP });
    await using second = await visit(`/pay/${id}?lang=en`);
    const { page } = visitor;
    await page.getByRole("button", { name: "Pay in full" }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const follow = async (each: Page) => {
      await each.getByText("Simulated call in progress").waitFor();
      await each.locator('h1[data-status="calling"]').waitFor();
      await each.getByText("Simulated call ended: Hang up half-way").waitFor();
      await each.locator('h1[data-exception="underpaid"]').waitFor();
      expect(await each.getByRole("button", { name: "Call again" }).isEnabled()).toBe(true);
    };
    await Promise.all([follow(page), follow(second.page)]);
    expect((await findTransaction(web.db, id))?.exception).toBe("underpaid");
    expect([...visitor.complaints, ...second.complaints]).toEqual([]);
  });
});
