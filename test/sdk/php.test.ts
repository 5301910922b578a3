import path from "node:path";
import { expect, test } from "@jest/globals";
import { type Kit, runDriver, runProgram } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { freePort, startServer } from "./programs.ts";
import { describeShop } from "./shop-cases.ts";
import { describeStrangers } from "./stranger-cases.ts";

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
describeStrangers(openPhp);
describeRestOnly(openPhp);
describeShop(openPhp);

test("a text in Latin-1 is refused by the kit's own error, as is whatever JSON can't say", async () => {
  const kit = path.join(repository, "sdk/php/phone2pay.php");
  const script = `
    require '${kit}';
    foreach (["\\xe9t\\xe9", NAN] as $odd) {
      try {
        (new Phone2Pay('http://127.0.0.1:1', 'p2p_test_a'))->createTransaction(['description' => $odd]);
      } catch (Phone2PayError $error) {
        echo $error->status, ' ', $error->code, ' ', get_class($error->getPrevious()), "\\n";
      }
    }`;
  const refusal = "0 request_malformed JsonException\n";
  expect(await runProgram(["php", "-r", script])).toBe(refusal + refusal);
});
