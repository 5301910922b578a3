interface Told {
  readonly status: string;
  readonly billedRappen: number;
  readonly percent: number;
  readonly progressText: string;
  readonly remainingSeconds: number | null;
}

/** A page's stream, from its answer on. */
export interface FollowedProgress extends AsyncDisposable {
  readonly answer: Response;
  readonly events: readonly Told[];
  /** Reads on until an event satisfies `wanted`; throws when the stream ends before. */
  until(wanted: (told: Told) => boolean): Promise<Told>;
  /** Reads to the end of the stream, and answers all that came but the events. */
  end(): Promise<string>;
}

export async function followProgress(
  address: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<FollowedProgress> {
  const stop = new AbortController();
  const answer = await fetch(address, { headers, signal: stop.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const events: Told[] = [];
  let rest = "";
  let others = "";

  /** False: the stream has ended. */
  async function readOn(): Promise<boolean> {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) return false;
    const blocks = (rest + chunk.value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      if (block.startsWith("data: ")) events.push(JSON.parse(block.slice("data: ".length)));
      else others += `${block}\n`;
    }
    return true;
  }

  return {
    answer,
    events,
    async until(wanted) {
      for (let seen = 0; ; ) {
        for (; seen < events.length; seen++) {
          const event = events[seen];
          if (event && wanted(event)) return event;
        }
        if (!(await readOn())) throw new Error("the stream has ended");
      }
    },
    async end() {
      while (await readOn());
      return others;
    },
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}
