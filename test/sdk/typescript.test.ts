import path from "node:path";
import { expect, test } from "@jest/globals";
import { phone2pay } from "../../sdk/typescript/phone2pay.ts";
import { type Kit, runDriver } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { freePort, startServer } from "./programs.ts";
import { describeShop } from "./shop-cases.ts";
import { describeStrangers } from "./stranger-cases.ts";

const repository = path.resolve(import.meta.dirname, "../..");

async function openTypeScript(): Promise<Kit> {
  return {
    wire: "rest",
    run: (commands) => runDriver([process.execPath, path.join(repository, "test/sdk/drivers/typescript.ts")], commands),
    async serveShop(settings) {
      const port = String(await freePort());
      const server = await startServer([process.execPath, path.join(repository, "sdk/typescript/example.ts")], {
        env: { ...settings, SHOP_PORT: port },
        listening: /shop at/,
      });
      return { ...server, url: `http://127.0.0.1:${port}`, paidPath: "/paid", webhookPath: "/webhook" };
    },
    async [Symbol.asyncDispose]() {},
  };
}

describeKit(openTypeScript);
describeStrangers(openTypeScript);
describeRestOnly(openTypeScript);
describeShop(openTypeScript);

test("what JSON can't say and half a sign are refused by the kit's own error", async () => {
  const client = phone2pay({ baseUrl: "http://127.0.0.1:1", apiKey: "p2p_test_a" });
  const order = { amount: 1n } as unknown as Parameters<typeof client.createTransaction>[0];
  const refusal = { name: "Phone2PayError", status: 0 };
  await expect(client.createTransaction(order)).rejects.toMatchObject({ ...refusal, code: "request_malformed" });
  await expect(client.checkTransaction("\ud800")).rejects.toMatchObject({ ...refusal, code: "no_answer" });
});
