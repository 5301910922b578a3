import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** One INVITE, byte for byte: each text is Latin-1, so that any byte can be written, and nothing is escaped or checked. */
export interface RawInvite {
  /** The user of the request line. */
  readonly number: string;
  /** What stands behind `From: `, without the tag. */
  readonly from?: string;
  /** The user of Contact, by which Asterisk calls back. */
  readonly contactUser?: string;
  /** Further lines. */
  readonly headers?: readonly string[];
  readonly sessionName?: string;
}

/** A telephone that says whatever a test tells it to: its own socket for signalling and another one for sound. */
export interface RawTelephone extends AsyncDisposable {
  /** Sends an INVITE and answers its final status, acknowledged; null when nothing comes at all. */
  invite(invite: RawInvite): Promise<number | null>;
  /** Sends an INVITE and at once gives it up again. */
  inviteAndCancel(invite: RawInvite): Promise<number | null>;
  /** Sends a request within the call and answers its status; an INVITE offers what the first one did. */
  request(method: string, headers?: readonly string[], body?: string): Promise<number | null>;
  /** Sends one key as RFC 4733 has it, by the number of its event; 0 to 15 are keys. */
  sendEvent(event: number): Promise<void>;
  /** Sends a packet of sound or what the test thinks fit. */
  sendMedia(packet: Buffer): Promise<void>;
  /** Resolves when Asterisk has hung up. */
  readonly hungUp: Promise<void>;
}

/** Nothing that Asterisk answers on this machine takes longer; what it doesn't read has no answer. */
const NO_ANSWER_MS = 2_000;
const EVENT_PAYLOAD = 96;
const SAMPLES_PER_EVENT = 800;
const SDP = "Content-Type: application/sdp";

interface Waiting {
  readonly method: string;
  readonly sequence: number;
  readonly resolve: (status: number | null) => void;
  readonly timer: NodeJS.Timeout;
}

