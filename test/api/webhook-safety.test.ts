import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { isPublicAddress } from "../../core/public-address.ts";
import { eventually } from "../support/eventually.ts";
import { Receiver } from "./webhook-receiver.ts";
import { WebhooksUnderTest } from "./webhooks-under-test.ts";

/** Stands for the public Internet on this machine, whose other addresses stay private. */
const OUTSIDE = "127.0.0.77";
const WELL_KNOWN = "93.184.215.14";

let hooks: WebhooksUnderTest;
let answers: readonly (readonly string[])[] = [];
let asked = 0;

beforeAll(async () => {
  hooks = await WebhooksUnderTest.start({
    reach: {
      mayReach: (address) => address === OUTSIDE || isPublicAddress(address),
      // One answer after the other, and the last one from then on: what a hostile name server does.
      resolve: async () => answers[Math.min(asked++, answers.length - 1)] ?? [],
    },
  });
  hooks.send();
});
afterAll(async () => {
  await hooks[Symbol.asyncDispose]();
});
beforeEach(() => {
  asked = 0;
  answers = [];
});

const create = (url: string) => hooks.api.post("/v1/webhook-endpoints", { url });

test.each([
  ["a private address", "https://10.0.0.1/"],
  ["this machine", "https://127.0.0.1/"],
  ["this machine in IPv6", "https://[::1]/"],
  ["IPv4 in IPv6", "https://[::ffff:127.0.0.1]/"],
  ["an address in one number", "https://2130706433/"],
  ["an address in octal", "https://0177.0.0.1/"],
  ["an address in hexadecimal", "https://0x7f.1/"],
  ["the cloud's own service", "https://169.254.169.254/latest/meta-data"],
  ["a user name", "https://user@shop.example/"],
  ["a password", "https://:secret@shop.example/"],
  ["a mail server's port", "https://shop.example:25/"],
  ["the manager interface's port", "https://shop.example:5038/"],
  ["a file", "file:///etc/passwd"],
  ["another scheme", "gopher://shop.example/"],
  ["half an address", "/webhooks"],
  ["nothing that could be one", "https://"],
  ["no text", 7 as unknown as string],
  ["2,001 characters", `https://shop.example/${"x".repeat(1_980)}`],
  ["2,001 characters when encoded", `https://shop.example/${"é".repeat(400)}`],
])("an endpoint at %s is refused", async (_what, url) => {
  answers = [[WELL_KNOWN]];
  const answer = await create(url);
  expect(answer.json()).toMatchObject({ status: 422, code: "webhook_url_invalid", errors: [{ path: "/url" }] });
});

test("plain http is for installations that allow private addresses", async () => {
  await using strict = await WebhooksUnderTest.start({
    reach: { plainHttp: false, resolve: async () => [WELL_KNOWN] },
  });
  expect((await strict.api.post("/v1/webhook-endpoints", { url: "http://shop.example/" })).statusCode).toBe(422);
  expect((await strict.api.post("/v1/webhook-endpoints", { url: "https://shop.example/" })).statusCode).toBe(201);
});

test.each([
  ["no name server knows", []],
  ["is private", ["10.0.0.1"]],
  ["has a private address among many", [WELL_KNOWN, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "127.0.0.1", WELL_KNOWN]],
  ["has a private address in IPv6", [WELL_KNOWN, "fd00::1"]],
])("an endpoint whose host %s is refused, also as a new address", async (_what, addresses) => {
  answers = [addresses];
  expect((await create("https://shop.example/")).json().code).toBe("webhook_url_invalid");
  answers = [[WELL_KNOWN]];
  const made = await create("https://shop.example/");
  expect(made.statusCode).toBe(201);
  answers = [addresses];
  const path = `/v1/webhook-endpoints/${made.json().id}`;
  const moved = await hooks.api.ask("PATCH", path, { body: { url: "https://moved.example/" } });
  expect(moved.json().code).toBe("webhook_url_invalid");
  await hooks.api.ask("DELETE", path);
});

