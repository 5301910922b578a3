import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { isPublicAddress } from "../core/public-address.ts";
import { URL_LENGTH_MAX } from "./fields.ts";

/** One name server is asked for so long, this often. */
const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;
/** Addresses of one host that are tried; no receiver has more. */
const ADDRESSES_MAX = 16;
/** Where other things than web servers listen, which could take a request for a command: mail, shells, databases. */
const PORTS_REFUSED: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 19, 20, 21, 22, 23, 25, 37, 53, 69, 79, 110, 111, 113, 119, 123, 135, 137, 139, 143, 161, 179, 389,
  427, 445, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 873, 989, 990, 993,
  995, 1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 3306, 3389, 3659, 4045, 4190, 5038, 5060, 5061, 5432, 5900,
  6000, 6379, 6566, 6697, 10080, 11211, 27017,
]);

/** Where webhooks may go. The composition chooses; tests put a name server of theirs in. */
export interface WebhookReach {
  /** Whether an address may be connected to. */
  readonly mayReach: (address: string) => boolean;
  /** http:// beside https://. */
  readonly plainHttp: boolean;
  /** All addresses of a host, IPv4 and IPv6; none for one that isn't known. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
}

/** Public addresses by https only; with `privateAddresses` any, by http too. */
export function webhookReach(options: { readonly privateAddresses: boolean }): WebhookReach {
  return {
    mayReach: options.privateAddresses ? () => true : isPublicAddress,
    plainHttp: options.privateAddresses,
    resolve: resolveHost,
  };
}

/** What is wrong with the address of an endpoint, in words for its merchant; else the URL in its one form. */
export function readWebhookUrl(text: string, reach: WebhookReach): URL | { readonly wrong: string } {
  const url = URL.parse(text);
  if (!url) return { wrong: "must be a whole address, such as https://shop.example/webhooks" };
  if (url.protocol !== "https:" && !(reach.plainHttp && url.protocol === "http:"))
    return { wrong: "must begin with https://" };
  if (url.username !== "" || url.password !== "") return { wrong: "must not hold a user name or password" };
  if (PORTS_REFUSED.has(Number(url.port))) return { wrong: "must not have a port that serves something else" };
  url.hash = "";
  if (url.href.length > URL_LENGTH_MAX) return { wrong: `must have at most ${URL_LENGTH_MAX} characters when encoded` };
  return url;
}

/**
 * The addresses to connect to, each of them checked. None are answered if one of them isn't allowed: who puts a private
 * address among public ones means us to find it.
 */
export async function addressesOf(
  url: URL,
  reach: WebhookReach,
): Promise<readonly string[] | { readonly wrong: "host_unknown" | "address_not_allowed" }> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const addresses = isIP(host) ? [host] : await reach.resolve(host);
  if (addresses.length === 0) return { wrong: "host_unknown" };
  if (!addresses.every((address) => reach.mayReach(address))) return { wrong: "address_not_allowed" };
  return addresses.slice(0, ADDRESSES_MAX);
}

/**
 * Asks name servers, never the hosts file: what the operating system looks up takes one of the few threads that a process
 * has for it, and a name whose server never answers would hold it.
 */
async function resolveHost(host: string): Promise<readonly string[]> {
  if (host === "localhost" || host.endsWith(".localhost")) return ["127.0.0.1"]; // RFC 6761 §6.3
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return found.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
}
