import { serveAgi } from "../agi/server.ts";
import { openVoiceServer } from "../agi/voice-server.ts";
import type { RoleParts } from "./role-parts.ts";

/** Calls that are under way when we are told to stop get so long to end; the rest goes on with another server. */
const DRAIN_MS = 5_000;

/** Answers Asterisk. */
export async function startAgi({ config, db, log, worker, resources }: RoleParts): Promise<void> {
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
}