test("a host that turns private after it was accepted is told nothing, nor by the test button", async () => {
  await using victim = await Receiver.open();
  answers = [[OUTSIDE]];
  await using endpoint = await hooks.endpoint(`http://turning.example:${victim.port}/`);
  answers = [["127.0.0.1"]];
  await hooks.api.create();
  const delivery = await hooks.attempted(endpoint);
  expect(delivery.attempts).toMatchObject([{ status: null, error: "address_not_allowed" }]);
  const tested = await hooks.api.post(`/v1/webhook-endpoints/${endpoint.id}/test`);
  const inFull = await eventually(async () => {
    const delivery = await hooks.delivery(endpoint, tested.json().id);
    return delivery.status !== "pending" && delivery;
  });
  expect(inFull.attempts).toMatchObject([{ status: null, error: "address_not_allowed" }]);
  expect(victim.got).toHaveLength(0);
});

test("a name server that answers otherwise a moment later changes nothing: what was checked is connected to", async () => {
  await using outside = await Receiver.open(undefined, OUTSIDE);
  await using victim = await Receiver.open(undefined, "127.0.0.1", outside.port);
  answers = [[OUTSIDE]];
  await using endpoint = await hooks.endpoint(`http://rebinding.example:${outside.port}/`);
  asked = 0;
  answers = [[OUTSIDE], ["127.0.0.1"]];
  await hooks.api.create();
  expect(await hooks.attempted(endpoint)).toMatchObject({ status: "delivered" });
  expect([outside.got.length, victim.got.length, asked]).toEqual([1, 0, 1]);
  expect(outside.got[0]?.headers.host).toBe(`rebinding.example:${outside.port}`);
});

test("one private address among many keeps us from all of them", async () => {
  await using outside = await Receiver.open(undefined, OUTSIDE);
  answers = [[OUTSIDE]];
  await using endpoint = await hooks.endpoint(`http://many.example:${outside.port}/`);
  answers = [[OUTSIDE, "127.0.0.1"]];
  await hooks.api.create();
  expect((await hooks.attempted(endpoint)).attempts).toMatchObject([{ error: "address_not_allowed" }]);
  expect(outside.got).toHaveLength(0);
});

test("a dead address among several living ones is passed over", async () => {
  await using outside = await Receiver.open(undefined, OUTSIDE);
  await using all = await WebhooksUnderTest.start({ reach: { resolve: async () => ["127.0.0.78", OUTSIDE] } });
  all.send();
  await using several = await all.endpoint(`http://several.example:${outside.port}/`);
  await all.api.create();
  expect(await all.attempted(several)).toMatchObject({ status: "delivered" });
});

test("a redirect to a private address leads nowhere", async () => {
  await using victim = await Receiver.open();
  await using outside = await Receiver.open(
    (response) => response.writeHead(302, { location: victim.url }).end(),
    OUTSIDE,
  );
  await using endpoint = await hooks.endpoint(outside.url);
  await hooks.api.create();
  expect((await hooks.attempted(endpoint)).attempts).toMatchObject([{ status: 302 }]);
  expect(victim.got).toHaveLength(0);
});

test("TLS asks the checked address for the certificate of the name", async () => {
  const hello = Promise.withResolvers<string>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      hello.resolve(bytes.toString("latin1"));
      socket.destroy();
    });
  });
  server.listen(0, OUTSIDE);
  await once(server, "listening");
  answers = [[OUTSIDE]];
  await using endpoint = await hooks.endpoint(`https://named.example:${(server.address() as AddressInfo).port}/`);
  await hooks.api.create();
  expect(await hello.promise).toContain("named.example"); // server_name stands in clear in the first message
  expect((await hooks.attempted(endpoint)).attempts).toMatchObject([{ error: "connection_lost" }]);
  server.close();
  await once(server, "close");
});
