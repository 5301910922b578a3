import { NAMESPACE } from "./namespaces.ts";

/** Name and value; what stands in quotes may hold semicolons. Old tool kits forget the quotes, or use others. */
const PARAMETER = /;\s*([^\s;="]+)\s*=\s*((?:"[^"]*"|'[^']*')(?=\s*(?:;|$))|[^;]*)/g;

/**
 * The operation that an action names, in whatever form tool kits send it: `"urn:…/Name"`, `urn:…#Name`, `urn:…:Name`,
 * `http://…/phone2pay.asmx?op=Name` or the name alone, in quotes of either kind or in none. Empty where it names none (it
 * is empty, or the namespace alone): then the body alone says what is meant. What it names needn't exist.
 */
export function operationOfAction(action: string): string {
  const text = withoutQuotes(action.trim());
  const parts = text.split(/[/#:]/).filter((part) => part !== "");
  if (parts.join(":") === NAMESPACE) return "";
  const last = parts.at(-1) ?? "";
  return /\?op=(.*)$/i.exec(last)?.[1] ?? last;
}

/** What a content type says in its parameter `action`, where SOAP 1.2 has it. */
export function actionsOfType(contentType: string): readonly string[] {
  const parameters = [...contentType.matchAll(PARAMETER)];
  return parameters.flatMap(([, name = "", value = ""]) => (name.toLowerCase() === "action" ? [value] : []));
}

function withoutQuotes(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2]?.trim() ?? text;
}
