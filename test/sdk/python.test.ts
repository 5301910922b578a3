import path from "node:path";
import { type Kit, runDriver } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { freePort, startServer } from "./programs.ts";
import { describeShop } from "./shop-cases.ts";

const repository = path.resolve(import.meta.dirname, "../..");

async function openPython(): Promise<Kit> {
  return {
    wire: "rest",
    run: (commands) => runDriver(["python3", path.join(repository, "test/sdk/drivers/python.py")], commands),
    async serveShop(settings) {
      const port = String(await freePort());
      const server = await startServer(["python3", "-B", path.join(repository, "sdk/python/example.py")], {
        env: { ...settings, SHOP_PORT: port },
        listening: /shop at/,
      });
      return { ...server, url: `http://127.0.0.1:${port}`, paidPath: "/paid", webhookPath: "/webhook" };
    },
    async [Symbol.asyncDispose]() {},
  };
}

describeKit(openPython);
describeRestOnly(openPython);
describeShop(openPython);
