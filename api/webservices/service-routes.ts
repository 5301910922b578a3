import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import { PublicError } from "../../core/errors.ts";
import { refuseOtherMethods } from "../requests.ts";
import { openCall } from "./call.ts";
import { listPage, operationPage } from "./help-page.ts";
import { SERVICE_PATH } from "./namespaces.ts";
import { OPERATIONS, type Service } from "./operations.ts";
import { answerPlainError, plainRoutes } from "./plain-routes.ts";
import { soapRoute } from "./soap-route.ts";
import { writeWsdl } from "./wsdl.ts";

const STYLE = new URL("phone2pay.css", import.meta.url);
/** Nothing but the page's own style. */
const PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `/phone2pay.asmx` as ASP.NET served such services: help page, WSDL, SOAP, plain GET and POST. */
export async function webServices(
  app: FastifyInstance,
  service: Service & { readonly requestsPerMinuteMax: number },
): Promise<void> {
  const call = openCall(service);
  app.setErrorHandler((error, request, reply) => answerPlainError(error, { request, reply, db: service.db }));
  app.setNotFoundHandler(async () => {
    throw new PublicError("route_unknown");
  });
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("cache-control", "no-store");
  });
  const refuseTheOthers = refuseOtherMethods(app);
  await app.register(pageRoutes, service);
  await app.register(soapRoute, { db: service.db, call });
  await app.register(plainRoutes, { call });
  refuseTheOthers();
}

/** The help page, a page for each operation, their style, and the service description. */
async function pageRoutes(app: FastifyInstance, { baseUrl }: Service): Promise<void> {
  const location = `${baseUrl}/webservices${SERVICE_PATH}`;
  const wsdl = writeWsdl(location);
  const style = await readFile(STYLE, "utf8");
  app.get(SERVICE_PATH, { schema: { hide: true } }, async (request, reply) => {
    // ASP.NET didn't mind the case of what stands after the question mark.
    const query = new URLSearchParams(request.raw.url?.split("?", 2)[1]?.toLowerCase());
    if (query.has("wsdl")) return reply.type("text/xml; charset=utf-8").send(wsdl);
    reply.type("text/html; charset=utf-8").header("content-security-policy", PAGE_POLICY);
    const op = query.get("op");
    if (op === null) return reply.send(listPage(location));
    const operation = OPERATIONS.find(({ name }) => name.toLowerCase() === op);
    if (!operation) throw new PublicError("operation_unknown");
    return reply.send(operationPage(operation, location));
  });
  app.get(SERVICE_PATH.replace(".asmx", ".css"), { schema: { hide: true } }, async (_request, reply) =>
    reply.type("text/css; charset=utf-8").send(style),
  );
}
