import type { FastifyReply, FastifyRequest } from "fastify";
import Negotiator from "negotiator";
import type { z } from "zod";
import { PublicError } from "../core/errors.ts";
import { shapeOf } from "./xml-shape.ts";
import { writeXml } from "./xml-writer.ts";

/** Of everything that REST says and reads in XML. */
export const NAMESPACE = "urn:phone2pay:v1";
const JSON_TYPE = "application/json";
/** In the order in which they are given to who doesn't care. */
const TYPES = [JSON_TYPE, "application/xml", "text/xml"] as const;
/** Who names these alone reads the language that they are written in. */
const PROBLEM_TYPES = { "application/problem+json": JSON_TYPE, "application/problem+xml": "application/xml" } as const;
/** Every parameter of a type but its weight: a character set or a dialect is no other type. */
const PARAMETER = /;\s*(?!q\s*=)[^\s;,="]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^;,]*))?/gi;

/** The type that `Accept` asks for (RFC 9110 §12.5.1), JSON where it doesn't care; null where it wants none that there is. */
export function acceptedType(accept: string | undefined): (typeof TYPES)[number] | null {
  if (accept === undefined || accept.trim() === "") return JSON_TYPE;
  const asked = new Negotiator({ headers: { accept: accept.replace(PARAMETER, "") } });
  const preferred = asked.mediaType([...TYPES]);
  const problem = asked.mediaType(Object.keys(PROBLEM_TYPES)) as keyof typeof PROBLEM_TYPES | undefined;
  return TYPES.find((type) => type === preferred) ?? (problem ? PROBLEM_TYPES[problem] : null);
}

/** Whether this client reads its problems in XML. */
export function wantsXmlProblem(request: FastifyRequest): boolean {
  const type = acceptedType(request.headers.accept);
  return type !== null && type !== JSON_TYPE;
}

/**
 * Refuses a client that can read neither JSON nor XML, before anything is done for it, and lets the answer be written in
 * the one that it prefers. Handlers answer values and never know.
 */
export async function negotiateAnswer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header("vary", "accept");
  const type = acceptedType(request.headers.accept);
  if (type === null) throw new PublicError("not_acceptable");
  if (type === JSON_TYPE) return;
  reply.type(`${type}; charset=utf-8`).serializer((payload: unknown) => {
    // What is text already was written by someone who knew: problems.
    if (typeof payload === "string") return payload;
    if (payload !== null) return writeAnswer(request, { status: reply.statusCode, payload });
    reply.removeHeader("content-type");
    return "";
  });
}

function writeAnswer(request: FastifyRequest, answer: { readonly status: number; readonly payload: unknown }): string {
  const { url = "", schema } = request.routeOptions;
  const answers = (schema?.response ?? {}) as Readonly<Record<number, Described | undefined>>;
  const described = answers[answer.status]?.content?.[JSON_TYPE]?.schema;
  if (!described) throw new Error(`${request.method} ${url} describes no answer ${answer.status}`);
  const root = nounOfAnswer({ schema: described, method: request.method, url });
  return writeXml({ root, namespace: NAMESPACE, shape: shapeOf(described), value: answer.payload });
}

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: z.ZodType }>>;
}

/** The root of an answer: what its schema says (`xml.name`, as in OpenAPI) or is called, or else what the address is about. */
export function nounOfAnswer(route: {
  readonly schema: z.ZodType;
  readonly method: string;
  readonly url: string;
}): string {
  const noun = nounOfAddress(route.url);
  return nounOfSchema(route.schema) ?? (route.method === "GET" || route.method === "HEAD" ? noun : singular(noun));
}

/** The root of a body: what its schema says, or else one of what the address has many of. */
export function nounOfBody(route: { readonly schema: z.ZodType; readonly url: string }): string {
  return nounOfSchema(route.schema) ?? singular(nounOfAddress(route.url));
}

function nounOfSchema(schema: z.ZodType): string | undefined {
  const { id, xml } = (schema.meta() ?? {}) as { readonly id?: string; readonly xml?: { readonly name?: string } };
  return xml?.name ?? (id && id.charAt(0).toLowerCase() + id.slice(1));
}

/** `/v1/webhook-endpoints/:id` is about `webhookEndpoints`. */
function nounOfAddress(url: string): string {
  const part = url.split("/").findLast((each) => each !== "" && !/[:{]/.test(each)) ?? "answer";
  return part.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
}

function singular(noun: string): string {
  return noun.replace(/s$/, "");
}
