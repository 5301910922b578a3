import { acceptsConnections } from "../child-processes.ts";
import { askSip } from "./ask-sip.ts";
import { type AsteriskFiles, lastValue, type Section } from "./asterisk-files.ts";
import { type Finding, reasonOf, unknown, well, wrong } from "./finding.ts";

const HTTP_MS_MAX = 4_000;
const SIP_PORT = 5_060;
const WEB_SOCKET_PORT = 8_088;

/** Whether pages and web services answer where shoppers and merchants are told to go. */
export async function checkHttp(baseUrl: string): Promise<readonly Finding[]> {
  const check = "ports.http";
  const url = `${baseUrl}/readyz`;
  const start = "Start «phone2pay serve --role http», and see that PHONE2PAY_BASE_URL leads to it.";
  try {
    const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(HTTP_MS_MAX) });
    const text = (await answer.text()).slice(0, 200);
    if (answer.status === 200 && text === '{"status":"ready"}') return [well(check, `${url} is ready`)];
    if (answer.status === 503 && text.startsWith('{"status":"'))
      return [
        wrong(
          check,
          `${url} isn't ready: ${text}`,
          "Mend the database as seen from that server: see its DATABASE_URL.",
        ),
      ];
    return [wrong(check, `${url} answers ${answer.status}: something else is there`, start)];
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    return [wrong(check, `${url} does not answer: ${reasonOf(cause)}`, start)];
  }
}

/** Whether Asterisk listens where its configuration says: for SIP, and for browsers where they are used. */
export async function checkAsteriskPorts(files: AsteriskFiles | null): Promise<readonly Finding[]> {
  if (!files) return [unknown("ports.sip", "because Asterisk's configuration isn't to be seen from here")];
  const [pjsip, http] = await Promise.all([files.sections("pjsip.conf"), files.sections("http.conf")]);
  const transports = pjsip.filter(
    ({ isTemplate, entries }) => !isTemplate && lastValue(entries, "type") === "transport",
  );
  const udp = transports.filter(({ entries }) => lastValue(entries, "protocol") === "udp");
  if (udp.length === 0)
    return [
      wrong("ports.sip", "no transport for UDP is configured", "Make one in site.d/pjsip.conf from (transport-udp)."),
    ];
  return Promise.all([...udp.map(checkSip), ...checkWebSocket(http)]);
}

async function checkSip({ entries }: Section): Promise<Finding> {
  const { host, port } = addressOf(lastValue(entries, "bind") ?? "", SIP_PORT);
  const answer = await askSip(host, port);
  if (answer !== null) return well("ports.sip", `${host}:${port} (UDP) answers ${answer}`);
  const mend = "Start Asterisk, or end what holds the port (ss -ulnp); «bind» is in site.d/pjsip.conf.";
  return wrong("ports.sip", `nobody answers SIP at ${host}:${port} (UDP)`, mend);
}

function checkWebSocket(http: readonly Section[]): readonly Promise<Finding>[] {
  const general = http.find(({ name }) => name === "general")?.entries ?? [];
  if (lastValue(general, "enabled") !== "yes") return [];
  const port = Number(lastValue(general, "bindport") ?? WEB_SOCKET_PORT);
  const { host } = addressOf(lastValue(general, "bindaddr") ?? "", port);
  const mend = "Start Asterisk, or end what holds the port (ss -tlnp); «bindport» is in site.d/http.conf.";
  const finding = acceptsConnections(port, host).then((reached) =>
    reached
      ? well("ports.websocket", `${host}:${port} accepts browsers`)
      : wrong("ports.websocket", `nobody listens at ${host}:${port}`, mend),
  );
  return [finding];
}

/** Where to knock for what listens at `bind`: for every address of this machine, at the loopback one. */
function addressOf(bind: string, usualPort: number): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(bind) ?? [];
  const host = bracketed ?? plain ?? "";
  return {
    host: host === "" || host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host,
    port: Number(port ?? usualPort),
  };
}
