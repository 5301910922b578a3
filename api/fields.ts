import { z } from "zod";
import { SUGGESTIONS_MAX } from "../core/donation.ts";
import { isReadable, ONE_LINE } from "../core/line-of-text.ts";
import { LANGUAGES } from "../core/messages.ts";
import { AMOUNT_MAX_RAPPEN } from "../core/money.ts";
import { PAGE_ROWS_MAX } from "../db/transactions.ts";

/** Largest body that is read: 50 items and 20 pairs of metadata, all at their limits, are below. */
export const BODY_BYTES_MAX = 64 * 1_024;
export const DESCRIPTION_LENGTH_MAX = 200;
const REFERENCE_LENGTH_MAX = 100;
export const URL_LENGTH_MAX = 2_000;
export const ITEMS_MAX = 50;
const ITEM_QUANTITY_MAX = 10_000;
const ACCESS_DAYS_MAX = 31;
const METADATA_PAIRS_MAX = 20;
const METADATA_KEY_LENGTH_MAX = 40;
const METADATA_VALUE_LENGTH_MAX = 500;
const NUMBER_LENGTH_MAX = 40;
const PAGE_ROWS_DEFAULT = 20;
/** 32 hex digits and four dashes, with room for white space that was copied along. */
export const ID_LENGTH_MAX = 100;

const ANY_LINES = /^(?:[^\p{Cc}\p{Cs}]|[\t\r\n])*$/u;

/** One line that a person reads: it shows something, and holds no control characters. */
export function lineOfText(lengthMax: number) {
  return z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(ONE_LINE, "must be one line of text without control characters")
    .refine(isReadable, "must be text that can be read");
}

export const momentField = z.iso.datetime();
/** Rows of one page of a list, in an address. */
export const pageLimitField = z
  .string()
  .regex(/^[0-9]{1,3}$/, "a number")
  .transform(Number)
  .pipe(z.int().min(1).max(PAGE_ROWS_MAX))
  .default(PAGE_ROWS_DEFAULT);
export const amountField = z.number().int().min(1).max(AMOUNT_MAX_RAPPEN);
export const currencyField = z.literal("CHF");
export const languageField = z.enum(LANGUAGES);
export const numberField = z.string().min(1).max(NUMBER_LENGTH_MAX);
export const urlField = z
  .string()
  .min(1)
  .max(URL_LENGTH_MAX)
  // An address parser would make another address of half a surrogate.
  .refine((text) => text.isWellFormed(), "must be whole characters");
export const accessDaysField = z.number().int().min(0).max(ACCESS_DAYS_MAX);
export const referenceField = lineOfText(REFERENCE_LENGTH_MAX);

export const itemField = z.strictObject({
  description: lineOfText(DESCRIPTION_LENGTH_MAX),
  quantity: z.number().int().min(1).max(ITEM_QUANTITY_MAX),
  amount: z.number().int().min(0).max(AMOUNT_MAX_RAPPEN).describe("What the whole line costs, in rappen."),
});

export const donationField = z.strictObject({
  minimum: amountField,
  maximum: amountField,
  suggestions: z
    .array(amountField)
    .max(SUGGESTIONS_MAX)
    .nullish()
    .describe("Amounts that the page offers, in this order."),
});

/** Longest text that is read as an id or an access code, however it was copied. */
export const accessField = z.string().min(1).max(ID_LENGTH_MAX);

export const metadataField = z
  .record(
    lineOfText(METADATA_KEY_LENGTH_MAX),
    z.string().max(METADATA_VALUE_LENGTH_MAX).regex(ANY_LINES, "must be text without control characters"),
  )
  .refine((pairs) => Object.keys(pairs).length <= METADATA_PAIRS_MAX, `at most ${METADATA_PAIRS_MAX} pairs`);
