import path from "node:path";
import { type Kit, runDriver } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { freePort, startServer } from "./programs.ts";
import { describeShop } from "./shop-cases.ts";

const repository = path.resolve(import.meta.dirname, "../..");

async function openPhp(): Promise<Kit> {
  return {
    wire: "rest",
    run: (commands) => runDriver(["php", path.join(repository, "test/sdk/drivers/php.php")], commands),
    async serveShop(settings) {
      const address = `127.0.0.1:${await freePort()}`;
      const url = `http://${address}`;
      const server = await startServer(["php", "-S", address, "-t", path.join(repository, "sdk/php/example")], {
        env: { ...settings, SHOP_URL: url },
        listening: /Development Server .* started/,
      });
      return { ...server, url, paidPath: "/paid.php", webhookPath: "/webhook.php" };
    },
    async [Symbol.asyncDispose]() {},
  };
}

describeKit(openPhp);
describeRestOnly(openPhp);
describeShop(openPhp);