export async function openTelephone(sipPort: number): Promise<RawTelephone> {
  const [signalling, sound] = await Promise.all([openSocket(), openSocket()]);
  const [here, media] = [signalling.address(), sound.address()];
  const callId = randomBytes(8).toString("hex");
  const hungUp = Promise.withResolvers<void>();
  const waiting = new Set<Waiting>();
  let sequence = 1;
  let [from, to, target, soundPort] = ["", "", "", 0];
  let event = { packet: 0, atSample: 0 };

  const send = (text: string) => signalling.send(Buffer.from(text, "latin1"), sipPort, "127.0.0.1");
  const message = (method: string, lines: readonly string[], body = "", number = sequence): string =>
    [
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${here.port};branch=z9hG4bK${callId}${method === "CANCEL" || method === "ACK" ? "INVITE" : method}${number}`,
      `From: ${from};tag=${callId}`,
      `To: ${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${number} ${method}`,
      "Max-Forwards: 70",
      ...lines,
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n");
  const answerTo = (method: string): Promise<number | null> =>
    new Promise((resolve) => {
      const expected: Waiting = {
        method,
        sequence,
        resolve,
        timer: setTimeout(() => settle(expected, null), NO_ANSWER_MS),
      };
      waiting.add(expected);
    });
  const settle = (expected: Waiting, status: number | null): void => {
    clearTimeout(expected.timer);
    waiting.delete(expected);
    expected.resolve(status);
  };
  const onResponse = (text: string): void => {
    const status = Number(text.slice(8, 11));
    const [, number = "", method = ""] = /^CSeq:\s*(\d+)\s+(\w+)/im.exec(text) ?? [];
    const expected = [...waiting].find((each) => each.method === method && each.sequence === Number(number));
    if (status < 200) {
      clearTimeout(expected?.timer); // the call is on its way, however long it is listened to before it is answered
      return;
    }
    to = /^To:\s*(.*)$/im.exec(text)?.[1]?.trim() ?? to;
    soundPort = Number(/^m=audio (\d+)/m.exec(text)?.[1] ?? soundPort);
    if (method === "INVITE") {
      if (status < 300) target = /^Contact:\s*<([^>]*)>/im.exec(text)?.[1] ?? target;
      send(message("ACK", [], "", Number(number)));
    }
    if (expected) settle(expected, status);
  };
  const onRequest = (text: string): void => {
    const copied = text.split("\r\n").filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
    send(["SIP/2.0 200 OK", ...copied, "Content-Length: 0", "", ""].join("\r\n"));
    if (text.startsWith("BYE ")) hungUp.resolve();
  };
  signalling.on("message", (bytes) => {
    const text = bytes.toString("latin1");
    if (text.startsWith("SIP/2.0 ")) onResponse(text);
    else onRequest(text);
  });
  sound.on("message", () => {});

  const dial = (invite: RawInvite): string => {
    target = `sip:${invite.number}@127.0.0.1:${sipPort}`;
    from = invite.from ?? "<sip:0441234567@127.0.0.1>";
    to = `<sip:0900900904@127.0.0.1:${sipPort}>`;
    const contact = `<sip:${invite.contactUser ?? "caller"}@127.0.0.1:${here.port}>`;
    const lines = [`Contact: ${contact}`, "Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE", ...(invite.headers ?? [])];
    return message("INVITE", [...lines, SDP], offer(media.port, invite.sessionName));
  };
  return {
    hungUp: hungUp.promise,
    invite(invite) {
      const answer = answerTo("INVITE");
      send(dial(invite));
      return answer;
    },
    inviteAndCancel(invite) {
      const answer = answerTo("INVITE");
      send(dial(invite));
      send(message("CANCEL", []));
      return answer;
    },
    request(method, headers = [], body = "") {
      sequence += 1;
      const answer = answerTo(method);
      const lines = [`Contact: <sip:caller@127.0.0.1:${here.port}>`, ...headers];
      if (method === "INVITE") send(message(method, [...lines, SDP], offer(media.port)));
      else send(message(method, lines, body));
      return answer;
    },
    async sendEvent(number) {
      for (const [index, samples] of [160, 480, SAMPLES_PER_EVENT].entries()) {
        const packet = Buffer.alloc(16);
        packet.writeUInt8(0x80, 0);
        packet.writeUInt8(EVENT_PAYLOAD | (index === 0 ? 0x80 : 0), 1);
        packet.writeUInt16BE(event.packet++ % 65_536, 2);
        packet.writeUInt32BE(event.atSample, 4);
        packet.writeUInt32BE(here.port, 8);
        packet.writeUInt8(number, 12);
        packet.writeUInt8(samples === SAMPLES_PER_EVENT ? 0x8a : 0x0a, 13);
        packet.writeUInt16BE(samples, 14);
        await sendTo(sound, packet, soundPort);
      }
      event = { ...event, atSample: event.atSample + 2 * SAMPLES_PER_EVENT };
    },
    sendMedia: (packet) => sendTo(sound, packet, soundPort),
    async [Symbol.asyncDispose]() {
      for (const each of waiting) settle(each, null);
      await Promise.all([signalling, sound].map((socket) => new Promise<void>((done) => socket.close(done))));
    },
  };
}

/** What is kept inside a SIP address: every byte that isn't a letter or a digit is written in hex, as RFC 3261 has it. */
export function encoded(text: string): string {
  return Buffer.from(text, "latin1")
    .toString("latin1")
    .replace(/[^A-Za-z0-9]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function offer(port: number, sessionName = "-"): string {
  return [
    "v=0",
    "o=caller 1 1 IN IP4 127.0.0.1",
    `s=${sessionName}`,
    "c=IN IP4 127.0.0.1",
    "t=0 0",
    `m=audio ${port} RTP/AVP 8 ${EVENT_PAYLOAD}`,
    "a=rtpmap:8 PCMA/8000",
    `a=rtpmap:${EVENT_PAYLOAD} telephone-event/8000`,
    `a=fmtp:${EVENT_PAYLOAD} 0-16`,
    "",
  ].join("\r\n");
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

function sendTo(socket: Socket, packet: Buffer, port: number): Promise<void> {
  return new Promise((resolve, reject) =>
    socket.send(packet, port, "127.0.0.1", (error) => (error ? reject(error) : resolve())),
  );
}
