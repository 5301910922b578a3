import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import swagger from "@fastify/swagger";
import apiReference from "@scalar/fastify-api-reference";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { ERRORS, PublicError } from "../core/errors.ts";
import { describeRoute } from "./xml-documentation.ts";

const GUIDE = new URL("../docs/merchant-guide.md", import.meta.url);
/** Stands for the real address in the guide's commands. */
const GUIDE_BASE_URL = "https://pay.example";
const HIDDEN = { hide: true } as const;

/** Collects the schemas of every route registered after it into an OpenAPI 3.1 document, with the merchants' guide in front. */
export async function describeApi(app: FastifyInstance, options: { readonly baseUrl: string }): Promise<void> {
  const guide = (await readFile(GUIDE, "utf8")).replaceAll(GUIDE_BASE_URL, options.baseUrl);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "Phone2Pay",
        version: "1",
        summary: "Payment by phone call.",
        description: guide,
      },
      servers: [{ url: options.baseUrl }],
      security: [{ apiKey: [] }],
      tags: [
        { name: "Transactions", description: "One payment each, from opening to redeeming." },
        { name: "Passes", description: "What a paid pass opens, and until when." },
        { name: "Numbers and quotes", description: "Which Smart Numbers you have, and what an amount means on them." },
        { name: "Webhooks", description: "Where you are told what happens, what was sent, and what came of it." },
      ],
      components: {
        securitySchemes: {
          apiKey: {
            type: "http",
            scheme: "bearer",
            description: "Keys beginning with p2p_test_ open test transactions, p2p_live_ real ones.",
          },
        },
      },
    },
    transform: describeRoute,
    transformObject,
  });
}

/** `/openapi.json`, `/docs` to browse it, and `/docs/errors`, where the type of every problem leads. */
export async function documentationRoutes(app: FastifyInstance): Promise<void> {
  let document: string | undefined;
  app.get("/openapi.json", { schema: HIDDEN }, async (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type("application/json; charset=utf-8").send(document);
  });
  const errors = errorsPage();
  app.get("/docs/errors", { schema: HIDDEN }, async (_request, reply) =>
    reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", policy(["style-src 'unsafe-inline'"]))
      .send(errors),
  );
  app.addHook("onSend", async (request, reply, payload) => {
    if (request.routeOptions.url === "/docs/" && typeof payload === "string")
      reply.header("content-security-policy", browserPolicy(payload));
    return payload;
  });
  await app.register(apiReference, {
    routePrefix: "/docs",
    hooks: { onRequest: requireUsableHost },
    configuration: {
      url: "../openapi.json",
      pageTitle: "Phone2Pay for merchants",
      // Everything comes from this server: no fonts, no telemetry, no assistant and no proxy of anyone else's.
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      showDeveloperTools: "never",
      hideModels: true,
      persistAuth: false,
    },
  });
}

/** The reference builds its redirects on the Host header, and would take a senseless one for a fault of its own. */
async function requireUsableHost(request: FastifyRequest): Promise<void> {
  if (!URL.canParse(`http://${request.hostname}`)) throw new PublicError("request_malformed", "The host isn't one.");
}

/** What is only ever answered has a twin for input among the components, to which nothing refers. */
const transformObject: typeof jsonSchemaTransformObject = (document) => {
  const described = jsonSchemaTransformObject(document);
  const schemas = ("components" in described && described.components?.schemas) || {};
  for (const name of Object.keys(schemas))
    if (name.endsWith("Input") && name.slice(0, -"Input".length) in schemas) delete schemas[name];
  return described;
};

/** The page's own inline script is allowed by its hash, so that no other can run. Its styles are made by the script. */
function browserPolicy(html: string): string {
  const hashes = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, script = ""]) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`,
  );
  return policy([
    ["script-src 'self'", ...hashes].join(" "),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
  ]);
}

function policy(directives: readonly string[]): string {
  const closed = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];
  return [...closed, ...directives].join("; ");
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, mend }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}.</td><td>${mend}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors — Phone2Pay</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color-scheme: light dark }
table { border-collapse: collapse } th, td { text-align: left; vertical-align: top; padding: .4rem .8rem; border-top: 1px solid #8888 }
tr:target { background: #fd06 }
</style>
<h1>Errors</h1>
<p>Every error answer is <code>application/problem+json</code>, or <code>+xml</code> where XML is asked for (RFC 9457), with one of these codes. <a href="./">Back to the reference</a></p>
<table><thead><tr><th>Code</th><th>Status</th><th>What</th><th>What to do</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></html>
`;
}
