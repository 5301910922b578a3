import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import type { Language } from "../core/messages.ts";
import { startChromium } from "../test/support/chromium-process.ts";
import { DESKTOP, PHONE } from "../test/support/screens.ts";
import { type PageGroup, type Scene, SHOPPER_PAGES } from "../test/web/shopper-pages.ts";
import { Stage } from "../test/web/stage.ts";
import { loadDice, STILL_AT, startStillDatabase } from "./still-time.ts";

/** Lets text stay sharp, and all pictures together small. */
const WEBP_QUALITY = 40;
const FOLDER = path.join(import.meta.dirname, "screenshots");
const SHOTS: readonly { readonly device: string; readonly language: Language; readonly viewport: typeof PHONE }[] = [
  { device: "phone", language: "fr", viewport: PHONE },
  { device: "desktop", language: "en", viewport: DESKTOP },
];

/**
 * `npm run screenshots`: every state of every page that a shopper meets, as docs/screenshots. Clock and dice stand still,
 * so that a second run changes only the pictures of pages that have changed.
 */
async function main(): Promise<void> {
  await using resources = new AsyncDisposableStack();
  resources.use(await startStillDatabase());
  loadDice("stage");
  const stage = resources.use(await Stage.open());
  const browser = await startChromium();
  resources.defer(() => browser.close());
  await mkdir(FOLDER, { recursive: true });
  const context = await browser.newContext({ locale: "fr-CH", reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.clock.install({ time: STILL_AT });
  await page.clock.pauseAt(STILL_AT);
  const files = new Set(["README.md"]);
  for (const { name, open } of SHOPPER_PAGES.flatMap((group) => group.pages)) {
    loadDice(name);
    const scene = await open(stage);
    for (const shot of SHOTS) {
      loadDice(name);
      const picture = await take(page, new URL(scene.address, stage.origin), { ...shot, scene });
      await writeFile(path.join(FOLDER, fileName(name, shot)), picture);
      files.add(fileName(name, shot));
    }
    console.log(name);
  }
  await writeFile(path.join(FOLDER, "README.md"), readme());
  for (const name of await readdir(FOLDER)) if (!files.has(name)) await rm(path.join(FOLDER, name));
}

/** The whole page, as far down as it goes. */
async function take(
  page: Page,
  address: URL,
  { language, viewport, scene }: Omit<(typeof SHOTS)[number], "device"> & { readonly scene: Scene },
): Promise<Buffer> {
  address.searchParams.set("lang", language);
  await page.setViewportSize(viewport);
  await page.goto(address.href);
  await scene.act?.(page);
  const chromium = await page.context().newCDPSession(page);
  const { cssContentSize } = await chromium.send("Page.getLayoutMetrics");
  const { data } = await chromium.send("Page.captureScreenshot", {
    format: "webp",
    quality: WEBP_QUALITY,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width: cssContentSize.width, height: cssContentSize.height, scale: 1 },
  });
  await chromium.detach();
  return Buffer.from(data, "base64");
}

function fileName(name: string, { device }: { readonly device: string }): string {
  return `${name}-${device}.webp`;
}

function readme(): string {
  return `# Every state of the shopper's pages

Made by \`npm run screenshots\` from the table of pages that the browser tests examine (\`test/web/shopper-pages.ts\`):
each state is a real payment in a real database. Left on a phone (${sizeOf(PHONE)}) in French, right on a desktop
(${sizeOf(DESKTOP)}) in English; German, Italian and the dark are examined by the tests.

${SHOPPER_PAGES.map(section).join("\n")}`;
}

function section({ title, pages }: PageGroup): string {
  const rows = pages.map(({ name, about }) => {
    const [phone = "", desktop = ""] = SHOTS.map((shot) => fileName(name, shot));
    return `| \`${name}\`<br>${about} | ![${about}, on a phone](${phone}) | ![${about}, on a desktop](${desktop}) |`;
  });
  return `## ${title}\n\n| state | phone | desktop |\n|---|---|---|\n${rows.join("\n")}\n`;
}

function sizeOf({ width, height }: typeof PHONE): string {
  return `${width} × ${height}`;
}

await main();
