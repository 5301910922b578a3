import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readXml } from "../../api/xml-reader.ts";
import { PublicError } from "../../core/errors.ts";
import { ApiUnderTest } from "./api-app.ts";
import { SERVICE } from "./webservices-app.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const LAUGHS = `<!DOCTYPE quote [<!ENTITY a0 "ha">${Array.from({ length: 30 }, (_, i) => `<!ENTITY a${i + 1} "&a${i};&a${i};">`).join("")}]><quote><amount>&a30;</amount></quote>`;
const QUADRATIC = `<!DOCTYPE quote [<!ENTITY a "${"x".repeat(20_000)}">]><quote><amount>${"&a;".repeat(5_000)}</amount></quote>`;
const utf16 = (text: string) => Buffer.from(text, "utf16le");

/** Each as the body of a request, and the code that refuses it. */
const XML: readonly (readonly [string, string | Buffer, string])[] = [
  ["a document type", "<!DOCTYPE quote><quote><amount>990</amount></quote>", "request_malformed"],
  [
    "an external entity",
    '<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><quote><amount>&x;</amount></quote>',
    "request_malformed",
  ],
  [
    "an external parameter entity",
    '<!DOCTYPE q [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]><quote/>',
    "request_malformed",
  ],
  ["a document type of elsewhere", '<!DOCTYPE q SYSTEM "http://127.0.0.1:1/x.dtd"><quote/>', "request_malformed"],
  ["a billion laughs", LAUGHS, "request_malformed"],
  ["quadratic blow-up", QUADRATIC, "request_malformed"],
  ["an entity that nobody declared", "<quote><amount>&nbsp;</amount></quote>", "request_malformed"],
  ["a character that XML can't hold", "<quote><amount>&#0;</amount></quote>", "request_malformed"],
  ["half a surrogate", "<quote><amount>&#xd800;</amount></quote>", "request_malformed"],
  ["a character of a million digits", `<quote><amount>&#${"9".repeat(50_000)};</amount></quote>`, "request_malformed"],
  ["a processing instruction", '<?php system("x") ?><quote><amount>990</amount></quote>', "request_malformed"],
  ["a style sheet", '<?xml-stylesheet href="http://127.0.0.1:1/"?><quote/>', "request_malformed"],
  [
    "an inclusion",
    '<quote xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></quote>',
    "amount_invalid",
  ],
  ["nine thousand levels", "<a>".repeat(9_000) + "</a>".repeat(9_000), "request_malformed"],
  ["ten thousand elements", `<quote>${"<a/>".repeat(10_000)}</quote>`, "request_malformed"],
  ["an attribute of 60 KB", `<quote a="${"x".repeat(60_000)}"/>`, "request_malformed"],
  ["an attribute name of 60 KB", `<quote ${"x".repeat(60_000)}="a"/>`, "request_malformed"],
  ["an element name of 60 KB", `<${"x".repeat(60_000)}/>`, "request_malformed"],
  [
    "thousands of attributes",
    `<quote ${Array.from({ length: 6_000 }, (_, i) => `a${i}="1"`).join(" ")}/>`,
    "request_malformed",
  ],
  [
    "a million attributes",
    `<quote ${Array.from({ length: 1_000_000 }, (_, i) => `a${i}="1"`).join(" ")}/>`,
    "body_too_large",
  ],
  [
    "thousands of namespaces",
    `<quote ${Array.from({ length: 3_000 }, (_, i) => `xmlns:a${i}="b"`).join(" ")}/>`,
    "request_malformed",
  ],
  ["the same attribute twice", '<quote a="1" a="2"/>', "request_malformed"],
  ["a text of 60 KB", `<quote><amount>${"1".repeat(60_000)}</amount></quote>`, "request_malformed"],
  ["a comment of 100 KB", `<quote><!--${"x".repeat(100_000)}--></quote>`, "body_too_large"],
  ["a byte too many", `<quote>${" ".repeat(64 * 1_024)}</quote>`, "body_too_large"],
  ["a CDATA section without an end", "<quote><amount><![CDATA[990</amount></quote>", "request_malformed"],
  ["an entity in a CDATA section", "<quote><amount><![CDATA[&x;]]></amount></quote>", "amount_invalid"],
  ["a comment without an end", "<quote><!-- <amount>990</amount></quote>", "request_malformed"],
  ["half a document", "<quote><amount>99", "request_malformed"],
  ["half a tag", "<quote><amoun", "request_malformed"],
  ["two roots", "<quote/><quote/>", "request_malformed"],
  ["text after its end", "<quote/>x", "request_malformed"],
  ["nothing", "", "request_malformed"],
  ["no XML", '{"amount": 990}', "request_malformed"],
  ["a NUL", "<quote><amount>9\u000090</amount></quote>", "request_malformed"],
  ["only NULs", "\0".repeat(1_000), "encoding_unsupported"],
  ["an undeclared prefix", "<x:quote/>", "request_malformed"],
  ["XML 1.1", '<?xml version="1.1"?><quote><amount>990</amount></quote>', "request_malformed"],
  [
    "a Latin-1 declaration",
    '<?xml version="1.0" encoding="ISO-8859-1"?><quote><amount>990</amount></quote>',
    "encoding_unsupported",
  ],
  ["Latin-1", Buffer.from("<quote><amount>é</amount></quote>", "latin1"), "encoding_unsupported"],
  ["a UTF-7 declaration", '<?xml version="1.0" encoding="UTF-7"?>+ADw-quote+AD4-', "encoding_unsupported"],
  ["UTF-7", "+ADw-quote+AD4-+ADw-/quote+AD4-", "request_malformed"],
  ["UTF-16 with a mark", utf16("\ufeff<quote><amount>990</amount></quote>"), "encoding_unsupported"],
  ["UTF-16 without", utf16("<quote><amount>990</amount></quote>"), "encoding_unsupported"],
  ["UTF-16 the other way round", utf16("\ufeff<quote><amount>990</amount></quote>").swap16(), "encoding_unsupported"],
  ["UTF-8 in too many bytes", Buffer.from([0x3c, 0xc1, 0xa1, 0x2f, 0x3e]), "encoding_unsupported"],
  ["surrogates in UTF-8", Buffer.from([0x3c, 0x61, 0x3e, 0xed, 0xa0, 0x80]), "encoding_unsupported"],
];

