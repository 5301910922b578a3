import type { FastifyReply, FastifyRequest } from "fastify";
import { showErrorPage } from "./error-page.ts";

/**
 * Takes forms from our own pages only. There are no cookies to abuse, and who knows an id may act for it; but another
 * site shall not confirm or cancel in a shopper's name by a form that it sends along. Sec-Fetch-Site decides where the
 * browser sends it. Older browsers send Origin, which no-referrer makes «null»; other clients send neither.
 */
export function requireSameOrigin(baseUrl: string) {
  const ownHost = new URL(baseUrl).host;
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (request.method === "GET" || request.method === "HEAD" || isOwn(request, ownHost)) return undefined;
    return showErrorPage(request, reply, { status: 403 });
  };
}

function isOwn(request: FastifyRequest, ownHost: string): boolean {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  const { origin } = request.headers;
  if (origin === undefined || origin === "null") return true;
  const host = URL.canParse(origin) ? new URL(origin).host : null;
  return host === ownHost || host === request.host;
}
