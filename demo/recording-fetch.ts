import type { Phone2PayOptions } from "../sdk/typescript/phone2pay.ts";

/** What the shop asked, and what it was answered. Headers aren't here, and so the API key isn't. */
export interface Exchange {
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  readonly request: string | null;
  /** Null when there was no answer. */
  readonly status: number | null;
  readonly durationMs: number;
  readonly answer: string;
}

/** A `fetch` for the kit that tells every exchange once it is over, however it ended. */
export function recordingFetch(tell: (exchange: Exchange) => void): NonNullable<Phone2PayOptions["fetch"]> {
  return async (address, request) => {
    const startedMs = performance.now();
    const over = (status: number | null, answer: string) =>
      tell({
        at: new Date(Date.now() - (performance.now() - startedMs)),
        method: request.method ?? "GET",
        path: new URL(address).pathname,
        request: typeof request.body === "string" ? request.body : null,
        status,
        durationMs: Math.round(performance.now() - startedMs),
        answer,
      });
    try {
      const response = await fetch(address, request);
      const answer = await response.text();
      over(response.status, answer);
      const { status, headers } = response;
      return new Response(answer === "" ? null : answer, { status, headers });
    } catch (error) {
      over(null, "");
      throw error;
    }
  };
}
