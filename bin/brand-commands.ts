import { createReadStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { type BrandChange, type BrandFault, type BrandField, shadesOfBrand } from "../core/brand.ts";
import { readConfig } from "../core/config.ts";
import { LOGO_BYTES_MAX } from "../core/logo.ts";
import { type Brand, changeBrand, findBrand } from "../db/brands.ts";
import { type Db, openDatabase } from "../db/database.ts";
import { findMerchant, findMerchantId } from "../db/merchants.ts";

/** The options, by what they set. */
const FLAGS = {
  logo: "--logo",
  colour: "--color",
  providerLine: "--provider-line",
  contact: "--contact",
} as const satisfies Readonly<Record<BrandField, string>>;
const CLEARABLE = { logo: "logo", color: "colour", "provider-line": "providerLine" } as const;
type Clearable = keyof typeof CLEARABLE;

interface BrandOptions {
  readonly logo?: string;
  readonly color?: string;
  readonly providerLine?: string;
  readonly contact?: string;
  readonly clear?: readonly Clearable[];
  readonly json?: true;
}

/** `phone2pay merchant brand`: how a merchant appears on the shopper's pages. */
export function addBrandCommands(program: Command): void {
  program
    .command("merchant")
    .description("what the operator sets for a merchant")
    .command("brand")
    .description("how a merchant appears on the shopper's pages; without options, how it does now")
    .argument("<merchantNumber>", "six digits")
    .option(`${FLAGS.logo} <file>`, "PNG, WebP or JPEG; 100 KB and 1200 × 1200 pixels at most; made for white paper")
    .option(
      `${FLAGS.colour} <#rrggbb>`,
      "of buttons and links; one that can't be read is refused, with the nearest that can",
    )
    .option(`${FLAGS.providerLine} <text>`, "who the merchant is by law, besides the address: company, UID")
    .option(`${FLAGS.contact} <text>`, "whom shoppers ask: an e-mail address or a telephone number")
    .addOption(new Option("--clear <parts...>", "take away again").choices(Object.keys(CLEARABLE)))
    .option("--json", "for programs")
    .action(async (merchantNumber: string, options: BrandOptions) => {
      await using database = openDatabase(readConfig(process.env).databaseUrl);
      await setBrand(database.db, merchantNumber, options);
    });
}

async function setBrand(db: Db, merchantNumber: string, options: BrandOptions): Promise<void> {
  const merchantId = await findMerchantId(db, merchantNumber);
  if (merchantId === null) throw new Error(`no merchant has the number ${merchantNumber}`);
  const change = await readChange(options);
  const isChange = Object.keys(change).length > 0;
  const brand = isChange ? await changeBrand(db, merchantId, change) : await findBrand(db, merchantId);
  if ("faults" in brand) return refuse(brand.faults, options);
  const { name, contact } = await findMerchant(db, merchantId);
  const merchant = { merchantNumber, name, contact, ...brand };
  if (options.json) console.log(JSON.stringify({ ...merchant, shades: shadesOf(brand) }, null, 2));
  else for (const line of describe(merchant)) console.log(line);
}

async function readChange({ logo, color, providerLine, contact, clear = [] }: BrandOptions): Promise<BrandChange> {
  const change = {
    ...(logo === undefined ? {} : { logo: await readStart(logo) }),
    ...(color === undefined ? {} : { colour: color }),
    ...(providerLine === undefined ? {} : { providerLine }),
    ...(contact === undefined ? {} : { contact }),
  };
  const cleared = clear.map((part) => CLEARABLE[part]);
  const both = cleared.find((field) => field in change);
  if (both) throw new Error(`${FLAGS[both]} and its --clear can't both be meant`);
  return { ...change, ...Object.fromEntries(cleared.map((field) => [field, null])) };
}

/** Of a file that is too large no more than shows it. */
async function readStart(file: string): Promise<Buffer> {
  return buffer(createReadStream(file, { end: LOGO_BYTES_MAX }));
}

/** Nothing was changed: each fault is told, by the option that has it. */
function refuse(faults: readonly BrandFault[], { json }: BrandOptions): void {
  if (!json) throw new Error(faults.map(({ field, message }) => `${FLAGS[field]}: ${message}`).join("\n"));
  console.log(JSON.stringify({ faults: faults.map((fault) => ({ ...fault, option: FLAGS[fault.field] })) }, null, 2));
  process.exitCode = 1;
}

function shadesOf({ colour }: Brand) {
  return colour && shadesOfBrand(colour);
}

function describe(
  merchant: Brand & { readonly merchantNumber: string; readonly name: string; readonly contact: string },
) {
  const { colour, logo, providerLine } = merchant;
  const shades = shadesOf(merchant);
  const inDark = shades ? `, on dark pages ${shades.dark.accent}` : "";
  return [
    `merchant       ${merchant.merchantNumber}  ${merchant.name}`,
    `logo           ${logo ? `${logo.mediaType}, ${logo.widthPx} × ${logo.heightPx}` : "none"}`,
    `color          ${colour ? `${colour}${inDark}` : "none"}`,
    `provider line  ${providerLine ?? "none"}`,
    `contact        ${merchant.contact}`,
  ];
}
