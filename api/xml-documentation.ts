import type { SwaggerTransform } from "@fastify/swagger";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import type { z } from "zod";
import { NAMESPACE, nounOfAnswer, nounOfBody } from "./answer-format.ts";
import { shapeOf } from "./xml-shape.ts";
import { writeXml } from "./xml-writer.ts";

const JSON_TYPE = "application/json";
const XML_TYPE = "application/xml";

interface Route {
  readonly body?: z.ZodType;
  readonly response?: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: z.ZodType }>> }>>;
}
interface Media {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly example?: unknown;
}
interface DescribedRoute {
  body?: unknown;
  response?: Record<string, { content?: Record<string, Media> }>;
}

/** Describes every route for OpenAPI as it is, and says that what it reads and answers as JSON is XML just as well. */
export const describeRoute: SwaggerTransform = (route) => {
  const transformed = jsonSchemaTransform(route as Parameters<typeof jsonSchemaTransform>[0]);
  const { body, response = {} } = (route.schema ?? {}) as Route;
  const described = transformed.schema as DescribedRoute & { readonly hide?: boolean };
  if (described.hide) return transformed;
  if (body && described.body) {
    const schema = described.body as Media["schema"];
    const inXml = { ...schema, examples: examplesOf(body, nounOfBody({ schema: body, url: route.url })) };
    described.body = { content: { [JSON_TYPE]: { schema }, [XML_TYPE]: { schema: inXml } } };
  }
  const { method } = route.route;
  for (const [status, answer] of Object.entries(response)) {
    const schema = answer.content?.[JSON_TYPE]?.schema;
    const content = described.response?.[status]?.content;
    const inJson = content?.[JSON_TYPE];
    if (!schema || !content || !inJson) continue;
    const [example] = examplesOf(schema, nounOfAnswer({ schema, method: String(method), url: route.url }));
    content[XML_TYPE] = { schema: inJson.schema, ...(example === undefined ? {} : { example }) };
  }
  return transformed;
};

function examplesOf(schema: z.ZodType, root: string): readonly string[] {
  const { examples = [] } = (schema.meta() ?? {}) as { readonly examples?: readonly unknown[] };
  return examples.map((value) => writeXml({ root, namespace: NAMESPACE, shape: shapeOf(schema), value }));
}
