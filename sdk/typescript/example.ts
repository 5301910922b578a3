/**
 * A whole shop in one page of TypeScript: order, pay by phone, deliver once, hear webhooks.
 *
 *     PHONE2PAY_BASE_URL=https://pay.example PHONE2PAY_API_KEY=p2p_test_… SHOP_DATA=./shop-data node example.ts
 *
 * It keeps no orders: what was ordered stands in the transaction's reference, which only this shop's key can have written.
 * What it keeps is what was delivered: an empty file for each transaction in SHOP_DATA.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import { Phone2PayError, phone2pay, type Transaction, verifyWebhook } from "./phone2pay.ts";

interface Good {
  readonly name: string;
  readonly amount: number;
}
// The price is decided here and nowhere else: the form sends an id only.
const GOODS: ReadonlyMap<string, Good> = new Map([
  ["song", { name: "Single « Aube »", amount: 100 }],
  ["album", { name: "Album « Nuit claire »", amount: 990 }],
]);
const BODY_BYTES_MAX = 65_536;
const TRANSACTION_ID = /^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/;
const port = Number(process.env.SHOP_PORT ?? 8000);
const shopUrl = process.env.SHOP_URL ?? `http://127.0.0.1:${port}`;
const data = setting("SHOP_DATA");
mkdirSync(data, { recursive: true });
const client = phone2pay({ baseUrl: setting("PHONE2PAY_BASE_URL"), apiKey: setting("PHONE2PAY_API_KEY") });

interface Answer {
  readonly status: number;
  readonly location?: string;
  readonly html?: string;
}

async function serve(request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? "/", shopUrl);
  const asked = `${request.method} ${pathname}`;
  if (asked === "GET /") return goodsPage();
  if (asked === "POST /")
    return order(new URLSearchParams((await readBody(request)).toString("utf8")).get("good") ?? "");
  if (asked === "GET /paid") return welcomeBack(searchParams.get("transaction") ?? "");
  if (asked === "POST /webhook") return hearWebhook(request, await readBody(request));
  return page(404, "Not found", "");
}

function goodsPage(): Answer {
  const buttons = [...GOODS].map(
    ([id, { name, amount }]) =>
      `<p><button name="good" value="${html(id)}">${html(`${name}, ${money(amount)}`)}</button></p>`,
  );
  return page(200, "Shop", `<form method="post" action="/">${buttons.join("")}</form>`);
}

/** Opens the transaction and sends the shopper to pay. */
async function order(goodId: string): Promise<Answer> {
  const good = GOODS.get(goodId);
  if (!good) return page(404, "Not found", "");
  const { payUrl } = await client.createTransaction({
    amount: good.amount,
    currency: "CHF",
    description: good.name,
    reference: `${goodId}-${randomUUID()}`,
    returnUrl: `${shopUrl}/paid`,
  });
  return { status: 303, location: payUrl };
}

/** The shopper is back. The id in the address proves nothing: it is checked, and what is paid is delivered, once. */
async function welcomeBack(asked: string): Promise<Answer> {
  const known = TRANSACTION_ID.test(asked);
  const payment = known ? await client.checkTransaction(asked).catch(nullIf("transaction_unknown")) : null;
  const good = GOODS.get(payment?.reference?.split("-")[0] ?? "");
  if (!payment || !good || good.amount !== payment.amount)
    return page(404, "Unknown order", "<p>There is no such order.</p>");
  const deliveredBefore = page(200, "Delivered before", summary(good, payment));
  if (existsSync(noteOf(payment.id))) return deliveredBefore;
  try {
    // One key for one order: a redeem whose answer was lost is answered again.
    const redeemed = await client.redeemTransaction(payment.id, { idempotencyKey: `redeem-${payment.id}` });
    if (!(await noteDelivered(payment.id))) return deliveredBefore;
    // Paid, redeemed, and noted for the first time: deliver here.
    return page(200, "Thank you for your order", summary(good, redeemed));
  } catch (error) {
    const refused = error instanceof Phone2PayError ? undeliveredPage(error.code, good, payment) : null;
    if (!refused) throw error;
    return refused;
  }
}

