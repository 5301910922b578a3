import type { VoiceServer } from "./call.ts";

const RETRY_MS = 1_000;
const TRIES_MAX = 600;

/**
 * Writes what has to be written about a call that is over, however long the database is away: ten minutes of tries, a
 * second apart. What is written is worked out before and doesn't change, so trying again can't book anything twice.
 */
export async function keepBooks(server: VoiceServer, write: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      server.log("call.books_open", { tries, error });
      if (tries >= TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Waits for the books, but no longer than `milliseconds`: whatever the database does, the caller isn't kept. */
export async function booksOrAtMost(closing: Promise<void>, milliseconds: number): Promise<void> {
  await Promise.race([closing.catch(() => {}), new Promise((resolve) => setTimeout(resolve, milliseconds))]);
}
