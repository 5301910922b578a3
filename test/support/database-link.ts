import { type OpenDatabase, openDatabase } from "../../db/database.ts";
import { openWire, type Wire } from "./wire.ts";

/** A database behind a wire of its own, which can be cut. */
export interface DatabaseLink extends OpenDatabase, Pick<Wire, "cut" | "mend"> {}

export async function linkDatabase(url: string): Promise<DatabaseLink> {
  const target = new URL(url);
  const wire = await openWire({ host: target.hostname, port: Number(target.port) });
  const through = new URL(url);
  through.host = `127.0.0.1:${wire.port}`;
  const database = openDatabase(through.href);
  return {
    ...database,
    cut: () => wire.cut(),
    mend: () => wire.mend(),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await wire[Symbol.asyncDispose]();
    },
  };
}
