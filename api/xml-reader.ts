import { type SaxesAttributeNS, SaxesParser } from "saxes";
import { PublicError } from "../core/errors.ts";
import { BODY_BYTES_MAX } from "./fields.ts";
import { decodeUtf8, requireUtf8 } from "./utf8.ts";

/**
 * The one place where XML from outside is read. What makes XML dangerous isn't read at all: document types, entities
 * other than the five that XML itself has, processing instructions, other encodings. The rest has limits.
 */
/** Of elements in each other: an item of a transaction inside a SOAP envelope is at seven. */
const DEPTH_MAX = 16;
const ELEMENTS_MAX = 1_000;
const ATTRIBUTES_MAX = 16;
/** Of names, which come back in refusals, and of an attribute's value; the longest one that means something is a key of metadata. */
const NAME_LENGTH_MAX = 100;
const ATTRIBUTE_LENGTH_MAX = 500;
/** Of one element's own text; an address is the longest one. */
const TEXT_LENGTH_MAX = 8_000;

const BYTE_ORDER_MARKS_OF_OTHERS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];
const SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance";

/** An element as it was sent. `text` is all its own text, with CDATA sections as the text that they are. */
export interface XmlElement {
  readonly name: string;
  /** Empty: in none. */
  readonly namespace: string;
  readonly attributes: readonly { readonly name: string; readonly namespace: string; readonly value: string }[];
  readonly children: readonly XmlElement[];
  readonly text: string;
  /** `xsi:nil`: the sender says that there is no value. */
  readonly nil: boolean;
}

/** Reads a whole document and answers its root. Throws `request_malformed`, `encoding_unsupported` or `body_too_large`. */
export function readXml(bytes: Buffer): XmlElement {
  if (bytes.length > BODY_BYTES_MAX) throw new PublicError("body_too_large");
  const text = decode(bytes);
  const parser = new SaxesParser({ xmlns: true, position: false, forceXMLVersion: true, defaultXMLVersion: "1.0" });
  parser.on("error", (cause) => {
    throw malformed(`The XML isn't well-formed: ${cause.message.slice(0, NAME_LENGTH_MAX)}`, cause);
  });
  parser.on("doctype", () => {
    throw malformed("A document type (DTD) is never read.");
  });
  parser.on("processinginstruction", () => {
    throw malformed("Processing instructions are never read.");
  });
  parser.on("xmldecl", ({ version, encoding }) => {
    if (version !== "1.0") throw malformed("Only XML 1.0 is read.");
    if (encoding !== undefined) requireUtf8(encoding);
  });
  const tree = plantTree(parser);
  parser.write(text).close();
  return tree.root();
}

/** Tells other encodings by their first bytes, before they are only senseless. */
function decode(bytes: Buffer): string {
  if (BYTE_ORDER_MARKS_OF_OTHERS.some((mark) => bytes.subarray(0, mark.length).equals(mark)))
    throw new PublicError("encoding_unsupported");
  // The first two bytes of UTF-16 and UTF-32 without a mark: no document begins with a NUL, or has one after its «<».
  if (bytes.subarray(0, 2).includes(0)) throw new PublicError("encoding_unsupported");
  return decodeUtf8(bytes);
}

interface Growing extends XmlElement {
  readonly attributes: { name: string; namespace: string; value: string }[];
  readonly children: Growing[];
  text: string;
  nil: boolean;
}

/** Builds the tree while the parser goes through the document, and stops it at the first limit. */
function plantTree(parser: SaxesParser<{ xmlns: true }>): { root(): XmlElement } {
  const open: Growing[] = [];
  let root: Growing | undefined;
  let elements = 0;
  let attributesOfTag = 0;
  parser.on("opentagstart", ({ name }) => {
    attributesOfTag = 0;
    if (++elements > ELEMENTS_MAX) throw malformed(`There are more than ${ELEMENTS_MAX} elements.`);
    if (open.length >= DEPTH_MAX) throw malformed(`Elements are nested deeper than ${DEPTH_MAX}.`);
    if (name.length > NAME_LENGTH_MAX) throw malformed(`A name has more than ${NAME_LENGTH_MAX} characters.`);
  });
  parser.on("attribute", ({ name, value }) => {
    if (++attributesOfTag > ATTRIBUTES_MAX) throw malformed(`An element has more than ${ATTRIBUTES_MAX} attributes.`);
    if (name.length > NAME_LENGTH_MAX || value.length > ATTRIBUTE_LENGTH_MAX)
      throw malformed(`An attribute has more than ${ATTRIBUTE_LENGTH_MAX} characters.`);
  });
  parser.on("opentag", ({ local, uri, attributes }) => {
    const told = Object.values(attributes).filter(({ prefix, name }) => prefix !== "xmlns" && name !== "xmlns");
    const element: Growing = {
      name: local,
      namespace: uri,
      attributes: told.map((attribute) => ({
        name: attribute.local,
        namespace: attribute.uri,
        value: attribute.value,
      })),
      children: [],
      text: "",
      nil: told.some(saysNil),
    };
    if (open.length === 0) root = element;
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  const addText = (text: string) => {
    const element = open.at(-1);
    if (!element) return;
    element.text += text;
    if (element.text.length > TEXT_LENGTH_MAX)
      throw malformed(`An element has more than ${TEXT_LENGTH_MAX} characters of text.`);
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => void open.pop());
  return {
    root() {
      if (!root) throw malformed("There is no root element.");
      return root;
    },
  };
}

function saysNil({ local, uri, value }: SaxesAttributeNS): boolean {
  return local === "nil" && uri === SCHEMA_INSTANCE && ["true", "1"].includes(value.trim());
}

function malformed(detail: string, cause?: unknown): PublicError {
  return new PublicError("request_malformed", detail, { cause });
}
