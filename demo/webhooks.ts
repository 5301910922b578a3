import type { FastifyInstance } from "fastify";
import { Phone2PayError, verifyWebhook } from "../sdk/typescript/phone2pay.ts";
import type { SaleBook } from "./sale-book.ts";

/** An event holds a transaction with its lines and metadata. */
const WEBHOOK_BYTES_MAX = 65_536;

/** Where Phone2Pay tells the shop what happens. The body is left as it came: the signature is over its bytes. */
export async function webhookRoute(
  app: FastifyInstance,
  { secret, book }: { readonly secret: string; readonly book: SaleBook },
): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: WEBHOOK_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  );
  app.post<{ Body: Buffer | undefined }>("/webhooks", async ({ headers, body }, reply) => {
    const id = String(headers["webhook-id"] ?? "");
    try {
      book.noteWebhook(id, verifyWebhook({ secret, headers, body: body ?? "" }));
      return await reply.code(204).send();
    } catch (error) {
      if (!(error instanceof Phone2PayError)) throw error;
      book.noteRefusedWebhook(id, error.code);
      return reply.code(400).send({ code: error.code });
    }
  });
}
