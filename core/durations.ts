import { type Language, LOCALES, message } from "./messages.ts";

/** «8 min 10 s», «3 min», «45 s»: short, for beside a price or a countdown. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  if (minutes === 0) return `${rest}\u00a0s`;
  return rest === 0 ? `${minutes}\u00a0min` : `${minutes}\u00a0min ${rest}\u00a0s`;
}

/** «4:40»: a live figure. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** «4 minutes 40 secondes»: in words, for screen readers. */
export function spellDuration(language: Language, seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  const words = [];
  if (minutes > 0) words.push(message(language, "unit.minutes", { n: minutes }));
  if (rest > 0 || minutes === 0) words.push(message(language, "unit.seconds", { n: rest }));
  return words.join(" ");
}

/** Date, or date and time, in Swiss time and the reader's language. */
export function formatDate(language: Language, date: Date, withTime = false): string {
  const style = withTime ? ({ dateStyle: "long", timeStyle: "short" } as const) : ({ dateStyle: "long" } as const);
  const text = new Intl.DateTimeFormat(LOCALES[language], { ...style, timeZone: "Europe/Zurich" }).format(date);
  return language === "fr" ? text.replace(/^1(?=\s)/, "1er") : text; // the first of a month is an ordinal in French
}
