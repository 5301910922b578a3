import { expect, test } from "@jest/globals";
import { loadSecrets } from "../../bin/demo-secrets.ts";
import { seedDemo } from "../../bin/demo-seed.ts";
import { registerShopEndpoint } from "../../bin/demo-webhooks.ts";
import { findApiClient } from "../../db/merchants.ts";
import { addEndpoint, changeEndpoint, ENDPOINTS_MAX, listEndpoints } from "../../db/webhook-endpoints.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { ShopUnderTest } from "./demo-shop.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const { key: webhookKey } = WEBHOOKS;

test("the shop is registered once; a start at another port moves it, and takes up what was turned off", async () => {
  await using database = await cloneDatabase();
  await using directory = await temporaryDirectory();
  const { db } = database;
  const { liveKey } = await seedDemo(db, await loadSecrets(directory.path));
  const shop = { apiKey: liveKey ?? "", webhookKey };
  const client = await findApiClient(db, shop.apiKey);
  const owner = { merchantId: client?.merchant.id ?? 0, test: false };
  const own = await addEndpoint(db, owner, { url: "https://shop.example/hooks", events: [], description: null });

  const first = await registerShopEndpoint(db, { ...shop, url: "http://127.0.0.1:8081/webhooks" });
  expect(first).toMatch(/^whsec_/);
  expect(await registerShopEndpoint(db, { ...shop, url: "http://127.0.0.1:8081/webhooks" })).toBe(first);
  const [, registered] = await listEndpoints(db, owner);
  await changeEndpoint(db, owner, registered?.id ?? "", { disabled: true });
  expect(await registerShopEndpoint(db, { ...shop, url: "http://127.0.0.1:9081/webhooks" })).toBe(first);
  const all = await listEndpoints(db, owner);
  expect(all.map(({ id, url, disabledAt }) => [id, url, disabledAt])).toEqual([
    [own?.id, "https://shop.example/hooks", null],
    [registered?.id, "http://127.0.0.1:9081/webhooks", null],
  ]);
});

test("a merchant who has filled all places keeps them, and the shop is told nothing", async () => {
  await using database = await cloneDatabase();
  await using directory = await temporaryDirectory();
  const { db } = database;
  const { liveKey } = await seedDemo(db, await loadSecrets(directory.path));
  const client = await findApiClient(db, liveKey ?? "");
  const owner = { merchantId: client?.merchant.id ?? 0, test: false };
  const wish = { url: "https://shop.example/hooks", events: [], description: null };
  for (let place = 1; place <= ENDPOINTS_MAX; place++) await addEndpoint(db, owner, wish);
  const shop = { apiKey: liveKey ?? "", url: "http://127.0.0.1:8081/webhooks", webhookKey };
  expect(await registerShopEndpoint(db, shop)).toBeNull();
});

test("what waited for an old port goes to the new one, and nothing piles up", async () => {
  await using under = await ShopUnderTest.start();
  const waiting = () =>
    under.db.selectFrom("webhook_deliveries").select("id").where("status", "=", "pending").execute();
  const shop = { apiKey: under.secrets.liveKey ?? "", webhookKey };
  await registerShopEndpoint(under.db, { ...shop, url: "http://127.0.0.1:9/webhooks" });
  const { id } = await under.buy({ item: "single" });
  expect(await waiting()).toHaveLength(1);
  await registerShopEndpoint(under.db, { ...shop, url: `${under.shop.url}/webhooks` });
  await using _sender = under.sendWebhooks();
  await eventually(async () => (await waiting()).length === 0);
  expect((await under.visit(`/merchant/${id}`)).html).toContain("transaction.created");
});
