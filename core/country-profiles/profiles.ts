import { AUSTRIA } from "./at.ts";
import { BELGIUM } from "./be.ts";
import { SWITZERLAND } from "./ch.ts";
import { GERMANY } from "./de.ts";
import { FRANCE } from "./fr.ts";
import { UNITED_KINGDOM } from "./gb.ts";
import type { CountryProfile } from "./profile.ts";

/** Every set there is; those of one country newest first. */
export const COUNTRY_PROFILES: readonly CountryProfile[] = [
  ...SWITZERLAND,
  ...GERMANY,
  ...FRANCE,
  ...UNITED_KINGDOM,
  ...AUSTRIA,
  ...BELGIUM,
];

/** The set of a country that is in force on a day (ISO date); null where none is known. */
export function profileOn(country: string, day: string): CountryProfile | null {
  return (
    COUNTRY_PROFILES.find((set) => set.country === country && (set.validFrom === null || set.validFrom <= day)) ?? null
  );
}
