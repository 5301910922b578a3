import { sql } from "kysely";
import { type BrandChange, type BrandFault, readBrandChange } from "../core/brand.ts";
import type { Colour } from "../core/colour.ts";
import type { LogoType } from "../core/logo.ts";
import type { Db } from "./database.ts";

/** How a merchant appears besides name and contact; each part may be missing. */
export interface Brand {
  readonly colour: Colour | null;
  readonly providerLine: string | null;
  readonly logo: BrandLogo | null;
}

export interface BrandLogo {
  /** Of the content: another picture has another one. */
  readonly hash: string;
  readonly mediaType: LogoType;
  readonly widthPx: number;
  readonly heightPx: number;
}

export async function findBrand(db: Db, merchantId: number): Promise<Brand> {
  const row = await db
    .selectFrom("merchant_brands")
    .select(["colour", "provider_line", "logo_hash", "logo_type", "logo_width", "logo_height"])
    .where("merchant_id", "=", merchantId)
    .executeTakeFirst();
  if (!row) return { colour: null, providerLine: null, logo: null };
  const { logo_hash: hash, logo_type: mediaType, logo_width: widthPx, logo_height: heightPx } = row;
  const logo = hash && mediaType && widthPx && heightPx ? { hash, mediaType, widthPx, heightPx } : null;
  return { colour: row.colour, providerLine: row.provider_line, logo };
}

/** The bytes of a logo that some merchant has; null: none has it any more, or it is of another type. */
export async function findLogo(
  db: Db,
  { hash, mediaType }: { readonly hash: string; readonly mediaType: LogoType },
): Promise<Buffer | null> {
  const row = await db
    .selectFrom("merchant_brands")
    .select("logo")
    .where("logo_hash", "=", hash)
    .where("logo_type", "=", mediaType)
    .limit(1)
    .executeTakeFirst();
  return row?.logo ?? null;
}

/**
 * Changes how a merchant appears, all of it or, with any fault, nothing. What is undefined stays; null takes away. The one
 * way for the operator's command and for whoever else sets a brand.
 */
export async function changeBrand(
  db: Db,
  merchantId: number,
  change: BrandChange,
): Promise<Brand | { readonly faults: readonly BrandFault[] }> {
  const fit = readBrandChange(change);
  if ("faults" in fit) return fit;
  const { colour, logo, providerLine, contact } = fit;
  const values = {
    ...(colour === undefined ? {} : { colour }),
    ...(providerLine === undefined ? {} : { provider_line: providerLine }),
    ...(logo === undefined
      ? {}
      : {
          logo: logo && Buffer.from(logo.bytes),
          logo_type: logo?.mediaType ?? null,
          logo_width: logo?.widthPx ?? null,
          logo_height: logo?.heightPx ?? null,
        }),
  };
  return db.transaction().execute(async (trx) => {
    if (contact !== undefined)
      await trx.updateTable("merchants").set({ contact }).where("id", "=", merchantId).execute();
    await trx
      .insertInto("merchant_brands")
      .values({ merchant_id: merchantId, ...values })
      .onConflict((conflict) => conflict.column("merchant_id").doUpdateSet({ ...values, changed_at: sql`now()` }))
      .execute();
    return findBrand(trx, merchantId);
  });
}