const JSON_BODIES: readonly (readonly [string, string | Buffer, string])[] = [
  ["a prototype", '{"__proto__": {"amount": 990}, "amount": 990}', "request_malformed"],
  ["an escaped prototype", '{"\\u005f_proto__": {"amount": 990}, "amount": 990}', "request_malformed"],
  ["a constructor's prototype", '{"constructor": {"prototype": {"amount": 1}}, "amount": 990}', "request_malformed"],
  ["a number beyond all", '{"amount": 1e400}', "amount_invalid"],
  ["a number of 60,000 digits", `{"amount": ${"9".repeat(60_000)}}`, "amount_invalid"],
  ["a number beyond exactness", '{"amount": 9007199254740993}', "amount_invalid"],
  ["minus nothing of a rappen", '{"amount": 1e-400}', "amount_invalid"],
  ["a field twice", '{"amount": 990, "amount": 1}', "request_malformed"],
  ["a field twice, once escaped", '{"amount": 990, "\\u0061mount": 1}', "request_malformed"],
  ["a field twice deep inside", '{"amount": 990, "x": [{"a": 1, "b": {}, "a": 2}]}', "request_malformed"],
  ["thirty thousand lists", "[".repeat(30_000) + "]".repeat(30_000), "request_malformed"],
  ["ten thousand objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, "request_malformed"],
  ["ten thousand lists without an end", "[".repeat(10_000), "request_malformed"],
  ["half a surrogate in a name", '{"amount": 990, "\\ud800": 1}', "field_invalid"],
  ["half a surrogate in a value", '{"amount": 990, "number": "\\ud800"}', "number_unknown"],
  ["a NUL in a value", '{"amount": 990, "number": "\\u0000"}', "number_unknown"],
  ["UTF-16", utf16('{"amount": 990}'), "request_malformed"],
  ["a megabyte", `{"amount": "${"9".repeat(1_000_000)}"}`, "body_too_large"],
];

const ATTACKS = [
  ...XML.map(([name, payload, code]) => ({ name: `XML: ${name}`, type: "application/xml", payload, code })),
  ...JSON_BODIES.map(([name, payload, code]) => ({ name: `JSON: ${name}`, type: "application/json", payload, code })),
];

function attack({ type, payload }: { readonly type: string; readonly payload: string | Buffer }, url = "/v1/quotes") {
  const headers = { authorization: `Bearer ${api.seeded.liveKey}`, "content-type": type };
  return api.app.inject({ method: "POST", url, headers, payload });
}

test.each(ATTACKS)("$name is refused", async (attacking) => {
  const answer = await attack(attacking);
  expect([answer.statusCode >= 400 && answer.statusCode < 500, answer.json().code]).toEqual([true, attacking.code]);
  expect(answer.body.length).toBeLessThan(3_000);
});

test.each(XML.filter(([, , code]) => code !== "amount_invalid"))(
  "SOAP refuses %s, too",
  async (_name, payload, code) => {
    for (const type of ["text/xml", "application/soap+xml"]) {
      const answer = await attack({ type, payload }, SERVICE);
      expect(answer.statusCode).toBe(type === "text/xml" ? 500 : 400);
      expect(answer.body).toContain(`<code>${code}</code>`);
    }
  },
);

test("a character set that the content type names is refused unless it is UTF-8", async () => {
  for (const charset of ["iso-8859-1", '"utf-16"', "UTF-7"]) {
    const xml = await attack({ type: `text/xml; charset=${charset}`, payload: "<quote><amount>990</amount></quote>" });
    const json = await attack({ type: `application/json; charset=${charset}`, payload: '{"amount": 990}' });
    expect([xml.json().code, json.json().code]).toEqual(["encoding_unsupported", "encoding_unsupported"]);
  }
});

test("hundreds of each leave the memory as it was, and the server answers afterwards", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // XML goes to the SOAP face, where it is refused before the database is asked who that is.
  const faces = { "application/xml": ["text/xml", SERVICE], "application/json": ["application/json", "/v1/quotes"] };
  const small = ATTACKS.filter(({ payload }) => payload.length < 200_000);
  const round = async (times: number) => {
    for (let time = 0; time < times; time++)
      await Promise.all(
        small.map(({ type, payload }) => {
          const [asType = "", url] = faces[type as keyof typeof faces];
          return attack({ type: asType, payload }, url);
        }),
      );
  };
  await round(20);
  collect();
  const before = process.memoryUsage().heapUsed;
  await round(200);
  collect();
  const grownMb = (process.memoryUsage().heapUsed - before) / 1_048_576;
  expect(grownMb).toBeLessThan(5);
  const answer = await attack({ type: "application/json", payload: '{"amount": 990}' });
  expect([answer.statusCode, answer.json().total]).toEqual([200, 990]);
  const polluted: Readonly<Record<string, unknown>> = {};
  expect(polluted.amount).toBeUndefined();
}, 180_000);

test("limits are limits: what is at them is read", () => {
  const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
  const attributes = (count: number) => `<a ${Array.from({ length: count }, (_, i) => `b${i}="1"`).join(" ")}/>`;
  const readable = [
    nested(16),
    attributes(16),
    `<r>${"<a/>".repeat(999)}</r>`,
    `<a b="${"x".repeat(500)}"/>`,
    `<a>${"x".repeat(8_000)}</a>`,
    `<a>${" ".repeat(100)}<!--${"x".repeat(60_000)}--></a>`,
  ];
  for (const text of readable) expect(readXml(Buffer.from(text)).name).toMatch(/^[ar]$/);
  const refused = [
    nested(17),
    attributes(17),
    `<r>${"<a/>".repeat(1_000)}</r>`,
    `<a b="${"x".repeat(501)}"/>`,
    `<a>${"x".repeat(8_001)}</a>`,
  ];
  for (const text of refused) expect(() => readXml(Buffer.from(text))).toThrow(PublicError);
});
