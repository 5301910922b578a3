import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { constants } from "node:zlib";
import compress from "@fastify/compress";
import fastifyStatic from "@fastify/static";
import fastifyView from "@fastify/view";
import type { FastifyInstance } from "fastify";
import nunjucks from "nunjucks";
import { LANGUAGES, type Language, LOCALES, type MessageKey, message } from "../core/messages.ts";
import type { BrandView } from "./brand.ts";

const VIEWS = path.join(import.meta.dirname, "views");
const PUBLIC = path.join(import.meta.dirname, "public");
const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  fr: "français",
  de: "Deutsch",
  it: "italiano",
  en: "English",
};

/** Addresses of the page's own files, with a hash of their content: they are cached for good and never stale. */
const ASSETS = {
  lookCss: assetAddress("look.css"),
  payCss: assetAddress("pay.css"),
  printCss: assetAddress("print.css"),
  testCss: assetAddress("test-mode.css"),
  js: assetAddress("pay.js"),
  icon: assetAddress("icon.svg"),
};

/** Of 11: packed for each visitor anew, a style sheet must not take longer to pack than to send. */
const BROTLI_QUALITY = 4;

export async function registerTemplates(app: FastifyInstance, baseUrl: string): Promise<void> {
  await app.register(fastifyView, {
    engine: { nunjucks },
    templates: VIEWS,
    options: {
      autoescape: true,
      throwOnUndefined: true,
      trimBlocks: true,
      lstripBlocks: true,
      // On paper a link is its address.
      onConfigure: (environment: nunjucks.Environment) => environment.addGlobal("home", baseUrl),
    },
  });
  await app.register(serveAssets);
}

/**
 * Only these files are compressed. Pages hold codes and ids, and what is secret must not be packed together with what
 * somebody else can choose (BREACH); they are small, and change with each payment. A stream must not wait in a packer.
 */
async function serveAssets(app: FastifyInstance): Promise<void> {
  const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } };
  await app.register(compress, { encodings: ["br", "gzip"], brotliOptions, globalDecompression: false });
  await app.register(fastifyStatic, {
    root: PUBLIC,
    prefix: "/assets/",
    index: false,
    decorateReply: false,
    immutable: true,
    maxAge: "365d",
  });
}

/** What every template gets besides its own content: language, texts, title, assets, and the merchant's look where one is known. */
export function frame(language: Language, title: string, brand: BrandView | null = null) {
  return {
    language,
    locale: LOCALES[language],
    languages: LANGUAGES.map((code) => ({
      code,
      current: code === language,
      label: `${code}, ${LANGUAGE_NAMES[code]}`,
    })),
    title,
    assets: ASSETS,
    brand,
    t: (key: MessageKey, values?: Readonly<Record<string, string | number>>) => message(language, key, values),
  };
}

function assetAddress(name: string): string {
  const content = readFileSync(path.join(PUBLIC, name));
  return `/assets/${name}?${createHash("sha256").update(content).digest("hex").slice(0, 12)}`;
}
