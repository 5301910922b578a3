import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findBrand } from "../db/brands.ts";
import type { OpenDatabase } from "../db/database.ts";
import { addMerchant } from "../db/merchants.ts";
import { cloneDatabase } from "./support/database.ts";
import { phone2pay } from "./support/operator-command.ts";
import { png } from "./support/pictures.ts";

let database: OpenDatabase;
let directory: string;
let merchantId: number;
beforeAll(async () => {
  database = await cloneDatabase();
  directory = await mkdtemp(path.join(tmpdir(), "brand-"));
  const merchant = { merchantNumber: "300001", name: "Fromages SA", address: "Gruyères", contact: "x@y.example" };
  merchantId = await addMerchant(database.db, merchant);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await database[Symbol.asyncDispose]();
});

const brand = (...args: string[]) => phone2pay(database.url, "merchant", "brand", ...args);

async function fileOf(name: string, content: Buffer | string): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, content);
  return file;
}

test("an operator sets a brand, sees it, and takes parts of it away; a logo is told by its content, not its name", async () => {
  const logo = await fileOf("logo.svg", png());
  const line = "Fromages SA, 1663 Gruyères, CHE-123.456.789";
  const set = await brand(
    "300001",
    "--logo",
    logo,
    "--color",
    "#0000FF",
    "--provider-line",
    line,
    "--contact",
    "a@b.example",
  );
  expect(set).toMatch(/^logo +image\/png, 64 × 32$/m);
  expect(set).toMatch(/^color +#0000ff, on dark pages #4a4aff$/m);
  expect(JSON.parse(await brand("300001", "--json"))).toMatchObject({
    merchantNumber: "300001",
    contact: "a@b.example",
    colour: "#0000ff",
    providerLine: line,
    logo: { mediaType: "image/png", widthPx: 64, heightPx: 32 },
    shades: { light: { accent: "#0000ff", onAccent: "#ffffff" }, dark: { accent: "#4a4aff" } },
  });
  await brand("300001", "--clear", "logo", "provider-line");
  expect(await findBrand(database.db, merchantId)).toEqual({ colour: "#0000ff", providerLine: null, logo: null });
}, 60_000);

test("what can't be used is refused in words, all of it at once, and changes nothing", async () => {
  const before = await findBrand(database.db, merchantId);
  const svg = await fileOf("logo.png", "<svg xmlns='http://www.w3.org/2000/svg'/>");
  const wrong = ["300001", "--logo", svg, "--color", "#ffcc00"];
  await expect(brand(...wrong)).rejects.toThrow(/--color: .*nearest.*#ac8a00\n--logo: SVG isn't taken/);
  await expect(brand(...wrong, "--json")).rejects.toMatchObject({
    stdout: expect.stringMatching(/"nearest": "#ac8a00".*"option": "--color"/s),
  });
  const large = await fileOf("large.png", Buffer.concat([png(), Buffer.alloc(5_000_000)]));
  await expect(brand("300001", "--logo", large)).rejects.toThrow(/100 KB at most/);
  await expect(brand("300001", "--logo", path.join(directory, "none"))).rejects.toThrow(/ENOENT/);
  await expect(brand("300001", "--color", "#000000", "--clear", "color")).rejects.toThrow(/can't both be meant/);
  await expect(brand("300001", "--clear", "contact")).rejects.toThrow(/Allowed choices/);
  await expect(brand("999999")).rejects.toThrow(/no merchant has the number 999999/);
  expect(await findBrand(database.db, merchantId)).toEqual(before);
}, 60_000);