/** Why nothing is delivered now, and what the shopper can do; null for what they can do nothing about. */
function undeliveredPage(code: string, good: Good, payment: Transaction): Answer | null {
  const goOn = `<p>Nothing was delivered. <a href="${html(payment.payUrl)}">Go on paying</a></p>`;
  const orderAgain = `<p><a href="/">Order again</a></p>`;
  if (code === "transaction_not_paid") return page(200, "Not paid yet", goOn);
  if (code === "transaction_expired") return page(200, "The time to pay has run out", goOn + orderAgain);
  if (code === "transaction_cancelled") return page(200, "Cancelled", `<p>Nothing was delivered.</p>${orderAgain}`);
  // Not by this page: ours would be in the notes.
  if (code === "transaction_already_redeemed")
    return page(
      200,
      "Redeemed before",
      `${summary(good, payment)}<p>If your order hasn't come, please write to us.</p>`,
    );
  // Another tab is at it.
  if (code === "idempotency_key_in_use")
    return page(200, "One moment, please", `<p><a href="/paid?transaction=${html(payment.id)}">Look again</a></p>`);
  return null;
}

function noteOf(id: string): string {
  return path.join(data, id);
}

/** Notes that it is delivered; false when it was before. A shop with a database does that where it books the order. */
async function noteDelivered(id: string): Promise<boolean> {
  try {
    await writeFile(noteOf(id), "", { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function summary(good: Good, payment: Transaction): string {
  const rows = [
    ["Order", payment.reference],
    ["What", good.name],
    ["Amount", money(payment.amount)],
    ["Paid at", payment.paidAt],
    ["Transaction", payment.id],
  ];
  const cells = rows.map(([name, value]) => `<tr><th>${html(name ?? "")}</th><td>${html(value ?? "")}</td></tr>`);
  return `<table>${cells.join("")}</table><p>Please print this page: it is your receipt.</p>`;
}

/** 204 once it is proved to come from Phone2Pay. The same event can come twice: `webhook-id` tells. */
function hearWebhook(request: IncomingMessage, body: Buffer): Answer {
  try {
    const event = verifyWebhook({ secret: setting("PHONE2PAY_WEBHOOK_SECRET"), headers: request.headers, body });
    // Mark the order as paid here, so that it is delivered even to a shopper who closed the page.
    console.log(`webhook: ${event.type}`);
    return { status: 204 };
  } catch (error) {
    if (!(error instanceof Phone2PayError)) throw error;
    console.error(`webhook refused: ${error.code}`);
    return { status: 400 };
  }
}

/** The bytes as they came: a signature is over them, not over what they mean. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function nullIf(code: string) {
  return (error: unknown): null => {
    if (error instanceof Phone2PayError && error.code === code) return null;
    throw error;
  };
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

function money(rappen: number): string {
  return `CHF ${(rappen / 100).toFixed(2)}`;
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function page(status: number, title: string, body: string): Answer {
  const head = `<head><meta charset="utf-8"><title>${html(title)}</title></head>`;
  const shown = `<body><h1>${html(title)}</h1>${body}<p><a href="/">Shop</a></p></body>`;
  return { status, html: `<!doctype html><html lang="en">${head}${shown}</html>` };
}

function send(response: ServerResponse, { status, location, html: text = "" }: Answer): void {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    ...(location === undefined ? {} : { location }),
  });
  response.end(text);
}

createServer((request, response) => {
  serve(request).then(
    (answer) => send(response, answer),
    (error: unknown) => {
      console.error(error);
      const code = error instanceof Phone2PayError ? error.code : "internal_error";
      send(response, page(502, "Please try again later", `<p>${html(code)}</p>`));
    },
  );
}).listen(port, "127.0.0.1", () => console.log(`shop at ${shopUrl}`));
