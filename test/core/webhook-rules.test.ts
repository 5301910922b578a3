import { expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { isPublicAddress } from "../../core/public-address.ts";
import { type AttemptOutcome, judgeAttempt, readRetryAfter, WAITS_SECONDS } from "../../core/webhook-schedule.ts";
import { webhookSecret, webhookSignature } from "../../core/webhook-secret.ts";

const answered = (status: number, retryAfterSeconds: number | null = null): AttemptOutcome => ({
  status,
  error: null,
  retryAfterSeconds,
});
const judge = (outcome: AttemptOutcome, step = 0, dice = 0) => judgeAttempt({ step, test: false, dice }, outcome);

test.each([
  "8.8.8.8",
  "93.184.215.14",
  "172.15.255.255",
  "172.32.0.1",
  "100.63.255.255",
  "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
  "2a00:1450:400a:800::200e",
])("%s is on the public Internet", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ["this machine", ["127.0.0.1", "127.255.0.9", "0.0.0.0", "::1", "::"]],
  ["private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1"]],
  ["link-local, with the cloud's own services", ["169.254.169.254", "fe80::1"]],
  ["shared by a carrier's customers", ["100.64.0.1", "100.127.255.255"]],
  ["multicast and broadcast", ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"]],
  ["reserved", ["192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1", "2001:db8::1", "100::1"]],
  [
    "IPv4 wrapped up in IPv6",
    ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "2002:7f00:1::", "2001:0:7f00:1::"],
  ],
  ["IPv4 behind a translator", ["64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "::ffff:0:127.0.0.1"]],
  ["site-local of old", ["fec0::1"]],
  ["no address", ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.2.3", "1.2.3.4.5", "fe80::1%eth0", "[::1]"]],
])("%s isn't on the public Internet", (_what, addresses) => {
  for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, false]);
});

test("the waits grow to a day, and are longer by a tenth at most", () => {
  expect(WAITS_SECONDS).toEqual([0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
  for (const [step, wait] of WAITS_SECONDS.slice(1).entries()) {
    expect(judge(answered(500), step, 0)).toEqual({ kind: "again", waitSeconds: wait });
    const { waitSeconds } = judge(answered(500), step, 0.999) as { readonly waitSeconds: number };
    expect(waitSeconds).toBeGreaterThan(wait);
    expect(waitSeconds).toBeLessThan(wait * 1.1);
  }
  expect(judge(answered(500), WAITS_SECONDS.length - 1)).toEqual({ kind: "failed", gone: false });
});

test.each([200, 201, 204, 299])("%s is a delivery", (status) => {
  expect(judge(answered(status))).toEqual({ kind: "delivered" });
});

test.each([100, 199, 301, 302, 304, 307, 308, 400, 401, 404, 429, 500, 503])("%s is none", (status) => {
  expect(judge(answered(status))).toMatchObject({ kind: "again" });
});

test("an answer that began well and didn't end is none", () => {
  expect(judge({ status: 200, error: "timed_out", retryAfterSeconds: null })).toMatchObject({ kind: "again" });
});

test("410 ends it at once, and a test is tried once", () => {
  expect(judge(answered(410))).toEqual({ kind: "failed", gone: true });
  expect(judgeAttempt({ step: 0, test: true, dice: 0 }, answered(500))).toEqual({ kind: "failed", gone: false });
});

test("a receiver can ask for a longer wait, never for a shorter one, nor for more than a day", () => {
  expect(judge(answered(429, 1_200))).toEqual({ kind: "again", waitSeconds: 1_200 });
  expect(judge(answered(429, 1))).toEqual({ kind: "again", waitSeconds: 5 });
  expect(judge(answered(503, 999_999_999))).toEqual({ kind: "again", waitSeconds: 86_400 });
});

test.each([
  ["120", 120],
  ["0", 0],
  ["Wed, 21 Oct 2026 07:28:30 GMT", 30],
  ["Wed, 21 Oct 2026 07:00:00 GMT", 0],
  ["-1", null],
  ["1.5", null],
  ["soon", null],
  ["9999999999999", null],
  ["2026", 2026],
  ["2027-01-01", null],
  [undefined, null],
])("Retry-After «%s» is %s seconds", (header, seconds) => {
  expect(readRetryAfter(header, new Date("2026-10-21T07:28:00Z"))).toBe(seconds);
});

const KEY = "the-operator's-own-key";
const endpoint = { id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301", version: 1 };
const message = { id: "evt_7", timestampSeconds: Math.floor(Date.now() / 1_000), body: '{"type":"transaction.paid"}' };
const headersOf = (signature: string) => ({
  "webhook-id": message.id,
  "webhook-timestamp": String(message.timestampSeconds),
  "webhook-signature": signature,
});

test("a secret has 32 bytes, and depends on the key, the endpoint and the version", () => {
  const secret = webhookSecret(KEY, endpoint);
  expect(Buffer.from(secret.replace(/^whsec_/, ""), "base64")).toHaveLength(32);
  expect(webhookSecret(KEY, endpoint)).toBe(secret);
  const others = [
    webhookSecret("another-key-of-operators", endpoint),
    webhookSecret(KEY, { ...endpoint, version: 2 }),
    webhookSecret(KEY, { ...endpoint, id: "3f2504e0-4f89-41d3-9a0c-0305e82c3302" }),
  ];
  expect(new Set([secret, ...others]).size).toBe(4);
});

test("the library of Standard Webhooks verifies what we sign, with either of two secrets, and nothing else", () => {
  const [one, two, third] = [1, 2, 3].map((version) => webhookSecret(KEY, { ...endpoint, version }));
  const headers = headersOf(webhookSignature([one!, two!], message));
  for (const secret of [one!, two!])
    expect(new Webhook(secret).verify(message.body, headers)).toEqual({ type: "transaction.paid" });
  expect(() => new Webhook(third!).verify(message.body, headers)).toThrow("No matching signature");
  expect(() => new Webhook(one!).verify(`${message.body} `, headers)).toThrow("No matching signature");
});
