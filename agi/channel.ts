import { type AgiChannel, AgiError } from "./fastagi.ts";

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
  if (Number.isNaN(seconds)) throw new AgiError("bad_reply", "CDR(billsec,f) isn't a number of seconds");
  return Math.max(0, seconds) * 1_000; // negative where Asterisk's clock was set back
}
