import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { readConfig } from "../../core/config.ts";

const ENOUGH = {
  DATABASE_URL: "postgres://phone2pay@127.0.0.1/phone2pay",
  PHONE2PAY_AGI_SECRET: "sixteen characters",
  PHONE2PAY_CALLER_HASH_KEY: "sixteen characters",
  PHONE2PAY_WEBHOOK_KEY: "sixteen characters",
};

test("with the database and the secrets given, everything else has a default that listens on loopback only", () => {
  const config = readConfig(ENOUGH);
  expect(config.http).toEqual({ host: "127.0.0.1", port: 8080, baseUrl: "http://127.0.0.1:8080", trustProxy: false });
  expect(config.agi).toMatchObject({ host: "127.0.0.1", port: 4573 });
});

test("every wrong variable is named in one go, with its reason and never with its value", () => {
  const wrong = {
    DATABASE_URL: "mysql://secret@host",
    PHONE2PAY_HTTP_PORT: "70000",
    PHONE2PAY_AGI_PORT: "many",
    PHONE2PAY_AGI_SECRET: "short",
    PHONE2PAY_BASE_URL: "javascript:alert(1)",
    PHONE2PAY_TRUST_PROXY: "perhaps",
    PHONE2PAY_LOG_LEVEL: "loud",
  };
  let message = "";
  try {
    readConfig(wrong);
  } catch (error) {
    message = String(error);
  }
  for (const name of [...Object.keys(wrong), "PHONE2PAY_CALLER_HASH_KEY", "PHONE2PAY_WEBHOOK_KEY"])
    expect(message).toContain(name);
  for (const value of ["secret@host", "short\n", "javascript"]) expect(message).not.toContain(value);
});

test.each([
  ["no", false],
  ["yes", true],
  ["10.0.0.7", ["10.0.0.7"]],
  ["10.0.0.0/8,2001:db8::/32,::1", ["10.0.0.0/8", "2001:db8::/32", "::1"]],
])("X-Forwarded-For is believed of %s", (value, trustProxy) => {
  expect(readConfig({ ...ENOUGH, PHONE2PAY_TRUST_PROXY: value }).http).toMatchObject({ trustProxy });
});

test("webhooks go to public addresses unless it is said otherwise", () => {
  expect(readConfig(ENOUGH).webhooks.privateAddresses).toBe(false);
  expect(readConfig({ ...ENOUGH, PHONE2PAY_WEBHOOK_PRIVATE_ADDRESSES: "yes" }).webhooks.privateAddresses).toBe(true);
});

test("an empty variable counts as one that isn't set", () => {
  expect(readConfig({ ...ENOUGH, PHONE2PAY_HTTP_PORT: "" }).http.port).toBe(8080);
});

test("docs/operating.md names every variable", async () => {
  const [page, source] = await Promise.all(
    ["docs/operating.md", "core/config.ts"].map((file) =>
      readFile(path.resolve(import.meta.dirname, "../..", file), "utf8"),
    ),
  );
  for (const [name] of source?.matchAll(/\b(?:DATABASE_URL|PHONE2PAY_[A-Z_]+)\b/g) ?? [])
    expect(page).toContain(`\`${name}\``);
});

test("advice of charge goes to the endpoints that are named, and to none by default", () => {
  const { adviceOfChargeTo } = readConfig({ ...ENOUGH, PHONE2PAY_ADVICE_OF_CHARGE: "carrier,pbx-2" });
  expect(adviceOfChargeTo).toEqual(["carrier", "pbx-2"]);
  expect(readConfig(ENOUGH).adviceOfChargeTo).toEqual([]);
  expect(() => readConfig({ ...ENOUGH, PHONE2PAY_ADVICE_OF_CHARGE: "carrier, pbx" })).toThrow("ADVICE_OF_CHARGE");
});

test("nobody frames the shoppers' pages but the origins that are named, written as browsers compare them", () => {
  const named = (value?: string) => readConfig({ ...ENOUGH, PHONE2PAY_FRAME_ANCESTORS: value }).frameAncestors;
  expect(named()).toEqual([]);
  expect(named("https://shop.example:8443,http://127.0.0.1:8081")).toEqual([
    "https://shop.example:8443",
    "http://127.0.0.1:8081",
  ]);
  const wrong = ["*", "https://*.example", "https://shop.example/", "https://Shop.example", "https://shop.example:443"];
  wrong.push(
    "http://shop.example",
    "shop.example",
    "'self'",
    "https://a.example; sandbox",
    "https://a.example, https://b.example",
  );
  for (const value of wrong) expect(() => named(value)).toThrow("FRAME_ANCESTORS");
});

test("played calls ask the voice servers that are named, the own one by default, or none", () => {
  const asked = (value?: string) => readConfig({ ...ENOUGH, PHONE2PAY_TEST_CALLS_AGI: value }).testCallsAgi;
  expect(asked("10.0.0.1:4573,agi-2.internal:4573")).toEqual(["10.0.0.1:4573", "agi-2.internal:4573"]);
  expect(asked()).toBeNull();
  expect(asked("off")).toEqual([]);
  for (const wrong of ["10.0.0.1", "a:1, b:2", "on"]) expect(() => asked(wrong)).toThrow("TEST_CALLS_AGI");
});
