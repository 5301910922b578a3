import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { shadesOfBrand } from "../core/brand.ts";
import type { Shades } from "../core/brand-shades.ts";
import type { LogoType } from "../core/logo.ts";
import { type Brand, findBrand, findLogo } from "../db/brands.ts";
import type { Db } from "../db/database.ts";
import { findMerchant, type Merchant } from "../db/merchants.ts";
import type { WebOptions } from "./options.ts";
import { BRAND_FILES } from "./rate-limits.ts";

/** A merchant's look on a page: where its colour and its logo are, and the name that stands for the logo. */
export interface BrandView {
  readonly name: string;
  readonly css: string | null;
  readonly logo: { readonly src: string; readonly widthPx: number; readonly heightPx: number } | null;
}

const EXTENSIONS: Readonly<Record<LogoType, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
};
const LOGO_FILE = /^(?<hash>[0-9a-f]{32})\.(?<extension>png|jpg|webp)$/;
const COLOUR_FILE = /^(?<digits>[0-9a-f]{6})\.css$/;
/** Style sheets that are remembered: a merchant's is worked out once, and a crowd of made-up colours takes no memory. */
const STYLES_MAX = 1_000;
const styles = new Map<string, { readonly css: string; readonly address: string } | null>();

/**
 * Logos and colours, each under an address that holds its content or a hash of it, so that browsers keep them for good.
 * They are the page's own files: its strict policy takes them as they are.
 */
export function brandRoutes(app: FastifyInstance, { db }: Pick<WebOptions, "db">): void {
  app.get("/brand/:file", { config: { rateLimit: BRAND_FILES } }, async (request, reply) => {
    const { file } = request.params as { readonly file: string };
    const digits = COLOUR_FILE.exec(file)?.groups?.digits;
    const style = digits ? styleOf(`#${digits}`) : null;
    if (style) return keepForGood(reply).type("text/css; charset=utf-8").send(style.css);
    const { hash, extension } = LOGO_FILE.exec(file)?.groups ?? {};
    const mediaType = (Object.keys(EXTENSIONS) as LogoType[]).find((type) => EXTENSIONS[type] === extension);
    const bytes = hash && mediaType ? await findLogo(db, { hash, mediaType }) : null;
    if (!bytes || !mediaType) return reply.callNotFound();
    return keepForGood(reply).type(mediaType).send(bytes);
  });
}

function keepForGood(reply: FastifyReply): FastifyReply {
  return reply.header("cache-control", "public, max-age=31536000, immutable");
}

/** The look of the merchant whom a payment is for. */
export function brandOf({ merchant, brand }: { readonly merchant: Merchant; readonly brand: Brand }): BrandView {
  const { colour, logo } = brand;
  return {
    name: merchant.name,
    css: (colour && styleOf(colour)?.address) ?? null,
    logo: logo && {
      src: `/brand/${logo.hash}.${EXTENSIONS[logo.mediaType]}`,
      widthPx: logo.widthPx,
      heightPx: logo.heightPx,
    },
  };
}

/** The same, for pages that know no more than whose they are. */
export async function findBrandView(db: Db, merchantId: number): Promise<BrandView> {
  const [merchant, brand] = await Promise.all([findMerchant(db, merchantId), findBrand(db, merchantId)]);
  return brandOf({ merchant, brand });
}

/** The style sheet of a colour, with the hash of its content in its address; null for one that can't be used. */
function styleOf(colour: string) {
  const known = styles.get(colour);
  if (known !== undefined) return known;
  if (styles.size >= STYLES_MAX) styles.clear();
  const shades = shadesOfBrand(colour);
  const css = shades && styleSheet(shades.light, shades.dark);
  const hash = css && createHash("sha256").update(css).digest("hex").slice(0, 12);
  const style = css ? { css, address: `/brand/${colour.slice(1)}.css?${hash}` } : null;
  styles.set(colour, style);
  return style;
}

/** The tokens of `web/public/look.css` that are a merchant's to choose; paper is black on white for everybody. */
function styleSheet(light: Shades, dark: Shades): string {
  return `@media screen {\n:root {\n${tokens(light)}}\n}\n\n@media screen and (prefers-color-scheme: dark) {\n:root {\n${tokens(dark)}}\n}\n`;
}

function tokens(shades: Shades): string {
  return [
    `--accent: ${shades.accent};`,
    `--accent-deep: ${shades.accentDeep};`,
    `--on-accent: ${shades.onAccent};`,
    `--accent-ink: ${shades.accentInk};`,
    `--accent-ink-deep: ${shades.accentInkDeep};`,
    `--accent-wash: ${shades.accentWash};`,
  ]
    .map((line) => `  ${line}\n`)
    .join("");
}
