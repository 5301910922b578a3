import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { findAsterisk } from "../../bin/asterisk.ts";
import { answersHttp } from "../../bin/child-processes.ts";
import type { DemoContract } from "../../bin/demo-contract.ts";
import { describeIf, hasChromium, launchChromium } from "../support/chromium.ts";
import { commandsOf, readGuide, runCommands } from "../support/guide.ts";

const home = path.resolve(import.meta.dirname, "../..");
const directory = path.join(home, ".cache/demo-test");
const START_MS_MAX = 90_000;
/** What a code takes from its last key to the pay page. */
const HEARD_MS_MAX = 8_000;
const CALL_MS_MAX = 60_000;
/** Three payments, one after the other, in real time. */
const GUIDE_MS_MAX = 3 * CALL_MS_MAX;
/** Far from the usual ports, so that a demo and its tests can run side by side. */
const PORTS = {
  PHONE2PAY_HTTP_PORT: "24080",
  PHONE2PAY_DEMO_SHOP_PORT: "24081",
  PHONE2PAY_AGI_PORT: "24573",
  PHONE2PAY_DEMO_AGI_PORT_2: "24574",
  PHONE2PAY_DEMO_SIP_PORT: "24060",
  PHONE2PAY_DEMO_WEBSOCKET_PORT: "24088",
  PHONE2PAY_DEMO_AMI_PORT: "24038",
  PHONE2PAY_DEMO_POSTGRES_PORT: "54399",
  PHONE2PAY_DEMO_RTP_PORT: "25000",
};

const complete = hasChromium && (await findAsterisk()) !== null && !process.env.DATABASE_URL;
if (!complete && process.env.CI && !process.env.DATABASE_URL) throw new Error("Asterisk is missing");

let demo: ChildProcess;
let said = "";
let browser: Browser;

