import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { ACCESS_CODE_GUESSES } from "../core/guess-budget.ts";
import * as limits from "../web/rate-limits.ts";
import { SHOPPER_PAGES } from "./web/shopper-pages.ts";

const root = path.resolve(import.meta.dirname, "..");
const PICTURES_BYTES_MAX = 4_000_000;

test("every step that docs/architecture.md names is a function that stands in the file it names", async () => {
  const page = await readFile(path.join(root, "docs/architecture.md"), "utf8");
  const steps = [...page.matchAll(/^\|[^|]+\| `(\w+)` \| `([\w./-]+)` \|$/gm)].map(([, name = "", file = ""]) => ({
    name,
    file,
  }));
  expect(steps.length).toBeGreaterThan(20);
  for (const { name, file } of steps) {
    const source = await readFile(path.join(root, file), "utf8");
    const defined = new RegExp(`(function\\*? ${name}\\b|const ${name}\\b|^\\s+(async )?${name}\\()`, "m");
    expect(`${file}: ${defined.test(source) ? name : `no ${name}`}`).toBe(`${file}: ${name}`);
  }
});

test("the README shows the two commands, and every page it links to is there", async () => {
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  expect(readme).toContain("npm run demo");
  expect(readme).toContain("npm test");
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);
  await Promise.all(links.map((link) => readFile(path.join(root, link))));
});

test("every state of the shopper's pages is pictured on a phone and a desktop, in few bytes, and nothing else is", async () => {
  const folder = path.join(root, "docs/screenshots");
  const names = SHOPPER_PAGES.flatMap((group) => group.pages.map((page) => page.name));
  const pictures = names.flatMap((name) => [`${name}-phone.webp`, `${name}-desktop.webp`]);
  expect((await readdir(folder)).toSorted()).toEqual([...pictures, "README.md"].toSorted());
  const sizes = await Promise.all(pictures.map(async (name) => (await stat(path.join(folder, name))).size));
  expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(PICTURES_BYTES_MAX);
  const page = await readFile(path.join(folder, "README.md"), "utf8");
  expect(pictures.filter((name) => !page.includes(`(${name})`))).toEqual([]);
});

test.each([
  ["pages (`GET`)", limits.PAGE_VIEWS],
  ["`POST /resume`, `POST /access`, `POST /access/renew`", limits.ENTRIES],
  ["unknown ids at `/pay/…`, `/resume`", limits.UNKNOWN_IDS],
  ["wrong access codes of an address", limits.WRONG_ACCESS_CODES],
  ["… of a network (IPv4: /24, IPv6: /48)", limits.WRONG_ACCESS_CODES_OF_NETWORK],
  ["new codes (`POST /pay/…/code`)", limits.CODE_RENEWALS],
  ["plays of test mode", limits.PLAY_TRIES],
  ["confirm, cancel, resume, choose an amount", limits.DECISIONS],
  ["progress streams opened", limits.PROGRESS_OPENINGS],
  ["logos and colours", limits.BRAND_FILES],
  ["receipts as PDF", limits.RECEIPT_FILES],
])("operators are told the limit of %s", async (what, { max, timeWindow }) => {
  expect(timeWindow).toBe(60_000);
  const page = await readFile(path.join(root, "docs/operating.md"), "utf8");
  expect(page).toContain(`| ${what} | ${max.toLocaleString("en")} |`);
});

test("operators are told how many wrong access codes a crowd has", async () => {
  const { atOnceMax, perMinute } = ACCESS_CODE_GUESSES;
  const page = await readFile(path.join(root, "docs/operating.md"), "utf8");
  expect(page).toContain(
    `| … of everybody | ${atOnceMax.toLocaleString("en")} at once, ${perMinute} more each minute |`,
  );
});
