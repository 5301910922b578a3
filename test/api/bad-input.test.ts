import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ApiUnderTest, ORDER } from "./api-app.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
const lines = (count: number) => Array.from({ length: count }, () => ({ description: "x", quantity: 1, amount: 2 }));

const ALLOWED: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["the largest amount that an hour can bill", { amount: 7_200 }],
  ["an amount that needs a second hour", { amount: 7_201 }],
  ["the largest amount that there is", { amount: 40_000 }],
  ["a description at its limit", { description: "é".repeat(200) }],
  ["fifty items that sum up", { items: lines(50) }],
  ["no items", { items: [] }],
  ["metadata at its limits", { metadata: { ...pairs(19), ["k".repeat(40)]: "v".repeat(500) } }],
  ["metadata with the names of an object's own methods", { metadata: { toString: "a", constructor: "b" } }],
  ["metadata of several lines", { metadata: { note: "a\nb\tc" } }],
  ["a reference at its limit", { reference: "x".repeat(100) }],
  ["null for what may be left out", { items: null, reference: null, cancelUrl: null, number: null, metadata: null }],
  ["a return address with an international name", { returnUrl: "https://müller.example/ü?q=é" }],
  ["a return address of IPv6", { returnUrl: "http://[::1]:8081/back" }],
  ["the longest pass", { accessDays: 31 }],
];
test.each(ALLOWED)("%s is allowed", async (_name, changes) => {
  const answer = await api.post("/v1/transactions", { ...ORDER, ...changes });
  expect([answer.statusCode, answer.json().code]).toEqual([201, null]);
});

test.each([0, -1, 1.5, 40_001, 1e9, Number.POSITIVE_INFINITY, 9.9, "100", "NaN", "", null, true, [100], {}])(
  "the amount %j is invalid",
  async (amount) => {
    for (const url of ["/v1/transactions", "/v1/quotes"]) {
      const body = url.endsWith("quotes") ? { amount } : { ...ORDER, amount };
      // JSON.stringify has no word for infinity; the wire has.
      const text = JSON.stringify(body, (_key, value) => (value === Infinity ? "@" : value)).replace('"@"', "1e400");
      const answer = await api.post(url, text);
      expect(answer.json()).toMatchObject({ status: 422, code: "amount_invalid", errors: [{ path: "/amount" }] });
    }
  },
);

const REFUSED: readonly (readonly [string, Readonly<Record<string, unknown>>, string, string])[] = [
  ["no amount", { amount: undefined }, "amount_invalid", "/amount"],
  ["euros", { currency: "EUR" }, "currency_unsupported", "/currency"],
  ["no currency", { currency: undefined }, "currency_unsupported", "/currency"],
  ["no description", { description: undefined }, "field_invalid", "/description"],
  ["an empty description", { description: "" }, "field_invalid", "/description"],
  ["a blank description", { description: "  " }, "field_invalid", "/description"],
  ["a description of zero-width spaces", { description: "\u200b\u00ad" }, "field_invalid", "/description"],
  ["a description of fillers", { description: "\u115f\u3164\u2800" }, "field_invalid", "/description"],
  ["a bidi mark in the description", { description: "a\u061cb" }, "field_invalid", "/description"],
  ["a pile of marks on a letter", { description: `a${"\u0301".repeat(9)}` }, "field_invalid", "/description"],
  ["a long description", { description: "x".repeat(201) }, "field_invalid", "/description"],
  ["a NUL in the description", { description: "a\u0000b" }, "field_invalid", "/description"],
  ["a line break in the description", { description: "a\nb" }, "field_invalid", "/description"],
  ["a direction override in the description", { description: "a\u202eb" }, "field_invalid", "/description"],
  ["half a surrogate in the description", { description: "a\ud800b" }, "field_invalid", "/description"],
  ["items that sum up to something else", { items: lines(3) }, "field_invalid", "/items"],
  ["51 items", { items: lines(51) }, "field_invalid", "/items"],
  ["items that aren't a list", { items: { 0: lines(1)[0] } }, "field_invalid", "/items"],
  ["an item of no quantity", { items: [{ ...lines(1)[0], quantity: 0 }] }, "field_invalid", "/items/0/quantity"],
  ["an item of a negative amount", { items: [{ ...lines(1)[0], amount: -1 }] }, "field_invalid", "/items/0/amount"],
  ["an item with an unknown field", { items: [{ ...lines(1)[0], vat: 8 }] }, "field_invalid", "/items/0/vat"],
  ["an empty reference", { reference: "" }, "field_invalid", "/reference"],
  ["a long reference", { reference: "x".repeat(101) }, "field_invalid", "/reference"],
  ["a number for a reference", { reference: 7 }, "field_invalid", "/reference"],
  ["no return address", { returnUrl: undefined }, "return_url_invalid", "/returnUrl"],
  ["a script as return address", { returnUrl: "javascript:alert(1)" }, "return_url_invalid", "/returnUrl"],
  ["data as return address", { returnUrl: "data:text/html,x" }, "return_url_invalid", "/returnUrl"],
  [
    "half a surrogate in the return address",
    { returnUrl: "https://a.example/\ud800" },
    "return_url_invalid",
    "/returnUrl",
  ],
  ["a relative return address", { returnUrl: "/back" }, "return_url_invalid", "/returnUrl"],
  ["a return address without a host", { returnUrl: "https://" }, "return_url_invalid", "/returnUrl"],
  ["a password in the return address", { returnUrl: "https://a:b@shop.example/" }, "return_url_invalid", "/returnUrl"],
  [
    "a user in the return address",
    { returnUrl: "https://good.example@evil.example/" },
    "return_url_invalid",
    "/returnUrl",
  ],
  [
    "a long return address",
    { returnUrl: `https://a.example/${"x".repeat(2_000)}` },
    "return_url_invalid",
    "/returnUrl",
  ],
  [
    "a return address that is long when encoded",
    { returnUrl: `https://a.example/${"é".repeat(900)}` },
    "return_url_invalid",
    "/returnUrl",
  ],
  ["a file as cancel address", { cancelUrl: "file:///etc/passwd" }, "return_url_invalid", "/cancelUrl"],
  ["Romansh", { language: "rm" }, "field_invalid", "/language"],
  ["a pass of 32 days", { accessDays: 32 }, "field_invalid", "/accessDays"],
  ["a pass of less than none", { accessDays: -1 }, "field_invalid", "/accessDays"],
  ["a number that isn't ours", { number: "0900 123 456" }, "number_unknown", "/number"],
  ["a number that isn't one", { number: "x" }, "number_unknown", "/number"],
  ["21 pairs of metadata", { metadata: pairs(21) }, "field_invalid", "/metadata"],
  ["a long key", { metadata: { ["k".repeat(41)]: "v" } }, "field_invalid", `/metadata/${"k".repeat(41)}`],
  ["a long value", { metadata: { k: "v".repeat(501) } }, "field_invalid", "/metadata/k"],
  ["a value that isn't text", { metadata: { k: 1 } }, "field_invalid", "/metadata/k"],
  ["a NUL in a value", { metadata: { k: "\u0000" } }, "field_invalid", "/metadata/k"],
  ["half a surrogate in a value", { metadata: { k: "\udc00" } }, "field_invalid", "/metadata/k"],
  ["metadata that is a list", { metadata: ["v"] }, "field_invalid", "/metadata"],
  ["a field that doesn't exist", { ammount: 5 }, "field_invalid", "/ammount"],
  ["a field named like a method", { hasOwnProperty: 5 }, "field_invalid", "/hasOwnProperty"],
];
test.each(REFUSED)("%s is refused, and named", async (_name, changes, code, path) => {
  const answer = await api.post("/v1/transactions", { ...ORDER, ...changes });
  expect(answer.json()).toMatchObject({ status: 422, code, errors: [{ path }] });
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
});

