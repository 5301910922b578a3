import path from "node:path";
import { serveCgi } from "./cgi-host.ts";
import { type Kit, runDriver } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { describeShop } from "./shop-cases.ts";

const repository = path.resolve(import.meta.dirname, "../..");

async function openPerl(): Promise<Kit> {
  return {
    wire: "rest",
    run: (commands) => runDriver(["perl", path.join(repository, "test/sdk/drivers/perl.pl")], commands),
    async serveShop(settings) {
      const shop = await serveCgi(path.join(repository, "sdk/perl/example"), { ...settings });
      return { ...shop, paidPath: "/paid.cgi", webhookPath: "/webhook.cgi" };
    },
    async [Symbol.asyncDispose]() {},
  };
}

describeKit(openPerl);
describeRestOnly(openPerl);
describeShop(openPerl);
