import pg from "pg";

/** An empty database of this name on the server, in place of what an earlier run left. Answers its address. */
export async function freshDatabase(server: string, name: string): Promise<string> {
  const admin = new pg.Client(server);
  await admin.connect();
  await admin.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
  await admin.query(`create database ${pg.escapeIdentifier(name)}`);
  await admin.end();
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
