import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { PublicError } from "../core/errors.ts";
import { NAMESPACE, nounOfBody } from "./answer-format.ts";
import { BODY_BYTES_MAX } from "./fields.ts";
import { whyAmbiguous } from "./json-reader.ts";
import { decodeUtf8, requireUtf8Declared } from "./utf8.ts";
import { readXml } from "./xml-reader.ts";
import { shapeOf } from "./xml-shape.ts";
import { valueOfElement } from "./xml-values.ts";

/** XML written by hand may do without a namespace. */
const NAMESPACES: ReadonlySet<string> = new Set([NAMESPACE, ""]);
const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] as const;

/**
 * Reads JSON and XML, and nothing else, where a route wants a body; where it wants none, anything may come along (many
 * clients send an empty form with a POST) and is thrown away unread. Keys that would reach an object's prototype are refused.
 */
export function readJsonAndXml(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser("error", "error");
  const limits = { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX } as const;
  app.addContentTypeParser<Buffer>("application/json", limits, (request, body, done) => {
    if (!wantsBody(request)) return done(null);
    try {
      requireUtf8Declared(request);
      const text = decodeUtf8(body);
      void parse(request, text, (error, value) => done(error ?? whyAmbiguous(text), value));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addContentTypeParser<Buffer>(["application/xml", "text/xml"], limits, (request, body, done) => {
    if (!wantsBody(request)) return done(null);
    try {
      requireUtf8Declared(request);
      done(null, readXmlBody(request, body));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addContentTypeParser("*", limits, (request, _body, done) => {
    done(wantsBody(request) ? new PublicError("media_type_unsupported") : null);
  });
}

function readXmlBody(request: FastifyRequest, body: Buffer): unknown {
  const schema = request.routeOptions.schema?.body as z.ZodType;
  const root = readXml(body);
  const noun = nounOfBody({ schema, url: request.routeOptions.url ?? "" });
  if (root.name !== noun) throw new PublicError("request_malformed", `The root element here is <${noun}>.`);
  return valueOfElement(root, shapeOf(schema), NAMESPACES);
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
