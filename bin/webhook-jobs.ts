import { startWebhookSender } from "../api/webhook-sender.ts";
import { webhookReach } from "../api/webhook-target.ts";
import { keepUpWebhooks } from "../db/webhook-upkeep.ts";
import { repeat } from "./repeat.ts";
import type { RoleParts } from "./role-parts.ts";

const UPKEEP_EVERY_MS = 20_000;

/** Tells merchants what happened, and forgets what is old. */
export function startWebhooks({ config, db, log, resources }: RoleParts): void {
  const warn = (event: string, details: Readonly<Record<string, unknown>>) => log.warn(details, event);
  resources.use(
    startWebhookSender({
      db,
      baseUrl: config.http.baseUrl,
      key: config.webhooks.key,
      reach: webhookReach(config.webhooks),
      log: warn,
    }),
  );
  const upkeep = async () => void (await keepUpWebhooks(db));
  resources.use(repeat(UPKEEP_EVERY_MS, upkeep, (error) => warn("webhooks.upkeep_failed", { error })));
}
