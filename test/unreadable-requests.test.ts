import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "@jest/globals";
import { composeHttp } from "../bin/serve-http.ts";
import { watchTransactions } from "../db/notices.ts";
import { cloneDatabase } from "./support/database.ts";
import { WEBHOOKS } from "./support/webhooks.ts";

test("what isn't HTTP, and headers without end, are refused by the error table, and the server serves on", async () => {
  await using database = await cloneDatabase();
  await using watch = await watchTransactions(database.url);
  const http = { host: "127.0.0.1", port: 0, baseUrl: "http://127.0.0.1", trustProxy: false };
  const app = await composeHttp({
    config: { http, provider: { name: "Exemple", address: "Pully" }, webhooks: WEBHOOKS },
    db: database.db,
    watch,
  });
  const { port } = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  try {
    for (const text of ["nonsense\r\n\r\n", `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(40_000)}\r\n\r\n`]) {
      const socket = connect(Number(port), "127.0.0.1").setEncoding("utf8");
      let answer = "";
      socket.on("data", (chunk) => {
        answer += String(chunk);
      });
      socket.on("error", () => {});
      socket.write(text);
      await once(socket, "close");
      expect(answer).toContain("application/problem+json");
      expect(answer).toContain('"code":"request_malformed"');
    }
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  } finally {
    await app.close();
  }
});
