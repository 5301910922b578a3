/** Who ended a call: the caller, a server that had finished or refused it, or TIMEOUT(absolute). */
export type EndedBy = "caller" | "server" | "backstop";

export interface CallEnd {
  /** Unix time in ms, as in Asterisk's call detail record; null when the call was never answered. */
  readonly answeredAtMs: number | null;
  /** From answer to hang-up in ms; null when the call was never answered. */
  readonly talkMs: number | null;
  readonly endedBy: EndedBy;
  /** Q.850 cause. */
  readonly cause: number;
}

/** What a caller would notice, in the order of happening. */
export type LineEvent =
  | { readonly kind: "ringing" }
  /** Early media: sound before the answer, for nothing. */
  | { readonly kind: "progress" }
  | { readonly kind: "answered" }
  /** A recording starts; which one, and in which language it was asked for. */
  | { readonly kind: "prompt"; readonly language: string; readonly fragment: string }
  /** The recording has ended or was cut short by a key. */
  | { readonly kind: "silence" }
  | { readonly kind: "music"; readonly playing: boolean }
  | { readonly kind: "keyed"; readonly key: string }
  | ({ readonly kind: "ended" } & CallEnd);
