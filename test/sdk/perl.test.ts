import path from "node:path";
import { expect, test } from "@jest/globals";
import { serveCgi } from "./cgi-host.ts";
import { type Kit, runDriver, runProgram } from "./kit.ts";
import { describeKit, describeRestOnly } from "./kit-cases.ts";
import { describeShop } from "./shop-cases.ts";
import { describeStrangers } from "./stranger-cases.ts";

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
describeStrangers(openPerl);
describeRestOnly(openPerl);
describeShop(openPerl);

test("what JSON can't say is refused by the kit's own error, and so is a webhook that isn't bytes", async () => {
  const script = String.raw`
    my $client = Phone2Pay->new(base_url => 'http://127.0.0.1:1', api_key => 'p2p_test_a');
    eval { $client->create_transaction(description => sub { 1 }) };
    print $@->status, ' ', $@->code, "\n";
    my $secret = 'whsec_' . 'A' x 32;
    my %headers = ('webhook-id' => 'a', 'webhook-timestamp' => 1, 'webhook-signature' => 'v1,a');
    eval { Phone2Pay::verify_webhook($secret, \%headers, "\x{20ac}", 1) };
    print $@->status, ' ', $@->code, "\n";`;
  const printed = await runProgram(["perl", `-I${path.join(repository, "sdk/perl")}`, "-MPhone2Pay", "-e", script]);
  expect(printed).toBe("0 request_malformed\n0 webhook_malformed\n");
});
