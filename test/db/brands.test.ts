import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import fc from "fast-check";
import { sql } from "kysely";
import { type Colour, luminance, WHITE } from "../../core/colour.ts";
import { changeBrand, findBrand, findLogo } from "../../db/brands.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { addMerchant, findMerchant } from "../../db/merchants.ts";
import { cloneDatabase } from "../support/database.ts";
import { JPEG, png, WEBP } from "../support/pictures.ts";

const NOTHING = { colour: null, providerLine: null, logo: null };

let database: OpenDatabase;
let merchantId: number;
let merchants = 200_000;

beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  merchantId = await newMerchant();
});

function newMerchant(): Promise<number> {
  const merchantNumber = String(++merchants);
  return addMerchant(database.db, { merchantNumber, name: "Fromages SA", address: "Gruyères", contact: "x@y.example" });
}

test("each part is set, replaced and taken away by itself", async () => {
  const { db } = database;
  expect(await findBrand(db, merchantId)).toEqual(NOTHING);
  const colour = { colour: "#1D5B9A" };
  expect(await changeBrand(db, merchantId, colour)).toEqual({ ...NOTHING, colour: "#1d5b9a" });
  const logo = { hash: expect.stringMatching(/^[0-9a-f]{32}$/), mediaType: "image/png", widthPx: 64, heightPx: 32 };
  const providerLine = "Fromages SA, Rue du Bourg 1, 1663 Gruyères, CHE-123.456.789 TVA";
  await changeBrand(db, merchantId, { logo: png(), providerLine: ` ${providerLine} `, contact: "026 921 00 00" });
  expect(await findBrand(db, merchantId)).toEqual({ colour: "#1d5b9a", providerLine, logo });
  expect(await findMerchant(db, merchantId)).toMatchObject({ contact: "026 921 00 00" });
  await changeBrand(db, merchantId, { logo: WEBP, providerLine: null });
  expect(await findBrand(db, merchantId)).toMatchObject({ providerLine: null, logo: { mediaType: "image/webp" } });
  await changeBrand(db, merchantId, { colour: null, logo: null });
  expect(await findBrand(db, merchantId)).toEqual(NOTHING);
});

test("a logo is found by its content's hash and type as long as a merchant has it, byte for byte", async () => {
  const { db } = database;
  const [bytes, other] = [png({ colour: "ffcc00" }), await newMerchant()];
  const set = await changeBrand(db, merchantId, { logo: bytes });
  const hash = ("logo" in set && set.logo?.hash) || "";
  await changeBrand(db, other, { logo: bytes });
  expect(await findLogo(db, { hash, mediaType: "image/png" })).toEqual(bytes);
  expect(await findLogo(db, { hash, mediaType: "image/jpeg" })).toBeNull();
  expect(await findLogo(db, { hash: "0".repeat(32), mediaType: "image/png" })).toBeNull();
  await changeBrand(db, merchantId, { logo: JPEG });
  expect(await findLogo(db, { hash, mediaType: "image/png" })).toEqual(bytes);
  await changeBrand(db, other, { logo: null });
  expect(await findLogo(db, { hash, mediaType: "image/png" })).toBeNull();
});

test("all that is wrong is told at once, and then nothing is changed", async () => {
  const { db } = database;
  const wrong = { colour: "#ffcc00", logo: Buffer.from("<svg/>"), providerLine: "a\u202eb", contact: " " };
  const refused = await changeBrand(db, merchantId, wrong);
  expect(refused).toMatchObject({
    faults: [
      { field: "colour", nearest: "#ac8a00", message: expect.stringContaining("too pale") },
      { field: "logo", message: expect.stringContaining("SVG") },
      { field: "providerLine", message: expect.stringContaining("control characters") },
      { field: "contact", message: expect.stringContaining("3 to 200 characters") },
    ],
  });
  expect(await changeBrand(db, merchantId, { colour: "#000000", providerLine: "x".repeat(301) })).toMatchObject({
    faults: [{ field: "providerLine" }],
  });
  expect(await findBrand(db, merchantId)).toEqual(NOTHING);
  expect(await findMerchant(db, merchantId)).toMatchObject({ contact: "x@y.example" });
});

const hex = (bytes: Buffer) => `decode('${bytes.toString("hex")}', 'hex')`;
const logo = (bytes: string, type = "image/png", width = 64, height = 32) =>
  `(merchant_id, logo, logo_type, logo_width, logo_height) values (M, ${bytes}, '${type}', ${width}, ${height})`;

test.each([
  ["a word for a colour", "(merchant_id, colour) values (M, 'red')", "colour_is_one"],
  ["a colour with more behind it", "(merchant_id, colour) values (M, '#000000;')", "colour_is_one"],
  ["a pale colour", "(merchant_id, colour) values (M, '#ffcc00')", "colour_stands_off_white"],
  ["an empty line", "(merchant_id, provider_line) values (M, '')", "provider_line_check"],
  ["two lines for one", "(merchant_id, provider_line) values (M, E'a\\nb')", "provider_line_check"],
  ["a long line", "(merchant_id, provider_line) values (M, repeat('a', 301))", "provider_line_check"],
  ["a logo without its size", `(merchant_id, logo) values (M, ${hex(png())})`, "logo_is_whole"],
  ["a size without its logo", "(merchant_id, logo_width, logo_height) values (M, 64, 32)", "logo_is_whole"],
  ["an SVG that is called a PNG", logo(hex(Buffer.from("<svg/>"))), "logo_is_what_it_is_called"],
  ["a JPEG that is called a PNG", logo(hex(JPEG)), "logo_is_what_it_is_called"],
  ["an SVG that is called so", logo(hex(Buffer.from("<svg/>")), "image/svg+xml"), "logo_type_check"],
  ["a huge logo", logo(`${hex(png())} || decode(repeat('00', 102400), 'hex')`), "logo_check"],
  ["a wide logo", logo(hex(png()), "image/png", 1_201, 1_200), "logo_width_check"],
  ["a streak", logo(hex(png()), "image/png", 1_000, 100), "logo_has_a_shape"],
])("the database itself refuses %s", async (_what, values, constraint) => {
  const insert = `insert into merchant_brands ${values.replace("M,", `${merchantId},`)}`;
  await expect(sql.raw(insert).execute(database.db)).rejects.toMatchObject({
    constraint: expect.stringMatching(new RegExp(`${constraint}$`)),
  });
});

test("the database reckons luminance as core does", async () => {
  const colours = fc.sample(fc.nat(0xff_ff_ff), 200).map((value): Colour => `#${value.toString(16).padStart(6, "0")}`);
  for (const colour of [...colours, "#000000", WHITE, "#0a0a0b"] as const) {
    const { rows } = await sql<{ readonly said: number }>`select luminance(${colour}) as said`.execute(database.db);
    expect(rows[0]?.said).toBeCloseTo(luminance(colour), 12);
  }
});
