import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** All that is given out to the public in IPv6 lies in here (IANA); what lies outside leads to somewhere special. */
const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3");

/**
 * Whether an IP address leads to the public Internet, and to no machine of ours: not private, loopback, link-local,
 * shared (RFC 6598), reserved, multicast, or an IPv4 address wrapped up in IPv6. What isn't an address doesn't.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0 || text.includes("%")) return false; // no short forms, and no interface of this machine
  const address = ipaddr.parse(text);
  if (address.range() !== "unicast") return false;
  return address.kind() === "ipv4" || address.match(GLOBAL_UNICAST);
}
