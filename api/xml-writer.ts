import type { Shape } from "./xml-shape.ts";

export const DECLARATION = '<?xml version="1.0" encoding="utf-8"?>';
/** All that no XML 1.0 document can hold, not even escaped (XML 1.0 §2.2): what isn't a Char there. */
const NEVER_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
/** White space is escaped where a reader would make a space or a line feed of it. */
const ESCAPED_IN_TEXT = /[&<>\r]/g;
const ESCAPED_IN_ATTRIBUTES = /[&<>"\t\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export interface XmlDocument {
  readonly root: string;
  readonly namespace: string;
  readonly shape: Shape;
  readonly value: unknown;
  /** Name of a list's elements. */
  readonly item?: string;
}

/** A whole document. Only what the shape knows is written, and nothing for null. */
export function writeXml({ root, namespace, shape, value, item = "item" }: XmlDocument): string {
  return `${DECLARATION}${writeElement(root, { shape, value, item, attributes: ` xmlns="${escapeAttribute(namespace)}"` })}`;
}

/** A document around markup that is ready. */
export function wrapXml(markup: string): string {
  return `${DECLARATION}${markup}`;
}

/** One element, without a namespace of its own unless `attributes` (markup) say so. */
export function writeElement(
  name: string,
  content: { readonly shape: Shape; readonly value: unknown; readonly item?: string; readonly attributes?: string },
): string {
  const { value, attributes = "" } = content;
  if (value === null || value === undefined) return "";
  const inside = writeContent(value, content.shape, content.item ?? "item");
  return inside === "" ? `<${name}${attributes}/>` : `<${name}${attributes}>${inside}</${name}>`;
}

function writeContent(value: unknown, shape: Shape, item: string): string {
  if (shape.kind === "any" && typeof value === "object")
    return writeContent(
      value,
      Array.isArray(value) ? { kind: "list", item: shape } : { kind: "pairs", value: shape },
      item,
    );
  if (shape.kind === "list" && Array.isArray(value))
    return value.map((one) => writeElement(item, { shape: shape.item, value: one, item })).join("");
  if (shape.kind === "object")
    return [...shape.fields]
      .map(([name, field]) => writeElement(name, { shape: field.shape, value: memberOf(value, name), item }))
      .join("");
  if (shape.kind === "pairs")
    return Object.entries(value as Readonly<Record<string, unknown>>)
      .map(([key, one]) =>
        writeElement("entry", { shape: shape.value, value: one, item, attributes: ` key="${escapeAttribute(key)}"` }),
      )
      .join("");
  return escapeText(String(value));
}

function memberOf(value: unknown, name: string): unknown {
  return Object.hasOwn(value as object, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** Text as the content of an element; what XML can't hold becomes U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(NEVER_IN_XML, "\ufffd").replace(ESCAPED_IN_TEXT, escapeCharacter);
}

export function escapeAttribute(text: string): string {
  return text.replace(NEVER_IN_XML, "\ufffd").replace(ESCAPED_IN_ATTRIBUTES, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return ESCAPES[character] ?? `&#${character.codePointAt(0)};`;
}
