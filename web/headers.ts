import type { FastifyReply, FastifyRequest } from "fastify";

/** Strict by default: nothing from elsewhere, nothing inline, no frames, no copy in any cache. */
export async function setStrictHeaders(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    "content-security-policy": contentSecurityPolicy([]),
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
  });
}

/**
 * Lets the forms of this page end at the merchant's addresses: browsers hold a redirect after a form against
 * form-action, too. Set on every page of a transaction, because the script swaps content under the first page's policy.
 */
export function allowFormsTo(reply: FastifyReply, addresses: readonly (string | null)[]): void {
  const sources = new Set(addresses.filter((address) => address !== null).map(formActionSource));
  reply.header("content-security-policy", contentSecurityPolicy([...sources]));
}

/** For a form that ends at a merchant's whom nobody knows before it is sent. */
export function allowFormsAnywhere(reply: FastifyReply): void {
  reply.header("content-security-policy", contentSecurityPolicy(["https:", "http:"]));
}

export function contentSecurityPolicy(formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    ["form-action 'self'", ...formTargets].join(" "),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
}

/** An origin, where CSP's grammar can write it; the bare scheme for hosts that it can't (IPv6), and that could carry a «;». */
function formActionSource(address: string): string {
  const { protocol, host } = new URL(address);
  return /^[a-z0-9.-]+(:[0-9]+)?$/.test(host) ? `${protocol}//${host}` : protocol;
}
