import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { verify } from "@node-rs/argon2";
import { keepRunning } from "../../bin/child-processes.ts";
import { loadSecrets, saveSecrets } from "../../bin/demo-secrets.ts";
import { DEMO_NUMBERS, seedDemo } from "../../bin/demo-seed.ts";
import { readDemoSettings, requireFreePorts } from "../../bin/demo-settings.ts";
import { endLeftOvers, recordProcesses, runningDemo, thisProcess } from "../../bin/left-overs.ts";
import { brokenRules } from "../../core/country-rules.ts";
import { findApiClient } from "../../db/merchants.ts";
import { cloneDatabase } from "../support/database.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

test("seeding a second time changes nothing, and lost secrets are drawn anew and count from then on", async () => {
  await using database = await cloneDatabase();
  await using directory = await temporaryDirectory();
  const { db } = database;
  const countRows = async () =>
    Promise.all(
      (["merchants", "users", "api_keys", "tariffs", "smart_numbers"] as const).map(
        async (table) => (await db.selectFrom(table).selectAll().execute()).length,
      ),
    );
  const first = await seedDemo(db, await loadSecrets(directory.path));
  await saveSecrets(directory.path, first);
  expect(await countRows()).toEqual([1, 2, 2, 5, 5]);
  const second = await seedDemo(db, await loadSecrets(directory.path));
  expect(second).toEqual(first);
  expect(await countRows()).toEqual([1, 2, 2, 5, 5]);
  expect(await findApiClient(db, second.testKey ?? "")).toMatchObject({ test: true });
  expect(await findApiClient(db, second.liveKey ?? "")).toMatchObject({ test: false });

  await using other = await temporaryDirectory();
  const anew = await seedDemo(db, await loadSecrets(other.path));
  expect(anew.merchantPassword).not.toBe(first.merchantPassword);
  const users = await db.selectFrom("users").select(["login", "password_hash"]).execute();
  expect(users).toHaveLength(2);
  for (const user of users) expect(user.password_hash).toMatch(/^\$argon2id\$/);
  const merchant = users.find(({ login }) => login === "disques");
  expect(await verify(merchant?.password_hash ?? "", anew.merchantPassword)).toBe(true);
});

test("secrets are their owner's alone, and the same at every start", async () => {
  await using directory = await temporaryDirectory();
  const drawn = await loadSecrets(directory.path);
  await saveSecrets(directory.path, drawn);
  expect(await loadSecrets(directory.path)).toEqual(drawn);
  expect((await stat(path.join(directory.path, "secrets.json"))).mode & 0o777).toBe(0o600);
});

test("secrets of a former version are kept, and what it didn't know is drawn, once", async () => {
  await using directory = await temporaryDirectory();
  const { webhookKey: _unknown, ...former } = await loadSecrets(directory.path);
  const file = path.join(directory.path, "secrets.json");
  await writeFile(file, JSON.stringify({ ...former, liveKey: "p2p_live_kept" }));
  const completed = await loadSecrets(directory.path);
  expect(completed).toMatchObject({ ...former, liveKey: "p2p_live_kept", webhookKey: expect.any(String) });
  expect(await loadSecrets(directory.path)).toEqual(completed);
  await writeFile(file, JSON.stringify({ ...former, agiSecret: "short" }));
  await expect(loadSecrets(directory.path)).rejects.toThrow("agiSecret");
});

test("the demo's numbers keep today's rules, but for two that are of the time of pulses", () => {
  const broken = (entry: (typeof DEMO_NUMBERS)[number], day: string) =>
    brokenRules({ ...entry, country: "CH", earlyMedia: true, languageMenu: false }, day).map(({ rule }) => rule);
  for (const entry of DEMO_NUMBERS) expect(broken(entry, entry.rulesOn ?? "2026-01-01")).toEqual([]);
  const ofPulses = DEMO_NUMBERS.filter(({ rulesOn }) => rulesOn !== undefined);
  expect(ofPulses.map(({ number }) => number)).toEqual(["0900900904", "0900900905"]);
  for (const entry of ofPulses) expect(broken(entry, "2026-01-01")).toEqual(["increment"]);
});

