import { readFile } from "node:fs/promises";
import path from "node:path";

const drivers = path.join(import.meta.dirname, "drivers");
const INCLUDE = /<!--#include file="([^"]+)"-->/g;
const DIRECTIVE = /<%@[^%]*%>/g;

/** One script of several, each variable of which has to be declared. */
export function compose(...parts: readonly string[]): string {
  return ["Option Explicit", ...parts].join("\n");
}

/** A page of ASP with all that it includes, as the one script that IIS makes of it; `Option Explicit` is left to `compose`. */
export async function compilePage(file: string): Promise<string> {
  const text = (await expand(file)).replaceAll(DIRECTIVE, "").replaceAll("<% Option Explicit %>", "");
  // Outside of <% … %> is HTML; every second part is inside.
  const parts = text.split(/<%|%>/).map((part, index) => (index % 2 === 1 ? part : writeLiteral(part)));
  return ascii(parts.join("\n"));
}

/** One of the files that tests add to a script. */
export async function readDriver(name: string): Promise<string> {
  return readFile(path.join(drivers, name), "utf8");
}

/** Text in the form in which `ReadText` of drivers/asp-texts.vbs takes it. */
export function writeText(text: string): string {
  return text.replaceAll(
    /[^A-Za-z0-9]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
}

export function readText(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{4})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** `name=text&name=text` for the drivers. */
export function writeFields(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${writeText(String(value))}`)
    .join("&");
}

async function expand(file: string): Promise<string> {
  const text = await readFile(file, "utf8");
  const included = await Promise.all(
    [...text.matchAll(INCLUDE)].map(([, name = ""]) => expand(path.join(path.dirname(file), name))),
  );
  return text.replaceAll(INCLUDE, () => included.shift() ?? "");
}

function writeLiteral(html: string): string {
  if (html.trim() === "") return "";
  const lines = html.split(/\r?\n/).map((line) => `"${line.replaceAll('"', '""')}"`);
  return `Response.Write ${lines.join(" & vbCrLf & ")}`;
}

/** cscript reads ASCII; beyond it there are texts only. */
function ascii(script: string): string {
  return script.replaceAll(/[^\t\r\n -~]/g, (sign) => `" & ChrW(${sign.charCodeAt(0)}) & "`);
}
