import { z } from "zod";
import type { Language } from "../core/messages.ts";
import { e164, formatSmartNumber, priceText } from "../core/smart-number.ts";
import type { Segment } from "../core/tariff.ts";

/** A Smart Number as a merchant's page shows it: the price stands wherever the number does (PBV art. 13a). */
export const numberSchema = z
  .object({
    national: z.string(),
    e164: z.string(),
    tel: z.string().describe("For the href of a link; never dial it by yourself."),
    priceText: z.string().describe("Has to stand beside the number, in type at least as large."),
  })
  .meta({
    id: "SmartNumber",
    examples: [{ national: "0900 900 904", e164: "+41900900904", tel: "tel:+41900900904", priceText: "CHF 1.20/min" }],
  });
export type NumberView = z.infer<typeof numberSchema>;

/** What is shown of a number with this tariff. Spaces are plain ones, so that programs can compare the text. */
export function numberView(number: string, segments: readonly Segment[], language: Language): NumberView {
  return {
    national: formatSmartNumber(number),
    e164: e164(number),
    tel: `tel:${e164(number)}`,
    priceText: priceText(segments, language).replaceAll("\u00a0", " "),
  };
}