test("a port that is no port is named by its variable, and a port in use by what it is for", async () => {
  expect(() => readDemoSettings({ PHONE2PAY_DEMO_SIP_PORT: "sip" })).toThrow("PHONE2PAY_DEMO_SIP_PORT");
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const address = holder.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const { ports } = readDemoSettings({ PHONE2PAY_DEMO_SHOP_PORT: String(port) });
  await expect(requireFreePorts(ports, ["shop"])).rejects.toThrow(
    `port ${port} (demo shop; set PHONE2PAY_DEMO_SHOP_PORT to use another)`,
  );
  holder.close();
});

test("a process that is killed runs again, and once stopped it stays so", async () => {
  await using directory = await temporaryDirectory();
  const started: number[] = [];
  const said: string[] = [];
  const child = keepRunning({
    name: "sleeper",
    program: process.execPath,
    args: ["-e", "setInterval(() => {}, 1000)"],
    env: process.env,
    logFile: path.join(directory.path, "sleeper.log"),
    tell: (line) => said.push(line),
    onStart: (pid) => started.push(pid),
  });
  process.kill(started[0]!, "SIGKILL");
  while (started.length < 2) await sleep(20);
  expect(said).toEqual([expect.stringContaining("sleeper ended (SIGKILL) and is started again")]);
  expect(child.pid).toBe(started[1]);
  await child.stop();
  expect(() => process.kill(started[1]!, 0)).toThrow("ESRCH");
  await sleep(300);
  expect(started).toHaveLength(2);
});

test("a process that is there and does nothing is killed, and runs again", async () => {
  await using directory = await temporaryDirectory();
  const started: number[] = [];
  const said: string[] = [];
  const isFrozen = async (pid: number) => / T /.test(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
  const child = keepRunning({
    name: "sleeper",
    program: process.execPath,
    args: ["-e", "setInterval(() => {}, 1000)"],
    env: process.env,
    logFile: path.join(directory.path, "sleeper.log"),
    tell: (line) => said.push(line),
    onStart: (pid) => started.push(pid),
    isStuck: () => isFrozen(started.at(-1)!),
  });
  process.kill(started[0]!, "SIGSTOP");
  while (started.length < 2) await sleep(20);
  expect(said[0]).toContain("sleeper is stuck and is killed");
  await child.stop();
  expect(started).toHaveLength(2);
});

test("what a killed demo left behind is ended, but never a process that only has its number", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "pids.json");
  const mark = `phone2pay-test-mark-${process.pid}`;
  const sleeper = () => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", mark], { stdio: "ignore" });
  const [ours, foreign] = [sleeper(), sleeper()];
  const ended = once(ours, "exit");
  const records = recordProcesses(file);
  records.add({ name: "voice", pid: ours.pid!, mark });
  records.add({ name: "other", pid: foreign.pid!, mark: "some-other-program" });
  await records.written();
  expect(await endLeftOvers(file)).toEqual(["voice"]);
  expect((await ended)[1]).toBe("SIGTERM");
  expect(foreign.exitCode).toBeNull();
  expect(foreign.signalCode).toBeNull();
  foreign.kill("SIGKILL");
  await once(foreign, "exit");
});

test("a demo that is up is recognised by its own command line; a torn or foreign list is none", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "pids.json");
  expect(await runningDemo(file)).toBeNull();
  await writeFile(file, '[{"name":"demo","pid":');
  expect(await runningDemo(file)).toBeNull();
  expect(await endLeftOvers(file)).toEqual([]);
  const { mark } = thisProcess("demo");
  expect(mark).toContain((await readFile("/proc/self/cmdline", "utf8")).split("\0")[0]);
  const other = spawn("sleep", ["60"], { stdio: "ignore" });
  await writeFile(file, JSON.stringify([{ name: "demo", pid: other.pid, mark: "sleep 60" }]));
  // Between fork and exec the child still has our command line.
  while ((await runningDemo(file)) === null) await sleep(10);
  expect(await runningDemo(file)).toBe(other.pid);
  other.kill("SIGKILL");
  await once(other, "exit");
});
