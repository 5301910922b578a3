import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Db } from "../../db/database.ts";
import { BODY_BYTES_MAX } from "../fields.ts";
import { noteRefusal } from "../problem.ts";
import { refusalOf } from "../refusal.ts";
import { decodeUtf8, requireUtf8Declared } from "../utf8.ts";
import { wrapXml } from "../xml-writer.ts";
import { writeError, writeTransaction } from "./answers.ts";
import type { Call } from "./call.ts";
import { readForm } from "./form.ts";
import { SERVICE_PATH } from "./namespaces.ts";
import { OPERATIONS } from "./operations.ts";

const XML = "text/xml; charset=utf-8";

/** `GET` and `POST /phone2pay.asmx/{operation}`: parameters in the address or in a form, the answer as plain XML. */
export async function plainRoutes(app: FastifyInstance, { call }: { readonly call: Call }): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    "application/x-www-form-urlencoded",
    { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX },
    async (request: FastifyRequest, body: Buffer) => {
      requireUtf8Declared(request);
      return decodeUtf8(body);
    },
  );
  for (const operation of OPERATIONS) {
    const url = `${SERVICE_PATH}/${operation.name}`;
    const answer = async (request: FastifyRequest, reply: FastifyReply, form: string) => {
      const parameters = readForm(form, operation.parameters);
      return reply.type(XML).send(writeTransaction(await call({ request, reply }, operation, parameters)));
    };
    // No HEAD beside the GET: it would do what the operation does, and say nothing.
    app.get(url, { exposeHeadRoute: false, schema: { hide: true } }, async (request, reply) =>
      // Node reads an address byte by byte; what wasn't escaped in it is UTF-8 like all the rest.
      answer(request, reply, decodeUtf8(Buffer.from(queryOf(request), "latin1"))),
    );
    app.post<{ Body: string | undefined }>(url, { schema: { hide: true } }, async (request, reply) =>
      answer(request, reply, request.body ?? ""),
    );
  }
}

function queryOf({ raw: { url = "" } }: FastifyRequest): string {
  return url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
}

/** A refusal as plain XML, with the HTTP status of its own. */
export async function answerPlainError(
  error: unknown,
  { request, reply, db }: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly db: Db },
): Promise<FastifyReply> {
  const refusal = await refusalOf(error, db);
  noteRefusal(refusal, request, reply);
  return reply
    .code(refusal.status)
    .type(XML)
    .send(wrapXml(writeError(refusal, request.id)));
}
