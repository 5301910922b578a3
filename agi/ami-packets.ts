export type AmiErrorKind =
  /** Nobody listens there, or the name is unknown. */
  | "unreachable"
  /** Asterisk doesn't know the user or the secret. */
  | "refused"
  | "closed"
  | "time_out"
  /** Asterisk answered that it can't or mustn't do this: no such channel, no right. */
  | "failed"
  | "bad_argument"
  | "bad_reply"
  /** Too many actions wait for their replies. */
  | "busy";

/** The only error that an AMI connection rejects with. */
export class AmiError extends Error {
  readonly kind: AmiErrorKind;
  constructor(kind: AmiErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AmiError";
    this.kind = kind;
  }
}

/** Fields by their names in lower case; of fields with one name, the first. */
export type AmiPacket = ReadonlyMap<string, string>;

/** One channel of Asterisk, as CoreShowChannels lists it. */
export interface AmiChannel {
  readonly uniqueid: string;
  readonly linkedid: string;
  /** Its name, `PJSIP/carrier-0000002a`. */
  readonly channel: string;
  /** `Up`, `Ring` … */
  readonly state: string;
  /** The caller's number as the network sent it; empty when withheld. */
  readonly callerId: string;
  readonly exten: string;
  /** Since the channel was made, not since answer. */
  readonly durationSeconds: number;
}

/** One step of the dialplan that runs, as ShowDialPlan lists it, before any variable in it has its value. */
export interface DialplanStep {
  readonly context: string;
  /** With the underscore of a pattern. */
  readonly extension: string;
  readonly priority: number;
  /** Empty where the step has none. */
  readonly label: string;
  readonly application: string;
  readonly data: string;
}

/** Throws bad_argument unless the value may stand in a line of AMI: a line break would begin a field, or an action. */
export function checkValue(value: string, valueBytes: number): string {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value))
    throw new AmiError("bad_argument", "a value for Asterisk holds a line break or another control character");
  if (Buffer.byteLength(value) > valueBytes) throw new AmiError("bad_argument", "a value for Asterisk is too long");
  return value;
}

interface PacketListener {
  readonly onGreeting: (line: string) => void;
  /** `repeats`: a field stood in it more than once. */
  readonly onPacket: (packet: AmiPacket, repeats: boolean) => void;
  readonly onBreach: (what: string) => void;
}

export interface PacketLimits {
  readonly lineBytes: number;
  readonly packetBytes: number;
  readonly packetLines: number;
}

/** Cuts what arrives into the greeting and packets, however the network has cut it before, and holds no more than its limits. */
export class AmiPacketReader {
  readonly #limits: PacketLimits;
  readonly #listener: PacketListener;
  #rest = "";
  #greeted = false;
  #stopped = false;
  #packet = new Map<string, string>();
  #repeats = false;
  #packetBytes = 0;
  #packetLines = 0;

  constructor(listener: PacketListener, limits: PacketLimits) {
    this.#listener = listener;
    this.#limits = limits;
  }

  push(text: string): void {
    this.#rest += text;
    let from = 0;
    for (let to = this.#rest.indexOf("\n"); to >= 0 && !this.#stopped; to = this.#rest.indexOf("\n", from)) {
      this.#onLine(this.#rest.slice(from, this.#rest[to - 1] === "\r" ? to - 1 : to));
      from = to + 1;
    }
    this.#rest = this.#stopped ? "" : this.#rest.slice(from);
    if (Buffer.byteLength(this.#rest) > this.#limits.lineBytes) this.#breach("a line from Asterisk is too long");
  }

  /** Whatever comes or is still to be cut is thrown away. */
  stop(): void {
    this.#stopped = true;
  }

  #onLine(line: string): void {
    if (!this.#greeted) {
      this.#greeted = true;
      this.#listener.onGreeting(line);
    } else if (line === "") this.#onBlankLine();
    else this.#onField(line);
  }

  #onField(line: string): void {
    this.#packetLines += 1;
    this.#packetBytes += Buffer.byteLength(line);
    const { packetBytes, packetLines } = this.#limits;
    if (this.#packetBytes > packetBytes || this.#packetLines > packetLines) {
      this.#breach("a packet from Asterisk is too long");
      return;
    }
    const colon = line.indexOf(":");
    const name = (colon < 0 ? line : line.slice(0, colon)).toLowerCase();
    if (this.#packet.has(name)) this.#repeats = true;
    else this.#packet.set(name, colon < 0 ? "" : line.slice(colon + 1).trim());
  }

  #onBlankLine(): void {
    const [packet, repeats] = [this.#packet, this.#repeats];
    this.#packet = new Map();
    this.#repeats = false;
    this.#packetBytes = 0;
    this.#packetLines = 0;
    if (packet.size > 0) this.#listener.onPacket(packet, repeats);
  }

  #breach(what: string): void {
    this.stop();
    this.#listener.onBreach(what);
  }
}

/** The channel that an event of CoreShowChannels tells of; null when a name, a uniqueid or a duration is missing. */
export function readChannel(event: AmiPacket): AmiChannel | null {
  const field = (name: string): string => event.get(name) ?? "";
  const [hours, minutes, seconds] = field("duration").split(":").map(Number);
  const durationSeconds = (hours ?? Number.NaN) * 3_600 + (minutes ?? Number.NaN) * 60 + (seconds ?? Number.NaN);
  if (field("uniqueid") === "" || field("channel") === "" || !(durationSeconds >= 0)) return null;
  return {
    uniqueid: field("uniqueid"),
    linkedid: field("linkedid"),
    channel: field("channel"),
    state: field("channelstatedesc"),
    callerId: field("calleridnum") === "<unknown>" ? "" : field("calleridnum"),
    exten: field("exten"),
    durationSeconds,
  };
}

/** The step that an event of ShowDialPlan tells of; null for what is no step, an included context. */
export function readStep(event: AmiPacket): DialplanStep | null {
  const [context, extension, application] = ["context", "extension", "application"].map((name) => event.get(name));
  const priority = Number(event.get("priority"));
  if (context === undefined || extension === undefined || application === undefined || !(priority >= 1)) return null;
  const label = event.get("extensionlabel") ?? "";
  return { context, extension, priority, label, application, data: event.get("appdata") ?? "" };
}
