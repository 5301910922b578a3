import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PublicError } from "../core/errors.ts";

/** Largest body that is read: 50 items and 20 pairs of metadata, all at their limits, are below. */
const BODY_BYTES_MAX = 64 * 1_024;
const JSON_RANGES: ReadonlySet<string> = new Set(["*/*", "application/*", "application/json"]);
const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] as const;

/** Refuses a client that can't read JSON, before anything is done for it. */
export async function requireJsonAccepted(request: FastifyRequest): Promise<void> {
  const { accept } = request.headers;
  if (accept === undefined || accept.trim() === "") return;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (JSON_RANGES.has(type) && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return;
  }
  throw new PublicError("not_acceptable");
}

/**
 * Reads JSON, and nothing else, where a route wants a body; where it wants none, anything may come along (many clients
 * send an empty form with a POST) and is thrown away unread. Keys that would reach an object's prototype are refused.
 */
export function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser("error", "error");
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  const limits = { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX } as const;
  app.addContentTypeParser<Buffer>("application/json", limits, (request, body, done) => {
    if (!wantsBody(request)) return done(null);
    let text: string;
    try {
      text = utf8.decode(body);
    } catch (cause) {
      return done(new PublicError("request_malformed", "The body isn't UTF-8.", { cause }));
    }
    void parse(request, text, done);
  });
  app.addContentTypeParser("*", limits, (request, _body, done) => {
    done(wantsBody(request) ? new PublicError("media_type_unsupported") : null);
  });
}

/**
 * Collects the methods of every address that is registered from here on; the function it answers adds routes that refuse
 * all other methods with 405 and Allow (RFC 9110 §15.5.6).
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const taken = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = taken.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    taken.set(url, methods);
  });
  return () => {
    for (const [url, methods] of taken) {
      const allow = [...methods].sort().join(", ");
      const refuse = async (_request: FastifyRequest, reply: FastifyReply) => {
        reply.header("allow", allow);
        throw new PublicError("method_not_allowed");
      };
      const others = METHODS.filter((method) => !methods.has(method));
      const path = url.slice(app.prefix.length);
      // Refused before the body is looked at, so that a wrong body doesn't hide the wrong method.
      app.route({ method: others, url: path, schema: { hide: true }, onRequest: refuse, handler: refuse });
    }
  };
}

function wantsBody(request: FastifyRequest): boolean {
  return request.routeOptions.schema?.body !== undefined;
}
