import path from "node:path";
import { type Kit, runDriver } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { freePort, startServer } from "./programs.ts";
import { describeShop } from "./shop-cases.ts";

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
describeRestOnly(openTypeScript);
describeShop(openTypeScript);
