import { Socket } from "node:net";

/** Longer than any statement may take: a server that hasn't answered by then is frozen, or beyond a dead network. */
const SILENCE_MS_MAX = 12_000;

/**
 * A socket that gives up when what it sent stays without an answer: the statement's own time-out is the server's, and
 * says nothing when the server itself is gone without a word.
 */
export function impatientSocket(): Socket {
  const socket = new Socket();
  let answered = 0;
  socket.on("data", () => {
    answered = socket.bytesWritten;
  });
  socket.setTimeout(SILENCE_MS_MAX, () => {
    if (socket.bytesWritten === answered) return; // nobody has asked anything
    socket.destroy(Object.assign(new Error("the database has fallen silent"), { code: "ETIMEDOUT" }));
  });
  return socket;
}
