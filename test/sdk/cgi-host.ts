import path from "node:path";
import { runProgram } from "./kit.ts";
import { type PageRequest, servePages } from "./page-host.ts";

/** Serves the CGI scripts of a directory as a web server would (RFC 3875), each request by a process of its own. */
export function serveCgi(directory: string, settings: Readonly<Record<string, string>>) {
  return servePages(async (request) => {
    const script = path.join(directory, path.basename(request.page || "index.cgi"));
    const env = { PATH: process.env.PATH, ...settings, SHOP_URL: request.url, ...metaVariables(request) };
    return readAnswer(await runProgram([script], { input: request.body, env, cwd: directory }));
  });
}

function metaVariables({ method, query, headers, body }: PageRequest): NodeJS.ProcessEnv {
  const ofHeaders = Object.entries(headers).map(([name, value]) => [
    `HTTP_${name.toUpperCase().replaceAll("-", "_")}`,
    String(value),
  ]);
  return {
    ...Object.fromEntries(ofHeaders),
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: method,
    QUERY_STRING: query,
    CONTENT_LENGTH: String(body.length),
    CONTENT_TYPE: headers["content-type"] ?? "",
  };
}

function readAnswer(printed: string) {
  const [head = "", ...rest] = printed.split("\r\n\r\n");
  const fields = head.split("\r\n").map((line): readonly [string, string] => {
    const [name = "", ...value] = line.split(": ");
    return [name.toLowerCase(), value.join(": ")];
  });
  const status = Number(fields.find(([name]) => name === "status")?.[1] ?? 200);
  return { status, headers: fields.filter(([name]) => name !== "status"), body: rest.join("\r\n\r\n") };
}
