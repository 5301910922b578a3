import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";

const ANSWER_MS_MAX = 2_500;
/** RFC 3261, 17.1.2.2: what got lost on UDP is sent again after T1, then after twice as long. */
const SEND_AGAIN_MS = [500, 1_500] as const;

/** The first line of what a SIP server answers to OPTIONS, any answer; null when there is none in time. */
export async function askSip(host: string, port: number): Promise<string | null> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const timers: NodeJS.Timeout[] = [];
  try {
    // Connected, so that a refusal by the machine is heard, and an answer by anybody else is not.
    socket.connect(port, host);
    await once(socket, "connect", { signal });
    const request = optionsOf(host, port, socket.address());
    socket.send(request);
    for (const ms of SEND_AGAIN_MS) timers.push(setTimeout(() => socket.send(request), ms));
    const [answer] = (await once(socket, "message", { signal })) as [Buffer];
    const [line = ""] = answer.toString("latin1").split("\r\n");
    return line.startsWith("SIP/2.0 ") ? line : null;
  } catch {
    return null; // refused or late: nobody is there, either way
  } finally {
    for (const timer of timers) clearTimeout(timer);
    socket.close();
  }
}

function optionsOf(host: string, port: number, { address, port: from }: { address: string; port: number }): string {
  const [via, tag, id] = [0, 1, 2].map(() => randomBytes(8).toString("hex"));
  const bracketed = (name: string) => (name.includes(":") ? `[${name}]` : name);
  return [
    `OPTIONS sip:${bracketed(host)}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${bracketed(address)}:${from};branch=z9hG4bK${via};rport`,
    "Max-Forwards: 70",
    `From: <sip:doctor@${bracketed(address)}>;tag=${tag}`,
    `To: <sip:${bracketed(host)}:${port}>`,
    `Call-ID: ${id}`,
    "CSeq: 1 OPTIONS",
    `Contact: <sip:doctor@${bracketed(address)}:${from}>`,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}
