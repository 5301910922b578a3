import { createHmac } from "node:crypto";

/** Standard Webhooks: the marker of a secret, and of a signature by HMAC-SHA256. */
const SECRET_PREFIX = "whsec_";
const SIGNATURE_VERSION = "v1";
/** After a rotation the secret before it signs, too, for so long. */
export const PREVIOUS_SECRET_HOURS = 24;

/**
 * The secret of an endpoint: derived from the operator's key, so that no database and no backup holds it. Another
 * version is another secret; another key changes the secrets of all endpoints.
 */
export function webhookSecret(key: string, endpoint: { readonly id: string; readonly version: number }): string {
  const bytes = createHmac("sha256", key).update(`webhook-secret\n${endpoint.id}\n${endpoint.version}`).digest();
  return `${SECRET_PREFIX}${bytes.toString("base64")}`;
}

/** What `webhook-signature` says: one signature for each secret that is valid, over «id.timestamp.body». */
export function webhookSignature(
  secrets: readonly string[],
  message: { readonly id: string; readonly timestampSeconds: number; readonly body: string },
): string {
  const signed = `${message.id}.${message.timestampSeconds}.${message.body}`;
  return secrets
    .map((secret) => {
      const bytes = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
      return `${SIGNATURE_VERSION},${createHmac("sha256", bytes).update(signed).digest("base64")}`;
    })
    .join(" ");
}