const UNREADABLE: readonly (readonly [string, string | Buffer, number])[] = [
  ["half a document", '{"amount": 1', 400],
  ["nothing", "", 400],
  ["NaN", '{"amount": NaN}', 400],
  ["a comment", '{"amount": 1 /* one */}', 400],
  ["a key that reaches the prototype", '{"__proto__": {"amount": 1}}', 400],
  ["the same inside metadata", '{"metadata": {"__proto__": "x"}}', 400],
  ["a constructor's prototype", '{"constructor": {"prototype": {"amount": 1}}}', 400],
  ["a list", "[]", 422],
  ["a text", '"x"', 422],
  ["null", "null", 422],
  ["thirty thousand lists in each other", "[".repeat(30_000) + "]".repeat(30_000), 400],
  ["a field twice", JSON.stringify(ORDER).replace("{", '{"amount": 1,'), 400],
];
test.each(UNREADABLE)("a body that is %s is refused", async (_name, payload, status) => {
  const headers = { authorization: `Bearer ${api.seeded.liveKey}`, "content-type": "application/json" };
  const answer = await api.app.inject({ method: "POST", url: "/v1/transactions", headers, payload });
  expect(answer.json()).toMatchObject({ status, code: status === 400 ? "request_malformed" : "field_invalid" });
});

test("a problem lists twenty fields at most, and doesn't send back what it was sent", async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field${i}`, 1]));
  const answer = await api.post("/v1/transactions", { ...ORDER, ...many, ["x".repeat(10_000)]: 1 });
  expect(answer.json().errors).toHaveLength(20);
  const long = await api.post("/v1/transactions", { ...ORDER, ["x".repeat(50_000)]: 1 });
  expect(long.body.length).toBeLessThan(2_000);
});

test("a redeem without a body is a redeem, whatever content type comes with it", async () => {
  for (const headers of [
    {},
    { "content-type": "application/json" },
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": "text/plain" },
  ]) {
    const { id } = await api.create();
    await api.pay(id);
    const answer = await api.ask("POST", `/v1/transactions/${id}/redeem`, { headers });
    expect([answer.statusCode, answer.json().status]).toEqual([200, "redeemed"]);
  }
});

test.each([
  [undefined, 200],
  ["", 200],
  ["*/*", 200],
  ["application/*;q=0.5", 200],
  ["text/html, application/json;q=0.9", 200],
  ["application/xml, */*;q=0.1", 200],
  ["application/xml", 200],
  ["text/html", 406],
  ["application/json;q=0", 406],
])("Accept: %s is answered with %i", async (accept, status) => {
  const headers = accept === undefined ? {} : { accept };
  expect((await api.get("/v1/numbers", { headers })).statusCode).toBe(status);
});
