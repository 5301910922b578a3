import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "./one-request.ts";

/**
 * Whoever guesses, in bench/guessing.ts: a process of its own that tries ids and access codes at a steady pace, each from
 * an address drawn at random, and counts by status what it was answered.
 */
export interface Attack {
  readonly port: number;
  readonly apiKey: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** So many it has, the first 65,536 at most of 127.100.0.0/16. */
  readonly addresses: number;
}

export type Answers = Readonly<Record<string, Readonly<Record<number, number>>>>;

const code = () => String(randomInt(10 ** 12)).padStart(12, "0");

const WAYS = {
  "GET /pay/{id}": () => ({ path: `/pay/${randomUUID()}` }),
  "GET /pay/{id}/progress": () => ({ path: `/pay/${randomUUID()}/progress` }),
  "POST /resume": () => ({ path: "/resume", form: { id: randomUUID() } }),
  "POST /access, a code": () => ({ path: "/access", form: { access: code() } }),
  "POST /access, an id": () => ({ path: "/access", form: { access: randomUUID() } }),
  "POST /v1/access/check": (apiKey: string) => ({ path: "/v1/access/check", json: { access: code() }, apiKey }),
} as const;

async function attack({ port, apiKey, perSecond, seconds, addresses }: Attack): Promise<Answers> {
  const answers: Record<string, Record<number, number>> = {};
  const ways = Object.entries(WAYS);
  const under: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let tries = 0; tries < perSecond * seconds; tries++) {
    const [name, way] = ways[tries % ways.length] ?? ["", WAYS["GET /pay/{id}"]];
    const from = randomInt(addresses);
    const localAddress = `127.100.${from >> 8}.${from & 255}`;
    under.push(
      ask({ port, localAddress, ...way(apiKey) }).then(({ status }) => {
        const counts = answers[name] ?? {};
        answers[name] = { ...counts, [status]: (counts[status] ?? 0) + 1 };
      }),
    );
    await sleep(Math.max(0, startedAt + ((tries + 1) * 1_000) / perSecond - performance.now()));
  }
  await Promise.all(under);
  return answers;
}

process.once("message", async (order: Attack) => {
  process.send?.(await attack(order));
  process.disconnect();
});
