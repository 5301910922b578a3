import { type AgiChannel, AgiError } from "./fastagi.ts";

/** The backstop strikes so long after the last moment at which we would have hung up ourselves. */
const BACKSTOP_MARGIN_MS = 2_000;

/** Whether the call is answered, so that its caller is being billed. */
export async function isUp(channel: AgiChannel): Promise<boolean> {
  return (await channel.getVariable("CHANNEL(state)")) === "Up";
}

/**
 * How long ago the call was answered, in ms, by Asterisk's own record: the 200 OK leaves at `CDR(answer)`, while the
 * ANSWER command may come back 500 ms later. With `f` the seconds have microseconds.
 */
export async function channelAnsweredMsAgo(channel: AgiChannel): Promise<number> {
  const talk = await channelTalkMs(channel);
  if (talk === null) throw new AgiError("bad_reply", "an answered call has no time of answer");
  return talk;
}

/** From answer to hang-up (or to now, if the call is up) in ms; null when it was never answered. */
export async function channelTalkMs(channel: AgiChannel): Promise<number | null> {
  const answered = Number(await channel.getVariable("CDR(answer,u)"));
  if (!(answered > 0)) return null;
  const seconds = Number(await channel.getVariable("CDR(billsec,f)"));
  if (!(seconds >= 0)) throw new AgiError("bad_reply", "CDR(billsec,f) isn't a number of seconds");
  return seconds * 1_000;
}

/** Has Asterisk itself end the call, should nobody else: `inMs` from now, and a margin. */
export async function setBackstop(channel: AgiChannel, inMs: number): Promise<void> {
  const seconds = Math.max(0, inMs + BACKSTOP_MARGIN_MS) / 1_000;
  await channel.setVariable("TIMEOUT(absolute)", seconds.toFixed(3));
}
