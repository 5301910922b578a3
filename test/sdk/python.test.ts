import path from "node:path";
import { expect, test } from "@jest/globals";
import { type Kit, runDriver, runProgram } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { freePort, startServer } from "./programs.ts";
import { describeShop } from "./shop-cases.ts";
import { describeStrangers } from "./stranger-cases.ts";

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
describeStrangers(openPython);
describeRestOnly(openPython);
describeShop(openPython);

test("what can't be sent, an address that is none and an odd secret are refused by the kit's own error", async () => {
  const script = `
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(path.join(repository, "sdk/python"))})
from phone2pay import Phone2Pay, Phone2PayError, verify_webhook
client = Phone2Pay("http://127.0.0.1:1", "p2p_test_a")
headers = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,a"}
for call in (
    lambda: client.create_transaction({"description": b"bytes"}),
    lambda: client.create_transaction({"amount": float("nan")}),
    lambda: client.check_transaction("\\ud800"),
    lambda: Phone2Pay("127.0.0.1", "p2p_test_a").check_transaction("1"),
    lambda: verify_webhook("whsec_é", headers, b"{}", 1),
):
    try:
        call()
    except Phone2PayError as error:
        print(error.status, error.code)
`;
  expect((await runProgram(["python3", "-c", script])).trim().split("\n")).toEqual([
    "0 request_malformed",
    "0 request_malformed",
    "0 no_answer",
    "0 no_answer",
    "0 webhook_secret_invalid",
  ]);
});
