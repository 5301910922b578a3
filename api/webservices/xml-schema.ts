import type { Field, ObjectShape, Shape } from "../xml-shape.ts";

const SIMPLE: Readonly<Record<string, string>> = {
  text: "s:string",
  integer: "s:int",
  boolean: "s:boolean",
  moment: "s:dateTime",
  any: "s:anyType",
};

/** Collects the named types of an XML schema while they are asked for. */
export class SchemaTypes {
  readonly #types = new Map<string, string>();

  /** The type of a shape; what isn't simple gets a type named after its schema, or else after `name`. */
  typeOf(shape: Shape, name: string): string {
    if (shape.kind === "object") return this.#define(shape.name ?? name, () => this.sequence(shape));
    if (shape.kind === "pairs")
      return this.#define(name, () => {
        const entry = this.#define("Entry", () => entryType(this.typeOf(shape.value, "Value")));
        return `<s:sequence>${manyOf("entry", entry)}</s:sequence>`;
      });
    if (shape.kind === "list") {
      const one = name.replace(/s$/, "");
      return this.#define(
        `ArrayOf${one}`,
        () => `<s:sequence>${manyOf("item", this.typeOf(shape.item, one))}</s:sequence>`,
      );
    }
    return SIMPLE[shape.kind] ?? "s:string";
  }

  /** The fields of an object, in their order. */
  sequence({ fields }: ObjectShape): string {
    return `<s:sequence>${[...fields].map(([name, field]) => this.#element(name, field)).join("")}</s:sequence>`;
  }

  /** All types that were asked for so far. */
  definitions(): string {
    return [...this.#types].map(([name, inside]) => `<s:complexType name="${name}">${inside}</s:complexType>`).join("");
  }

  #element(name: string, { shape, optional }: Field): string {
    const type = this.typeOf(shape, name.charAt(0).toUpperCase() + name.slice(1));
    return `<s:element minOccurs="${optional ? 0 : 1}" maxOccurs="1" name="${name}" type="${type}"/>`;
  }

  #define(name: string, inside: () => string): string {
    if (!this.#types.has(name)) {
      this.#types.set(name, "");
      this.#types.set(name, inside());
    }
    return `tns:${name}`;
  }
}

function manyOf(name: string, type: string): string {
  return `<s:element minOccurs="0" maxOccurs="unbounded" name="${name}" type="${type}"/>`;
}

function entryType(value: string): string {
  const key = '<s:attribute name="key" type="s:string" use="required"/>';
  return `<s:simpleContent><s:extension base="${value}">${key}</s:extension></s:simpleContent>`;
}
