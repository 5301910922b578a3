import path from "node:path";
import type { Command, Kit, Outcome, Shop, ShopSettings } from "./kit.ts";
import { type PageAnswer, type PageRequest, servePages } from "./page-host.ts";
import { compilePage, compose, readDriver, readText, writeFields, writeText } from "./vbscript.ts";
import { type Wine, windowsPath } from "./wine.ts";

const asp = path.resolve(import.meta.dirname, "../../sdk/asp");

/** The kit for ASP, run by cscript; a page is run by a host that plays IIS. */
export function aspKit(wine: Wine): Kit {
  return {
    wire: "plain",
    async run(commands) {
      const kit = await compilePage(path.join(asp, "phone2pay.asp"));
      const driver = await readDriver("asp.vbs");
      const script = compose(await readHost(), kit, driver, ...commands.map(callOf));
      return readOutcomes(await wine.run(script));
    },
    serveShop: (settings) => serveShop(wine, settings),
    async [Symbol.asyncDispose]() {},
  };
}

/** What every script begins with. */
async function readHost(): Promise<string> {
  return `${await readDriver("wine.vbs")}\n${await readDriver("asp-texts.vbs")}`;
}

function callOf({ call, baseUrl, apiKey, timeoutMs, arguments: given, idempotencyKey = "" }: Command): string {
  const { headers = {}, ...fields } = given;
  const texts = [call, writeText(baseUrl), writeText(apiKey)].map((text) => `"${text}"`);
  return `RunCommand ${texts.join(", ")}, ${Math.ceil(timeoutMs / 1_000)}, "${writeFields({ ...fields, ...(headers as object) })}", "${writeText(idempotencyKey)}"`;
}

function readOutcomes(lines: readonly string[]): readonly Outcome[] {
  const outcomes: { kind: string; fields: Record<string, string> }[] = [];
  for (const line of lines) {
    const [name = "", value] = line.split("=");
    if (value === undefined) outcomes.push({ kind: name, fields: {} });
    else outcomes.at(-1)!.fields[name] = readText(value);
  }
  return outcomes.map(({ kind, fields }) => {
    if (kind === "answer") return { answer: fields };
    const { status, code = "", detail = "", requestId = "" } = fields;
    return { refusal: { status: Number(status), code, detail, requestId } };
  });
}

async function serveShop(wine: Wine, settings: ShopSettings): Promise<Shop> {
  const objects = await readDriver("asp-objects.vbs");
  const host = await servePages(async (request) => {
    const page = await compilePage(path.join(asp, "example", path.basename(request.page || "default.asp")));
    const script = compose(await readHost(), objects, requestOf(request), page, "Response.Finish");
    const SHOP_DATA = windowsPath(settings.SHOP_DATA);
    return readAnswer(await wine.run(script, { ...settings, SHOP_DATA, SHOP_URL: request.url }));
  });
  return { ...host, paidPath: "/paid.asp", webhookPath: "/webhook.asp" };
}

function requestOf({ method, query, headers, body }: PageRequest): string {
  const form = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ? body.toString("utf8") : "";
  const ofHeaders = Object.entries(headers).map(([name, value]) => [
    `HTTP_${name.toUpperCase().replaceAll("-", "_")}`,
    value,
  ]);
  const texts = [
    writeFields(Object.fromEntries(new URLSearchParams(query))),
    writeFields(Object.fromEntries(new URLSearchParams(form))),
    writeFields({ ...Object.fromEntries(ofHeaders), REQUEST_METHOD: method }),
    body.toString("base64"),
  ];
  return `Request.Fill ${texts.map((text) => `"${text}"`).join(", ")}, ${body.length}`;
}

function readAnswer(lines: readonly string[]): PageAnswer {
  const told = lines.map((line): readonly [string, string] => {
    const [name = "", value = ""] = line.split("=");
    return [name, readText(value)];
  });
  const all = (wanted: string) => told.filter(([name]) => name === wanted).map(([, value]) => value);
  const headers = all("header").map((line): readonly [string, string] => {
    const [name = "", ...value] = line.split(": ");
    return [name, value.join(": ")];
  });
  const [status] = all("status");
  if (status === undefined) throw new Error(`the page broke off: ${lines.join("\n")}`);
  return { status: Number.parseInt(status, 10), headers, body: all("body").join("") };
}
