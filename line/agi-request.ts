import { runCommand } from "./agi-commands.ts";
import type { LineChannel } from "./line-channel.ts";
import { ServerLink } from "./server-link.ts";

export interface AgiRequest {
  /** host:port */
  readonly server: string;
  readonly script: string;
  readonly args: readonly string[];
}

/**
 * What `AGI(agi://server/script,args)` does: connects, names the call, and obeys one command after the other until the
 * server lets go. Settles in every case and tells no success from failure, since Asterisk can't either: only what the
 * server has set on the channel counts. As AGIEXITONHANGUP=yes has it, a call that ends leaves its server at once.
 */
export async function askServer(channel: LineChannel, request: AgiRequest): Promise<void> {
  using link = await ServerLink.open(request.server, channel.options.limits);
  if (link === null) return;
  link.send(environmentOf(channel, request).join("\n"));
  const leave = channel.dead ? AbortSignal.timeout(channel.options.limits.endedMs) : channel.hungUp;
  for (;;) {
    const line = leave.aborted ? null : await link.nextCommand(leave);
    if (line === null) break;
    const reply = await runCommand(channel, line, link.news);
    if (reply !== null) link.send(reply);
  }
  if (!channel.dead && channel.hungUp.aborted) link.send("HANGUP");
}

/** The lines in the order in which Asterisk sends them, with the empty one that ends them. */
function environmentOf(channel: LineChannel, { server, script, args }: AgiRequest): readonly string[] {
  const { number, callerId, uniqueid } = channel.options;
  return [
    "agi_network: yes",
    `agi_network_script: ${script}`,
    `agi_request: agi://${server}/${script}`,
    `agi_channel: ${channel.name}`,
    `agi_language: ${channel.language}`,
    "agi_type: PJSIP",
    `agi_uniqueid: ${uniqueid}`,
    "agi_version: simulated",
    `agi_callerid: ${callerId ?? "unknown"}`,
    "agi_calleridname: unknown",
    "agi_callingpres: 0",
    "agi_callingani2: 0",
    "agi_callington: 0",
    "agi_callingtns: 0",
    `agi_dnid: ${number}`,
    "agi_rdnis: unknown",
    "agi_context: pay",
    `agi_extension: ${number}`,
    "agi_priority: 1",
    "agi_enhanced: 0.0",
    "agi_accountcode: ",
    "agi_threadid: 0",
    ...args.map((value, index) => `agi_arg_${index + 1}: ${value}`),
    "",
  ];
}
