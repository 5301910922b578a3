import { escapeAttribute, escapeText } from "../xml-writer.ts";
import { SERVICE_PATH } from "./namespaces.ts";
import { MODES, OPERATIONS, type Operation } from "./operations.ts";
import { samplesOf } from "./samples.ts";

const TITLE = "Phone2Pay web service";

/** What a browser shows at the service's address: its operations. */
export function listPage(location: string): string {
  const items = OPERATIONS.map(
    ({ name, summary }) => `<li><a href="?op=${name}">${name}</a><br>${escapeText(summary)}</li>`,
  );
  return page(
    TITLE,
    `<h1>${TITLE}</h1>
<p>The following operations are supported. For a formal definition, see the <a href="?WSDL">service description</a>.</p>
<ul>${items.join("")}</ul>
<p>Address: <code>${escapeText(location)}</code>. New shops may prefer the <a href="/docs">REST services</a>, which can do more.</p>`,
  );
}

/** One operation: its parameters, and a message of each kind that calls it, with the answer. */
export function operationPage(operation: Operation, location: string): string {
  const parameters = [...operation.parameters.fields].map(
    ([name, { shape, optional }]) =>
      `<tr><td><code>${name}</code></td><td>${shape.kind}</td><td>${optional ? "" : "yes"}</td></tr>`,
  );
  const samples = samplesOf(operation, location).map(
    ({ title, request, answer }) =>
      `<h2>${title}</h2><pre>${escapeText(request)}</pre><p>The answer:</p><pre>${escapeText(answer)}</pre>`,
  );
  return page(
    `${operation.name} — ${TITLE}`,
    `<p><a href="${escapeAttribute(location)}">All operations</a></p>
<h1>${operation.name}</h1>
<p>${escapeText(operation.summary)}</p>
<table><thead><tr><th>Parameter</th><th>Type</th><th>Required</th></tr></thead><tbody>${parameters.join("")}</tbody></table>
<p>Send either <code>merchantNumber</code>, <code>login</code> and <code>password</code>, or <code>apiKey</code>. ${MODES}
Prefer POST to GET: addresses end up in logs.</p>
${samples.join("\n")}`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(title)}</title><link rel="stylesheet" href="/webservices${SERVICE_PATH.replace(".asmx", ".css")}">
<main>${body}</main></html>
`;
}
