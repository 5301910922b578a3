import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { hash } from "@node-rs/argon2";
import type { FastifyBaseLogger } from "fastify";
import { Attempts } from "../../api/webservices/attempts.ts";
import { openSignIn, type SignIn, TRIES_OF_ADDRESS, TRIES_OF_LOGIN } from "../../api/webservices/sign-in.ts";
import { openLog } from "../../bin/log.ts";
import { changePassword, findUser } from "../../db/merchants.ts";
import { seedMerchant } from "../support/seed.ts";
import { ApiUnderTest } from "./api-app.ts";
import { addLogin, PASSWORD, post, quickHash } from "./webservices-app.ts";

const log = openLog("silent", "test") as FastifyBaseLogger;
const CALLER = { address: "192.0.2.1", log };

let api: ApiUnderTest;
let signIn: SignIn;
let login: Awaited<ReturnType<typeof addLogin>>;

beforeEach(async () => {
  api = await ApiUnderTest.start();
  signIn = openSignIn(api.db);
  login = await addLogin(api.db, api.seeded.merchantId);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

/** The code that refuses, or null. */
const code = (signing: Promise<unknown>) =>
  signing.then(() => null).catch((error: { readonly code?: unknown }) => error.code);

test("all three must belong together, and one code says that they don't", async () => {
  expect(await signIn(login, CALLER)).toMatchObject({
    merchant: { id: api.seeded.merchantId },
    name: "disques",
    test: null,
  });
  const other = await seedMerchant(api.db, { number: "0900900951" });
  const stranger = await addLogin(api.db, other.merchantId, "autre");
  for (const wrong of [
    { ...login, password: "wrong" },
    { ...login, password: `${PASSWORD} ` },
    { ...login, login: "DISQUES" },
    { ...login, login: stranger.login },
    { ...login, merchantNumber: stranger.merchantNumber },
    { ...login, merchantNumber: "999999" },
    { ...login, merchantNumber: "" },
    { ...login, password: undefined },
    { ...login, login: "a\0b" },
    { ...login, password: "x".repeat(10_000) },
    { ...login, login: {} },
    {},
  ])
    expect([wrong, await code(signIn(wrong, CALLER))]).toEqual([wrong, "credentials_invalid"]);
});

test("a key signs in alone, and for no other merchant", async () => {
  const { liveKey, testKey, merchantId } = api.seeded;
  expect(await signIn({ apiKey: testKey }, CALLER)).toMatchObject({
    merchant: { id: merchantId },
    name: "test",
    test: true,
  });
  const { merchantNumber } = login;
  expect(await signIn({ apiKey: liveKey, merchantNumber }, CALLER)).toMatchObject({ name: "live", test: false });
  expect(await code(signIn({ apiKey: liveKey, merchantNumber: "999999" }, CALLER))).toBe("api_key_invalid");
  expect(await code(signIn({ ...login, apiKey: "p2p_live_wrong" }, CALLER))).toBe("api_key_invalid");
});

test("a login that doesn't exist takes as long to refuse as a wrong password", async () => {
  const user = await findUser(api.db, { merchantId: api.seeded.merchantId, login: login.login });
  await changePassword(api.db, user!.id, await hash(PASSWORD));
  await code(signIn({ ...login, login: "nobody" }, CALLER));
  // One after the other in turns, and the quickest of each: what else the machine does slows them alike.
  const took: { readonly wrong: number[]; readonly nobody: number[] } = { wrong: [], nobody: [] };
  for (let time = 0; time < 8; time++)
    for (const [kind, tried] of [
      ["wrong", login.login],
      ["nobody", `nobody${time}`],
    ] as const) {
      const began = performance.now();
      await code(
        signIn({ ...login, login: tried, password: `wrong${time}` }, { ...CALLER, address: `192.0.2.${time}` }),
      );
      took[kind].push(performance.now() - began);
    }
  const [ofWrong, ofNobody] = [Math.min(...took.wrong), Math.min(...took.nobody)];
  expect(ofNobody / ofWrong).toBeGreaterThan(0.5);
  expect(ofNobody / ofWrong).toBeLessThan(2);
});

test("a right password isn't computed again, until it is changed", async () => {
  const user = await findUser(api.db, { merchantId: api.seeded.merchantId, login: login.login });
  await changePassword(api.db, user!.id, await hash(PASSWORD));
  const timed = async () => {
    const began = performance.now();
    await signIn(login, CALLER);
    return performance.now() - began;
  };
  const first = await timed();
  const second = Math.min(await timed(), await timed(), await timed());
  expect(second).toBeLessThan(first / 2);
  await changePassword(api.db, user!.id, await quickHash("another"));
  expect(await code(signIn(login, CALLER))).toBe("credentials_invalid");
  expect(await signIn({ ...login, password: "another" }, CALLER)).toMatchObject({ name: "disques" });
});

test("tries for one login are limited, from wherever they come; a shop whose password is remembered goes on", async () => {
  const guess = (time: number) =>
    signIn({ ...login, password: `guess${time}` }, { address: `198.51.100.${time}`, log });
  await signIn(login, CALLER);
  for (let time = 0; time < TRIES_OF_LOGIN.attemptsMax; time++)
    expect(await code(guess(time))).toBe("credentials_invalid");
  expect(await code(guess(200))).toBe("too_many_requests");
  expect(await signIn(login, CALLER)).toMatchObject({ name: "disques" });
  // Who doesn't remember it can't tell the right password from a wrong one any more.
  expect(await code(openSignIn(api.db)({ ...login, password: "wrong" }, CALLER))).toBe("credentials_invalid");
  expect(await code(signIn({ ...login, login: "nobody" }, CALLER))).toBe("credentials_invalid");
});

test("a shop that sells goes on while its login is being guessed at, however long that takes", async () => {
  let minutes = 0;
  const signInLater = openSignIn(api.db, () => minutes * 60_000);
  const guess = () => signInLater({ ...login, password: "guess" }, { address: `198.51.100.${minutes}`, log });
  await signInLater(login, CALLER);
  for (minutes = 1; minutes <= 24; minutes += 3) {
    for (let time = 0; time < TRIES_OF_LOGIN.attemptsMax; time++) await code(guess());
    expect(await code(guess())).toBe("too_many_requests");
    expect(await code(signInLater(login, CALLER))).toBeNull();
  }
});

test("tries from one address are limited, whoever is tried, and all at the same moment don't slip through", async () => {
  const tries: unknown[] = [];
  const atOnce = 20;
  while (tries.length < TRIES_OF_ADDRESS.attemptsMax + 10) {
    const some = Array.from({ length: atOnce }, (_, time) => ({ ...login, login: `nobody${tries.length + time}` }));
    tries.push(...(await Promise.all(some.map((each) => code(signIn(each, CALLER))))));
  }
  const codes = Map.groupBy(tries, (each) => each);
  expect(codes.get("credentials_invalid")).toHaveLength(TRIES_OF_ADDRESS.attemptsMax);
  expect(codes.get("too_many_requests")).toHaveLength(10);
  expect(await code(signIn(login, { address: "192.0.2.9", log }))).toBeNull();
});

test("many calls at once with the right password are one try", async () => {
  const calls = Array.from({ length: 60 }, () => code(signIn(login, CALLER)));
  expect(new Set(await Promise.all(calls))).toEqual(new Set([null]));
});

test("refused for too many tries, a client is told when to go on", async () => {
  for (let time = 0; time < TRIES_OF_LOGIN.attemptsMax; time++)
    await post(api.app, "CheckTransaction", { ...login, password: `x${time}`, id: "1" });
  const answer = await post(api.app, "CheckTransaction", { ...login, password: "x", id: "1" });
  expect([answer.statusCode, Number(answer.headers["retry-after"]) > 500]).toEqual([429, true]);
});

test("attempts are counted by window, and the oldest key makes room", () => {
  const attempts = new Attempts({ attemptsMax: 2, windowMs: 1_000, keysMax: 2 });
  attempts.take("a", 0);
  attempts.take("a", 999);
  expect(() => attempts.take("a", 999)).toThrow();
  attempts.take("a", 1_000);
  attempts.giveBack("a");
  attempts.take("a", 1_001);
  attempts.take("a", 1_001);
  expect(() => attempts.take("a", 1_001)).toThrow();
  attempts.take("b", 1_001);
  attempts.take("c", 1_001);
  attempts.take("a", 1_002);
});
