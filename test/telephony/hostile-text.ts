import { encoded, type RawInvite } from "./raw-telephone.ts";

/** Stands in every hostile text, and must stand nowhere else afterwards. */
export const CANARY = "zqxcanary";

/** What is wanted of a hostile text: a file of that name, or that a call of that uniqueid be taken for ended. */
export interface HostileAims {
  readonly file: string;
  readonly uniqueid: string;
}

/**
 * Texts that would do something if anybody took them for more than text. Latin-1, byte for byte. Asterisk keeps 79 bytes
 * of a caller's number, so what matters stands at the beginning.
 */
export function hostileTexts({ file, uniqueid }: HostileAims): readonly string[] {
  const hangup = `\r\n\r\nEvent: Hangup\r\nUniqueid: ${uniqueid}\r\n\r\n`;
  return [
    // AMI: events, replies and actions
    hangup,
    `1${hangup}${CANARY}`,
    `\n\nEvent: Hangup\nUniqueid: ${uniqueid}\n\n`,
    `\r\n\r\nEvent: Cdr\r\nUniqueID: ${uniqueid}\r\nSequence: 9\r\nX: `,
    `\r\nUniqueid: ${uniqueid}\r\nEvent: Hangup\r\n${CANARY}: `,
    "\r\n\r\nResponse: Success\r\nActionID: p2p-1\r\n\r\n",
    `\r\n\r\nAction: Originate\r\nChannel: Local/0900900904@pay\r\nApplication: Playback\r\n\r\n`,
    // AGI: the end of the environment, arguments, commands, replies
    `\nEXEC System "touch ${file}"\n`,
    `\nSET VARIABLE P2P_DONE 1\nSET VARIABLE P2P_CLOSED 1\nSET VARIABLE P2P_CAUSE 1\n`,
    `\nagi_uniqueid: ${uniqueid}\nagi_arg_1: ${CANARY}\n\n200 result=1\nHANGUP\n`,
    // the dialplan: functions, variables, expressions, ends of what they stand in
    `\${SHELL(touch ${file})}`,
    `\${FILE(/etc/passwd)}\${DB(a/b)}\${SET(P2P_DONE=1)}`,
    `$[1+1]\${P2P_SECRET}`,
    `")}]|&,1)System(touch ${file})`,
    `=1,P2P_DONE=1,P2P_CLOSED=1,GLOBAL(P2P_AGI_1)=${CANARY}`,
    // SQL
    `'; drop table call_legs cascade; select '${CANARY}`,
    // bytes: control characters, NUL, no UTF-8, more than any field holds
    Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join(""),
    `\xff\xfe\xc3(\xe2\x82\xf0\x9f\x92${CANARY}\x00`,
    CANARY.repeat(900),
  ];
}

/** Every place of an INVITE where a caller may write what they like. */
export const PLACES: Readonly<Record<string, (text: string) => Partial<RawInvite>>> = {
  "From, encoded": (text) => ({ from: `<sip:${encoded(text)}@127.0.0.1>` }),
  "From, raw": (text) => ({ from: `<sip:${text}@127.0.0.1>` }),
  "display name": (text) => ({ from: `"${text.replace(/["\\]/g, "\\$&")}" <sip:0441234567@127.0.0.1>` }),
  "P-Asserted-Identity": (text) => ({ headers: [`P-Asserted-Identity: <sip:${encoded(text)}@carrier.example>`] }),
  "Remote-Party-ID": (text) => ({ headers: [`Remote-Party-ID: <sip:${encoded(text)}@carrier.example>;screen=yes`] }),
  Diversion: (text) => ({ headers: [`Diversion: <sip:${encoded(text)}@carrier.example>;reason=unconditional`] }),
  Privacy: (text) => ({ headers: [`Privacy: ${text}`] }),
  Contact: (text) => ({ contactUser: encoded(text) }),
  "User-Agent": (text) => ({ headers: [`User-Agent: ${text}`] }),
  "a header of one's own": (text) => ({ headers: [`X-${CANARY}: ${text}`, `Subject: ${text}`] }),
  "session name": (text) => ({ sessionName: text }),
  "number, encoded": (text) => ({ number: `0900900904${encoded(text)}` }),
  "number, raw": (text) => ({ number: text }),
};
