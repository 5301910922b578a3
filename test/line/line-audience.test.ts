import { expect, test } from "@jest/globals";
import Fastify from "fastify";
import { gatherAudience } from "../../bin/line-audience.ts";

test("a page hears a call to its end, and nothing that is told after it", async () => {
  const app = Fastify();
  const audience = gatherAudience({ onDeserted: () => {} });
  app.get("/events", (_request, reply) => audience.listen(reply));
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  audience.tell({ kind: "ringing" });
  const listening = await fetch(`${address}/events`);
  audience.tell({ kind: "ended", answeredAtMs: null, talkMs: 0, endedBy: "caller", cause: 16 });
  audience.tell({ kind: "silence" });
  const kinds = [...(await listening.text()).matchAll(/"kind":"(\w+)"/g)].map(([, kind]) => kind);
  expect(kinds).toEqual(["ringing", "ended"]);
  await app.close();
});
