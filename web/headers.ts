import type { FastifyReply, FastifyRequest } from "fastify";

const POLICY = "content-security-policy";
const OWN_FORMS = "form-action 'self'";

/**
 * Strict by default: nothing from elsewhere, nothing inline, no copy in any cache, and no frames but on the pages of the
 * origins that are named. X-Frame-Options can't name any, and is left out for them.
 */
export function strictHeaders(frameAncestors: readonly string[]) {
  const headers = {
    [POLICY]: contentSecurityPolicy(frameAncestors),
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(frameAncestors.length === 0 ? { "x-frame-options": "DENY" } : {}),
    "x-robots-tag": "noindex",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
  };
  return async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.headers(headers);
  };
}

/**
 * Lets the forms of this page end at the merchant's addresses: browsers hold a redirect after a form against
 * form-action, too. Set on every page of a transaction, because the script swaps content under the first page's policy.
 */
export function allowFormsTo(reply: FastifyReply, addresses: readonly (string | null)[]): void {
  const sources = new Set(addresses.filter((address) => address !== null).map(formActionSource));
  addFormTargets(reply, [...sources]);
}

/** For a form that ends at a merchant's whom nobody knows before it is sent. */
export function allowFormsAnywhere(reply: FastifyReply): void {
  addFormTargets(reply, ["https:", "http:"]);
}

function addFormTargets(reply: FastifyReply, targets: readonly string[]): void {
  const policy = String(reply.getHeader(POLICY));
  reply.header(POLICY, policy.replace(OWN_FORMS, [OWN_FORMS, ...targets].join(" ")));
}

function contentSecurityPolicy(frameAncestors: readonly string[]): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    OWN_FORMS,
    ["frame-ancestors", ...(frameAncestors.length > 0 ? frameAncestors : ["'none'"])].join(" "),
    "base-uri 'none'",
  ].join("; ");
}

/** An origin, where CSP's grammar can write it; the bare scheme for hosts that it can't (IPv6), and that could carry a «;». */
function formActionSource(address: string): string {
  const { protocol, host } = new URL(address);
  return /^[a-z0-9.-]+(:[0-9]+)?$/.test(host) ? `${protocol}//${host}` : protocol;
}
