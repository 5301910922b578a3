import { serveAgi } from "../agi/server.ts";
import { openVoiceServer } from "../agi/voice-server.ts";
import type { RoleParts } from "./role-parts.ts";

/** Calls that are under way when we are told to stop get so long to end; the rest goes on with another server. */
const DRAIN_MS = 5_000;

/** Who listens on these is reached on the loopback address, too. */
const EVERYWHERE: readonly string[] = ["0.0.0.0", "::"];

/** Answers Asterisk; tells where, as seen from this machine. */
export async function startAgi({ config, db, log, worker, resources }: RoleParts): Promise<string> {
  const { promptsDirectory, journalDirectory } = config.agi;
  const voice = resources.use(
    await openVoiceServer({
      db,
      worker,
      promptsDirectory,
      journalDirectory,
      callerHashKey: config.callerHashKey,
      log: (event, details) => log.warn(details, event),
    }),
  );
  const agi = await serveAgi(voice, config.agi);
  resources.defer(() => agi.drain(DRAIN_MS));
  log.info({ port: agi.port }, "agi.listening");
  const { host } = config.agi;
  return `${EVERYWHERE.includes(host) ? "127.0.0.1" : host}:${agi.port}`;
}
