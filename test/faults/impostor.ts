import { RawAsterisk } from "../agi/raw-asterisk.ts";
import { NUMBERS } from "../telephony/exchange.ts";

/** Commands that an impostor answers before it goes: enough for the server to take the leg and to start holding it. */
const ANSWERS_MAX = 12;
const PATIENCE_MS = 1_000;

/**
 * Asks a voice server to serve a call that another one is serving, as a confused Asterisk would, answers its first
 * commands and is gone again.
 */
export async function claimAsAnother(
  port: number,
  call: { readonly uniqueid: string; readonly secret: string },
): Promise<void> {
  const environment = [
    "agi_network: yes",
    "agi_network_script: pay",
    `agi_request: agi://127.0.0.1:${port}/pay`,
    `agi_uniqueid: ${call.uniqueid}`,
    "agi_callerid: 0441234567",
    `agi_arg_1: ${call.secret}`,
    "agi_arg_2: demo",
    `agi_arg_3: ${NUMBERS.pulses.number}`,
  ];
  const impostor = await RawAsterisk.connect(port, `${environment.join("\n")}\n\n`);
  const timer = setTimeout(() => impostor.socket.destroy(), PATIENCE_MS);
  const closed = impostor.closed();
  for (let answers = 0; answers < ANSWERS_MAX; answers++) {
    const line = await Promise.race([impostor.line(), closed.then(() => null)]);
    if (line === null) break;
    impostor.send(line.startsWith("GET VARIABLE") ? "200 result=0\n" : "200 result=1\n");
  }
  impostor.socket.destroy();
  clearTimeout(timer);
  await closed;
}
