import { PublicError } from "../core/errors.ts";
import type { XmlElement } from "./xml-reader.ts";
import type { ObjectShape, Shape } from "./xml-shape.ts";

const WHOLE_NUMBER = /^[+-]?[0-9]{1,15}$/;
/** In any case: Visual Basic writes `True`. */
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };

/**
 * The value that an element stands for, in the form in which JSON would have brought it. What doesn't fit the shape is
 * passed on as it is, so that the schema refuses it with the same words as in JSON; what has no counterpart in JSON
 * (text beside elements, unknown attributes, a field twice) is `request_malformed`.
 */
export function valueOfElement(element: XmlElement, shape: Shape, namespaces: ReadonlySet<string>): unknown {
  const known = { shape, namespaces };
  if (!namespaces.has(element.namespace)) throw malformed(`<${element.name}> is in another namespace.`);
  requireAttributes(element, []);
  if (element.nil) return null;
  switch (shape.kind) {
    case "object":
      return objectOf(element, { ...known, shape });
    case "list":
      return childrenNamed(element, "item").map((child) => valueOfElement(child, shape.item, namespaces));
    case "pairs":
      return pairsOf(element, { value: shape.value, namespaces });
    default:
      return element.children.length > 0 ? {} : valueOfText(element.text, shape);
  }
}

/** A single value from its text; forms and addresses bring them like this, too. */
export function valueOfText(text: string, shape: Shape): unknown {
  const trimmed = text.trim();
  if (shape.kind === "integer" && WHOLE_NUMBER.test(trimmed)) return Number(trimmed);
  if (shape.kind === "boolean") return BOOLEANS[trimmed.toLowerCase()] ?? text;
  return text;
}

function objectOf(
  element: XmlElement,
  { shape, namespaces }: { readonly shape: ObjectShape; readonly namespaces: ReadonlySet<string> },
): Record<string, unknown> {
  requireNoText(element);
  const values = new Map<string, unknown>();
  for (const child of element.children) {
    if (values.has(child.name)) throw malformed(`<${child.name}> is there twice.`);
    const field = shape.fields.get(child.name);
    values.set(child.name, field ? valueOfElement(child, field.shape, namespaces) : child.text);
  }
  return asObject(values);
}

function pairsOf(
  element: XmlElement,
  { value, namespaces }: { readonly value: Shape; readonly namespaces: ReadonlySet<string> },
): Record<string, unknown> {
  const values = new Map<string, unknown>();
  for (const entry of childrenNamed(element, "entry")) {
    requireAttributes(entry, ["key"]);
    const key = entry.attributes.find(({ name, namespace }) => name === "key" && namespace === "")?.value;
    if (key === undefined) throw malformed("An <entry> has no key.");
    if (values.has(key)) throw malformed("A key is there twice.");
    values.set(key, valueOfElement({ ...entry, attributes: [] }, value, namespaces));
  }
  return asObject(values);
}

/** Names that would reach an object's prototype are refused, as in JSON. */
function asObject(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  if (values.has("__proto__")) throw malformed("A field has a name that is never read.");
  return Object.fromEntries(values);
}

function childrenNamed(element: XmlElement, name: string): readonly XmlElement[] {
  requireNoText(element);
  if (element.children.every((child) => child.name === name)) return element.children;
  throw malformed(`<${element.name}> holds <${name}> elements only.`);
}

function requireNoText(element: XmlElement): void {
  if (element.text.trim() !== "") throw malformed(`<${element.name}> holds elements only, and no text.`);
}

/** Attributes of other namespaces (a type of XML Schema, a style of SOAP) may come along: many tool kits write them unasked. */
function requireAttributes(element: XmlElement, names: readonly string[]): void {
  const unknown = element.attributes.find(({ name, namespace }) => namespace === "" && !names.includes(name));
  if (unknown) throw malformed(`<${element.name}> has an attribute that isn't known: ${unknown.name}.`);
}

function malformed(detail: string): PublicError {
  return new PublicError("request_malformed", detail);
}
