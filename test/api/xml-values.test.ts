import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { z } from "zod";
import { nounOfAnswer, nounOfBody } from "../../api/answer-format.ts";
import { newTransactionSchema } from "../../api/transaction-schemas.ts";
import { readXml } from "../../api/xml-reader.ts";
import { shapeOf } from "../../api/xml-shape.ts";
import { valueOfElement } from "../../api/xml-values.ts";
import { writeXml } from "../../api/xml-writer.ts";

const NAMESPACE = "urn:test";
const shape = shapeOf(newTransactionSchema);

function thereAndBack(value: unknown): unknown {
  const document = writeXml({ root: "transaction", namespace: NAMESPACE, shape, value });
  return valueOfElement(readXml(Buffer.from(document)), shape, new Set([NAMESPACE]));
}

/** Any text, what no XML can hold left out. */
const text = fc
  .string({ unit: "binary", maxLength: 60 })
  .map((any) => any.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ""));
const order = fc.record(
  {
    amount: fc.integer(),
    currency: text,
    description: text,
    accessDays: fc.integer(),
    items: fc.array(fc.record({ description: text, quantity: fc.integer(), amount: fc.integer() }), { maxLength: 4 }),
    metadata: fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true }),
  },
  { requiredKeys: ["amount"], noNullPrototype: true },
);

test("whatever XML can hold comes back from it as it was", () => {
  fc.assert(
    fc.property(order, (value) => {
      fc.pre(!Object.hasOwn(value.metadata ?? {}, "__proto__"));
      expect(thereAndBack(value)).toEqual(value);
    }),
  );
});

test("what a schema leaves open is written as it is", () => {
  const value = { data: { a: [1, { b: true }], c: null, d: "x" } };
  const document = writeXml({
    root: "event",
    namespace: NAMESPACE,
    shape: shapeOf(z.object({ data: z.record(z.string(), z.unknown()) })),
    value,
  });
  expect(document).toContain(
    '<data><entry key="a"><item>1</item><item><entry key="b">true</entry></item></entry><entry key="d">x</entry></data>',
  );
});

test("a root is named by the schema, or else by the address", () => {
  const plain = z.object({});
  const named = z.object({}).meta({ xml: { name: "access" } });
  expect(nounOfBody({ schema: plain, url: "/v1/webhook-endpoints/:id" })).toBe("webhookEndpoint");
  expect(nounOfBody({ schema: named, url: "/v1/access/check" })).toBe("access");
  expect(nounOfAnswer({ schema: plain, method: "GET", url: "/v1/webhook-endpoints/:id/deliveries" })).toBe(
    "deliveries",
  );
  expect(nounOfAnswer({ schema: named, method: "POST", url: "/v1/access/check" })).toBe("access");
});

test("whatever text there is, what is written is well-formed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary", maxLength: 40 }), (description, key) => {
      const halved = `${description}\ud800\u0000${description}`;
      expect(() => thereAndBack({ description: halved, metadata: { [key]: halved } })).not.toThrow(/well-formed/);
    }),
  );
});