async function startDemo(): Promise<DemoContract> {
  const env = { ...process.env, ...PORTS, PHONE2PAY_DEMO_DIRECTORY: directory };
  demo = spawn(process.execPath, [path.join(home, "bin/start.mjs"), "demo"], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  said = "";
  for (const stream of [demo.stdout, demo.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const deadline = performance.now() + START_MS_MAX;
  while (!said.includes("Phone2Pay is up.")) {
    if (demo.exitCode !== null || performance.now() > deadline) throw new Error(`the demo did not start:\n${said}`);
    await sleep(100);
  }
  return JSON.parse(await readFile(`${directory}.json`, "utf8")) as DemoContract;
}

async function stopDemo(signal: "SIGINT" | "SIGTERM"): Promise<unknown> {
  const ended = once(demo, "exit");
  demo.kill(signal);
  return (await ended)[0];
}

describeIf(complete)("npm run demo", () => {
  beforeAll(async () => {
    await rm(directory, { recursive: true, force: true });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    if (demo.exitCode === null && demo.signalCode === null) await stopDemo("SIGTERM");
    await rm(directory, { recursive: true, force: true });
  });

  test(
    "a shopper pays in the shop by calling from the browser's telephone, and gets the goods once",
    async () => {
      const contract = await startDemo();
      expect(contract).toMatchObject({ asterisk: "real", sip: "127.0.0.1:24060", merchantNumber: "100001" });
      expect((await stat(`${directory}.json`)).mode & 0o777).toBe(0o600);
      expect(said).toContain(`${contract.shopUrl}/side-by-side`);
      const { headers } = await fetch(`${contract.baseUrl}/resume`);
      expect(headers.get("content-security-policy")).toContain(`frame-ancestors ${contract.shopUrl};`);
      const context = await browser.newContext({ locale: "en" });
      const [shop, phone] = [await context.newPage(), await context.newPage()];
      await shop.goto(contract.shopUrl);
      await shop.check("[value=classified]");
      await shop.click("[data-pay]");
      const code = ((await shop.textContent("[data-code]")) ?? "").trim();
      const number = ((await shop.textContent("[data-number]")) ?? "").replace(/\D/g, "");
      expect([code, number]).toEqual([expect.stringMatching(/^\d{4}$/), "0900900906"]);

      await call(phone, `${contract.softphoneUrl}?number=${number}`);
      await keyCode(code, { phone, shop });
      await shop.waitForSelector('[data-status="paid"]', { timeout: CALL_MS_MAX });
      await phone.waitForSelector('[data-phone-state="ended"]', { timeout: CALL_MS_MAX });
      await shop.click("form[action$=confirm] button");
      await shop.waitForSelector('[data-delivered="now"]');
      await shop.reload();
      expect(await shop.getAttribute("section[data-delivered]", "data-delivered")).toBe("before");

      await shop.click("[data-merchant]");
      const told = shop.locator("[data-webhook]", { hasText: "transaction.redeemed" });
      await told.waitFor({ timeout: CALL_MS_MAX });
      expect(await shop.locator("[data-exchange]").first().textContent()).toContain("POST /v1/transactions");
      expect(await shop.textContent("[data-ledger] [data-billed]")).toBe("CHF\u00a03.00");
      await context.close();
    },
    START_MS_MAX + 2 * CALL_MS_MAX,
  );

  test(
    "a newcomer pays test transactions with the guide's commands, all of them, as they stand there",
    async () => {
      const contract = JSON.parse(await readFile(`${directory}.json`, "utf8")) as DemoContract;
      const { baseUrl, apiKey, shopUrl, merchantNumber, login, password } = contract;
      // What a merchant puts in: where the system is, where the shop is, and who they are.
      const commands = commandsOf(await readGuide())
        .replace("=https://pay.example", `=${baseUrl}`)
        .replace("p2p_test_…", apiKey)
        .replace("HOOK=https://shop.example", `HOOK=${shopUrl}`)
        .replace(
          "MERCHANT=100001 LOGIN=… PASSWORD=…",
          `MERCHANT=${merchantNumber} LOGIN=${login} PASSWORD=${password}`,
        );
      const printed = await runCommands(commands);
      expect(printed.match(/"status":"redeemed"/g)).toHaveLength(2);
      expect(printed).toContain("<status>redeemed</status>");
    },
    GUIDE_MS_MAX,
  );

  test("what is killed is up again by itself, and Ctrl-C ends all of it cleanly", async () => {
    const pids = JSON.parse(await readFile(path.join(directory, "pids.json"), "utf8")) as {
      name: string;
      pid: number;
    }[];
    for (const { name, pid } of pids) if (name !== "demo" && name !== "agi-2") process.kill(pid, "SIGKILL");
    while (!said.includes("Asterisk is gone and is started again")) await sleep(100);
    while (!(await answersHttp("http://127.0.0.1:24080/readyz"))) await sleep(100);
    expect(await stopDemo("SIGINT")).toBe(0);
    expect(existsSync(`${directory}.json`)).toBe(false);
    for (const { pid } of pids) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test(
    "a demo that was killed is cleared away by the next start, which keeps its data",
    async () => {
      const first = await startDemo();
      process.kill(first.pid, "SIGKILL");
      await once(demo, "exit");
      const second = await startDemo();
      expect(said).toContain("ended what a killed demo had left: asterisk, http, agi-1, agi-2, jobs");
      expect({ ...second, pid: 0 }).toEqual({ ...first, pid: 0 });
      while (!said.includes("doctor: ")) await sleep(100);
      expect(said).toMatch(/^doctor: \d+ checks, all well$/m);
      expect(await stopDemo("SIGTERM")).toBe(0);
    },
    2 * START_MS_MAX,
  );
});

/**
 * Keys the code as people do: once more, after a star, if nothing comes of it. On a busy machine a key that is pressed at
 * the very moment of the answer can fall before the question.
 */
async function keyCode(code: string, { phone, shop }: { readonly phone: Page; readonly shop: Page }): Promise<void> {
  for (const keys of [code, `*${code}`, `*${code}`]) {
    for (const key of keys) await phone.click(`[data-key="${key}"]`);
    const heard = shop.waitForSelector('[data-status="calling"], [data-status="paid"]', { timeout: HEARD_MS_MAX });
    if (await heard.catch(() => null)) return;
  }
}

/** Calls, and waits until the call is answered. */
async function call(phone: Page, address: string): Promise<void> {
  await phone.goto(address);
  await phone.waitForSelector('[data-phone-state="ready"]', { timeout: CALL_MS_MAX });
  await phone.click("[data-call]");
  await phone.waitForSelector('[data-phone-state="inCall"]', { timeout: CALL_MS_MAX });
}
