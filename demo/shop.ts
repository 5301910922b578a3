import path from "node:path";
import formbody from "@fastify/formbody";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import serveStatic from "@fastify/static";
import view from "@fastify/view";
import fastify from "fastify";
import nunjucks from "nunjucks";
import { phone2pay } from "../sdk/typescript/phone2pay.ts";
import { shopPages } from "./pages.ts";
import { recordingFetch } from "./recording-fetch.ts";
import { saleBook } from "./sale-book.ts";
import { webhookRoute } from "./webhooks.ts";

const BODY_BYTES_MAX = 8_192;
/** Of one address; opening transactions is what a stranger could overdo. */
const REQUESTS_PER_MINUTE_MAX = 1_200;
const vendorDirectory = path.resolve(import.meta.dirname, "../node_modules/sip.js/lib");

/** How the browser telephone reaches Asterisk. The passwords stand in the page: a demo on one's own machine. */
interface Softphone {
  /** ws://127.0.0.1:8088/ws */
  readonly webSocketUrl: string;
  readonly accounts: readonly { readonly user: string; readonly password: string }[];
  /** 127.0.0.1:5060, for SIP clients. */
  readonly sipAddress: string;
}

export interface DemoShopOptions {
  /** 0 takes any free one. */
  readonly port: number;
  readonly host: string;
  readonly phone2pay: { readonly baseUrl: string; readonly apiKey: string };
  /** Of the endpoint that leads to `/webhooks`; null when the shop is told nothing. */
  readonly webhookSecret: string | null;
  readonly softphone: Softphone | null;
  readonly asterisk: "real" | "simulated";
  /** Where the simulated line listens; its protocol stands in demo/public/line-simulated.js. */
  readonly simulatedLineUrl?: string;
  /** Hears why a page could not be served; standard error unless told. */
  readonly onError?: (line: string) => void;
}

export interface DemoShop {
  readonly url: string;
  readonly softphoneUrl: string;
  /** Shop and telephone side by side. */
  readonly windowUrl: string;
  close(): Promise<void>;
}

/**
 * Starts the demo shop: an ordinary merchant that knows a kit and HTTP, and keeps no orders but those Phone2Pay remembers.
 * What its merchant's side shows of the latest sales is in memory.
 */
export async function startDemoShop(options: DemoShopOptions): Promise<DemoShop> {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: securityPolicy(options) },
    // The shop itself is plain HTTP on one's own machine; the rule would stick to «localhost» for every other project there.
    hsts: false,
    referrerPolicy: { policy: "same-origin" },
  });
  // A page in a frame lacks what stands beside it: no cache may take one for the other.
  app.addHook("onRequest", async (_, reply) => void reply.header("vary", "sec-fetch-dest"));
  await app.register(rateLimit, { max: REQUESTS_PER_MINUTE_MAX, timeWindow: 60_000 });
  await app.register(formbody, { bodyLimit: BODY_BYTES_MAX });
  await app.register(view, {
    engine: { nunjucks },
    root: path.join(import.meta.dirname, "views"),
    options: { autoescape: true, throwOnUndefined: false, trimBlocks: true, lstripBlocks: true },
  });
  await app.register(serveStatic, { root: path.join(import.meta.dirname, "public"), prefix: "/public/" });
  // SIP.js is served as it is installed, a hundred small modules: from one's own machine they load in a blink, and
  // nothing has to be bundled, kept in step or trusted besides the package itself.
  await app.register(serveStatic, { root: vendorDirectory, prefix: "/vendor/sip.js/", decorateReply: false });

  let url = "";
  const book = saleBook();
  const client = phone2pay({ ...options.phone2pay, fetch: recordingFetch(book.noteExchange) });
  const observer = phone2pay(options.phone2pay);
  await app.register(shopPages, { ...options, client, observer, book, shopUrl: () => url });
  if (options.webhookSecret !== null) await app.register(webhookRoute, { secret: options.webhookSecret, book });
  url = await app.listen({ port: options.port, host: options.host });
  return { url, softphoneUrl: `${url}/phone`, windowUrl: `${url}/side-by-side`, close: () => app.close() };
}

function securityPolicy({ phone2pay, softphone, simulatedLineUrl }: DemoShopOptions): Record<string, string[]> {
  const connections = ["'self'"];
  if (softphone) connections.push(new URL(softphone.webSocketUrl).origin);
  if (simulatedLineUrl) connections.push(new URL(simulatedLineUrl).origin);
  return {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: connections,
    mediaSrc: ["'self'"],
    // The order form is answered by a redirect to the pay page, and browsers hold that against the form, too.
    formAction: ["'self'", new URL(phone2pay.baseUrl).origin],
    // Beside the telephone: the shop, the pay page, and what its call button and addresses for mail lead to.
    frameSrc: ["'self'", new URL(phone2pay.baseUrl).origin, "tel:", "mailto:"],
    baseUri: ["'none'"],
    frameAncestors: ["'self'"],
  };
}
