import { z } from "zod";

/** What a schema says about the form of a value, as far as XML needs to know it to read and write the same values as JSON. */
export type Shape =
  | { readonly kind: "text" | "integer" | "boolean" | "moment" }
  /** The schema doesn't say: written as its value is, lists as lists and objects as pairs. */
  | { readonly kind: "any" }
  /** Repeated `<item>` elements. */
  | { readonly kind: "list"; readonly item: Shape }
  /** Repeated `<entry key="…">` elements: names that a merchant chose needn't be names in XML. */
  | { readonly kind: "pairs"; readonly value: Shape }
  | { readonly kind: "object"; readonly name: string | undefined; readonly fields: ReadonlyMap<string, Field> };
export type ObjectShape = Extract<Shape, { kind: "object" }>;

export interface Field {
  readonly shape: Shape;
  /** May be left out. */
  readonly optional: boolean;
}

const known = new WeakMap<z.core.$ZodType, Shape>();

/** The shape of a schema; the same object each time. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  const before = known.get(schema);
  if (before) return before;
  const shape = readShape(schema);
  known.set(schema, shape);
  return shape;
}

function readShape(schema: z.core.$ZodType): Shape {
  if (isWrapper(schema)) return shapeOf(schema.unwrap() as z.core.$ZodType);
  if (schema instanceof z.ZodPipe) return shapeOf(schema.in);
  if (schema instanceof z.ZodObject) return shapeOfObject(schema);
  if (schema instanceof z.ZodArray) return { kind: "list", item: shapeOf(schema.element) };
  if (schema instanceof z.ZodRecord) return { kind: "pairs", value: shapeOf(schema.valueType) };
  if (schema instanceof z.ZodUnion) return shapeOfUnion(schema.options);
  if (schema instanceof z.ZodNumber) return { kind: "integer" };
  if (schema instanceof z.ZodBoolean) return { kind: "boolean" };
  if (schema instanceof z.ZodISODateTime) return { kind: "moment" };
  if (schema instanceof z.ZodUnknown || schema instanceof z.ZodAny) return { kind: "any" };
  return { kind: "text" };
}

type Wrapper = z.ZodOptional | z.ZodNullable | z.ZodDefault | z.ZodReadonly;

function isWrapper(schema: z.core.$ZodType): schema is Wrapper {
  return [z.ZodOptional, z.ZodNullable, z.ZodDefault, z.ZodReadonly].some((wrapper) => schema instanceof wrapper);
}

function shapeOfObject(schema: z.ZodObject): Shape {
  const fields = new Map<string, Field>();
  for (const [name, field] of Object.entries(schema.shape)) {
    const optional = z.safeParse(field, undefined).success || z.safeParse(field, null).success;
    fields.set(name, { shape: shapeOf(field), optional });
  }
  return { kind: "object", name: schema.meta()?.id, fields };
}

/** Objects of several forms have the fields of all; which go together is the schema's to say. */
function shapeOfUnion(options: readonly z.core.$ZodType[]): Shape {
  const shapes = options.map(shapeOf);
  const [first = { kind: "text" }, ...others] = shapes;
  const objects = shapes.filter((shape) => shape.kind === "object");
  if (objects.length === shapes.length) {
    const fields = objects.flatMap((shape) => [...shape.fields]);
    const all = new Map(fields.map(([name, { shape }]) => [name, { shape, optional: true }]));
    return { kind: "object", name: undefined, fields: all };
  }
  return others.every((shape) => shape.kind === first.kind) ? first : { kind: "text" };
}
