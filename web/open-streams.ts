/** Each stream is kept alive so often: they take turns, a part of them each second, so that no beat holds up a pulse. */
const HEARTBEAT_SECONDS = 15;

/** An open connection that has to be kept alive. */
export interface KeptAlive {
  beat(): void;
  close(): void;
}

/** All open streams of one process: each beats in its turn, and all end with the server. */
export class OpenStreams {
  readonly #turns: readonly Set<KeptAlive>[] = Array.from({ length: HEARTBEAT_SECONDS }, () => new Set());
  readonly #heart: NodeJS.Timeout;
  #turn = 0;
  #isClosed = false;

  constructor() {
    this.#heart = setInterval(() => {
      this.#turn = (this.#turn + 1) % HEARTBEAT_SECONDS;
      for (const stream of this.#turns[this.#turn] ?? []) stream.beat();
    }, 1_000);
    this.#heart.unref();
  }

  /** Keeps the stream alive until the returned function is called; where the server is ending, it is closed at once. */
  keep(stream: KeptAlive): () => void {
    if (this.#isClosed) stream.close();
    const [turn = new Set()] = [...this.#turns].sort((a, b) => a.size - b.size);
    if (!this.#isClosed) turn.add(stream);
    return () => turn.delete(stream);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#heart);
    for (const turn of this.#turns) for (const stream of turn) stream.close();
  }
}
