import { randomUUID } from "node:crypto";
import formbody from "@fastify/formbody";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { dial, type SimulatedCall } from "../line/simulated-call.ts";
import { gatherAudience } from "./line-audience.ts";
import { newsMaker, promptLengths, type Recordings, readRecordings } from "./line-news.ts";

const CALLS_AT_ONCE_MAX = 20;
const BODY_BYTES_MAX = 1_024;
/** An ended call can still be asked about for so long. */
const ENDED_KEPT_MS = 60_000;

export interface SimulatedLineOptions {
  /** The loopback address: whoever reaches this line can pay with it. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** host:port each, asked in turn. */
  readonly agiServers: readonly string[];
  readonly secret: string;
  /** The one origin whose pages may use the line, like http://127.0.0.1:8081. */
  readonly allowedOrigin: string;
  /** The number that all calls come from; withheld unless given. */
  readonly callerId?: string;
}

export interface SimulatedLine {
  readonly url: string;
  /** Hangs up what is still on the line and waits until the books of those calls were asked to be closed. */
  close(): Promise<void>;
}

/**
 * A telephone line for pages, where no Asterisk is: POST /calls {number} → 201 {id} · POST /calls/:id/keys {key} · DELETE
 * /calls/:id (or POST /calls/:id/hang-up) · GET /calls/:id/events (or /calls/:id) as server-sent events, each a LineNews.
 * Bodies are JSON or forms.
 */
export async function startSimulatedLine(options: SimulatedLineOptions): Promise<SimulatedLine> {
  const app = Fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true });
  const calls = new Map<string, PageCall>();
  const recordings = await readRecordings();
  await app.register(formbody, { bodyLimit: BODY_BYTES_MAX });
  guardOrigin(app, options.allowedOrigin);
  answerPages(app, calls, (number) => startCall(options, recordings, number));
  const url = await app.listen({ host: options.host, port: options.port });
  return {
    url,
    async close() {
      for (const { call } of calls.values()) call.hangUp();
      await Promise.all([...calls.values()].map(({ call }) => call.finished));
      for (const call of calls.values()) call.forget();
      await app.close();
    },
  };
}

/** Pages of other origins get nothing, not even the requests that a browser sends without asking, such as forms. */
function guardOrigin(app: FastifyInstance, allowedOrigin: string): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("Vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined) return;
    if (origin !== allowedOrigin) return reply.code(403).send({ error: "this line is not for pages of that origin" });
    reply.header("Access-Control-Allow-Origin", allowedOrigin);
  });
  app.options("/*", async (_request, reply) =>
    reply
      .header("Access-Control-Allow-Methods", "GET, POST, DELETE")
      .header("Access-Control-Allow-Headers", "Content-Type")
      .code(204)
      .send(),
  );
}

type CallRequest = FastifyRequest<{ Params: { id: string } }>;

function answerPages(app: FastifyInstance, calls: Map<string, PageCall>, start: (number: string) => PageCall): void {
  const body = (name: string, pattern: string) => ({
    schema: { body: { type: "object", required: [name], properties: { [name]: { type: "string", pattern } } } },
  });
  const withCall = (run: (call: PageCall, request: CallRequest, reply: FastifyReply) => unknown) => {
    return async (request: CallRequest, reply: FastifyReply) => {
      const call = calls.get(request.params.id);
      return call ? run(call, request, reply) : reply.code(404).send({ error: "no such call" });
    };
  };
  const hangUp = withCall(({ call }, _request, reply) => {
    call.hangUp();
    return reply.code(204).send();
  });
  const listen = withCall((call, _request, reply) => call.listen(reply));

  app.post<{ Body: { number: string } }>("/calls", body("number", "^[0-9+*#]{1,20}$"), async (request, reply) => {
    const running = [...calls.values()].filter(({ call }) => call.state !== "ended");
    if (running.length >= CALLS_AT_ONCE_MAX) return reply.code(429).send({ error: "all lines are taken" });
    const id = randomUUID();
    const call = start(request.body.number);
    calls.set(id, call);
    void call.forgotten.then(() => calls.delete(id));
    return reply.code(201).send({ id });
  });
  app.post<{ Params: { id: string }; Body: { key: string } }>(
    "/calls/:id/keys",
    body("key", "^[0-9*#]$"),
    withCall(({ call }, request, reply) => {
      call.press((request.body as { key: string }).key);
      return reply.code(204).send();
    }),
  );
  app.post("/calls/:id/hang-up", hangUp);
  app.delete("/calls/:id", hangUp);
  app.get("/calls/:id/events", listen);
  app.get("/calls/:id", listen);
}

/** A call with the pages that listen to it. */
interface PageCall {
  readonly call: SimulatedCall;
  /** Streams all news of the call, from its first on. */
  listen(reply: FastifyReply): FastifyReply;
  forget(): void;
  /** Resolves when nobody needs the call any more. */
  readonly forgotten: Promise<void>;
}

function startCall(options: SimulatedLineOptions, recordings: Recordings, number: string): PageCall {
  const { agiServers, secret, callerId = null } = options;
  const forgotten = Promise.withResolvers<void>();
  const toNews = newsMaker(recordings);
  // A page that has closed without a word has left its call to nobody.
  const audience = gatherAudience({ onDeserted: () => call.hangUp() });
  const call = dial({
    number,
    callerId,
    agiServers,
    secret,
    trunk: "demo",
    promptLengthMs: promptLengths(recordings),
    onEvent: (event) => audience.tell(toNews(event)),
  });
  void call.finished.then(() => setTimeout(forgotten.resolve, ENDED_KEPT_MS).unref());
  return { call, listen: audience.listen, forget: forgotten.resolve, forgotten: forgotten.promise };
}
