import { request } from "node:http";

export interface Asked {
  readonly port: number;
  readonly localAddress: string;
  readonly path: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: Readonly<Record<string, string>>;
  readonly apiKey?: string;
}

/** One request on a connection of its own, as of somebody who comes for the first time; 0 where it wasn't answered. */
export function ask({
  port,
  localAddress,
  path,
  form,
  json,
  apiKey,
}: Asked): Promise<{ readonly status: number; readonly ms: number }> {
  const body = form ? new URLSearchParams(form).toString() : json ? JSON.stringify(json) : null;
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const asked = request({
      port,
      path,
      localAddress,
      host: "127.0.0.1",
      agent: false,
      method: body === null ? "GET" : "POST",
      headers: {
        ...(body === null ? {} : { "content-length": Buffer.byteLength(body) }),
        ...(form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
        ...(json ? { "content-type": "application/json" } : {}),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
    });
    const end = (status: number) => resolve({ status, ms: performance.now() - startedAt });
    asked.on("response", (answer) => {
      answer.resume();
      answer.on("end", () => end(answer.statusCode ?? 0));
      answer.on("error", () => end(0));
    });
    asked.on("error", () => end(0));
    asked.end(body ?? undefined);
  });
}
