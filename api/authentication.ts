import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from "fastify";
import { PublicError } from "../core/errors.ts";
import type { Db } from "../db/database.ts";
import { type ApiClient, findApiClient, touchApiKey } from "../db/merchants.ts";
import { remembered } from "./remembered.ts";

/** Longer than any key that was ever given out; what is longer isn't looked up. */
const KEY_LENGTH_MAX = 200;
const TOUCH_EVERY_MS = 60_000;
const BEARER = /^bearer +([!-~]+) *$/i;

/** From here on every route of `app` asks for `Authorization: Bearer KEY` (RFC 6750) and knows whose key it was. */
export function requireApiKey(app: FastifyInstance, keys: Keys): void {
  app.decorateRequest("apiClient", null);
  app.addHook("onRequest", async (request) => {
    const key = BEARER.exec(request.headers.authorization ?? "")?.[1];
    if (key === undefined) throw new PublicError("api_key_missing");
    request.setDecorator<ApiClient>("apiClient", await keys.clientOf(key, request.log));
  });
}

/** The merchant and mode that an authenticated request speaks for. */
export function clientOf(request: FastifyRequest): ApiClient {
  return request.getDecorator<ApiClient>("apiClient");
}

export interface Keys {
  /** Whose a key is; notes its use. Throws `api_key_invalid`. */
  clientOf(key: string, log: FastifyBaseLogger): Promise<ApiClient>;
}

/** A key that was revoked is known for `rememberMilliseconds` at most. */
export function openKeys(db: Db, rememberMilliseconds = 0): Keys {
  const clientOfKey = remembered(rememberMilliseconds, (key: string) => findApiClient(db, key));
  const touchedAt = new Map<number, number>();
  return {
    async clientOf(key, log) {
      const client = key.length > KEY_LENGTH_MAX ? null : await clientOfKey(key);
      if (!client) throw new PublicError("api_key_invalid");
      // When a key was last used is nice to know, and no request waits for it or fails by it.
      const now = Date.now();
      if (now - (touchedAt.get(client.keyId) ?? 0) >= TOUCH_EVERY_MS) {
        touchedAt.set(client.keyId, now);
        touchApiKey(db, client.keyId).catch((error: unknown) => log.warn({ error }, "api.key_not_touched"));
      }
      return client;
    },
  };
}
