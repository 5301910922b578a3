import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ERRORS, PublicError } from "../../core/errors.ts";
import type { Db } from "../../db/database.ts";
import { BODY_BYTES_MAX } from "../fields.ts";
import { noteRefusal } from "../problem.ts";
import { detailOf, refusalOf } from "../refusal.ts";
import { requireUtf8Declared } from "../utf8.ts";
import { readXml, type XmlElement } from "../xml-reader.ts";
import { valueOfElement } from "../xml-values.ts";
import { actionsOfType, operationOfAction } from "./action.ts";
import { writeError, writeResponse } from "./answers.ts";
import type { Call } from "./call.ts";
import { openEnvelope, statusOfFault, writeEnvelope, writeFault } from "./envelope.ts";
import { ENVELOPES, NAMESPACE, SERVICE_PATH, SOAP_TYPES, type SoapVersion } from "./namespaces.ts";
import { OPERATIONS, type Operation, type Parameters } from "./operations.ts";

/** Some tool kits qualify the operation alone, and leave its parameters in no namespace. */
const NAMESPACES: ReadonlySet<string> = new Set([NAMESPACE, ""]);

/** `POST /phone2pay.asmx`: SOAP 1.1 and 1.2, document style, literal. */
export async function soapRoute(
  app: FastifyInstance,
  { db, call }: { readonly db: Db; readonly call: Call },
): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    Object.values(SOAP_TYPES),
    { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX },
    async (request: FastifyRequest, body: Buffer) => {
      requireUtf8Declared(request);
      return readXml(body);
    },
  );
  app.setErrorHandler((error, request, reply) => answerFault(error, { request, reply, db }));
  app.post<{ Body: XmlElement | undefined }>(SERVICE_PATH, { schema: { hide: true } }, async (request, reply) => {
    if (!request.body) throw new PublicError("request_malformed", "There is no envelope.");
    const { version, call: element } = openEnvelope(request.body);
    const operation = operationNamed(element, operationsOfActions(request));
    const parameters = valueOfElement(element, operation.parameters, NAMESPACES) as Parameters;
    const transaction = await call({ request, reply }, operation, parameters);
    return reply
      .type(`${SOAP_TYPES[version]}; charset=utf-8`)
      .send(writeEnvelope(version, writeResponse(operation.name, transaction)));
  });
}

/** The body says which operation it is; an action that says something else is refused, since a firewall may have believed it. */
function operationNamed(element: XmlElement, ofActions: readonly string[]): Operation {
  const operation = OPERATIONS.find(({ name }) => name === element.name);
  if (!operation || element.namespace !== NAMESPACE) throw new PublicError("operation_unknown");
  if (ofActions.some((name) => name !== operation.name))
    throw new PublicError("operation_unknown", "SOAPAction names another operation than the body.");
  return operation;
}

/** What is named: SOAP 1.1 has it in a header, 1.2 in the content type, and some tool kits send both. */
function operationsOfActions({ headers }: FastifyRequest): readonly string[] {
  const actions = [headers.soapaction ?? "", actionsOfType(headers["content-type"] ?? "")].flat();
  return actions.map(operationOfAction).filter((name) => name !== "");
}

/** A refusal as a fault of the version that was spoken. */
async function answerFault(
  error: unknown,
  { request, reply, db }: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly db: Db },
): Promise<FastifyReply> {
  const refusal = await refusalOf(error, db);
  noteRefusal(refusal, request, reply);
  const version = versionOf(request);
  const reason = `${ERRORS[refusal.code].title}. ${detailOf(refusal)}`;
  return reply
    .code(statusOfFault(version, refusal))
    .type(`${SOAP_TYPES[version]}; charset=utf-8`)
    .send(writeFault(version, refusal, { reason, error: writeError(refusal, request.id) }));
}

/** What the envelope says, as far as it could be read; the content type before. */
function versionOf(request: FastifyRequest): SoapVersion {
  const { body } = request as { readonly body?: XmlElement };
  if (body?.namespace === ENVELOPES["1.2"]) return "1.2";
  const isSoap12 = (request.headers["content-type"] ?? "").toLowerCase().startsWith(SOAP_TYPES["1.2"]);
  return isSoap12 && !body ? "1.2" : "1.1";
}
