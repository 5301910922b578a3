import type { VoiceServer } from "./call.ts";
import { inTime } from "./in-time.ts";
import type { JournalLine } from "./journal.ts";

type End = Omit<Extract<JournalLine, { readonly kind: "ended" }>, "kind">;

/**
 * Closes the books of a call that is over: in the database or, where that doesn't take it within `milliseconds`, in
 * the local journal, which tells the database later. Resolves as soon as one of the two has it, so that whoever waits
 * isn't kept by a database that is away; rejects when neither has.
 */
export async function keepBooks(
  server: VoiceServer,
  books: { readonly end: End; readonly write: () => Promise<unknown>; readonly milliseconds: number },
): Promise<void> {
  const { journal, log } = server;
  const { uniqueid } = books.end;
  const writing = books.write();
  const written = writing.then(
    () => true,
    (error: unknown) => {
      log("call.books_open", { uniqueid, error });
      return false;
    },
  );
  if (await inTime(written, books.milliseconds, () => false)) return;
  await journal.keep([{ kind: "ended", ...books.end }]);
  void written.then((done) => done && journal.settle("ended", uniqueid));
}
