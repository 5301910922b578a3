import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { examined } from "../../bin/doctor/finding.ts";
import { isHealthy } from "../../bin/doctor/report.ts";
import { SECRET } from "../telephony/exchange.ts";
import { AMI_SECRET, faultsOf, openInstallation, type PlantedInstallation } from "./installation.ts";

const FIRST_PORT = 31_000;
const PHONE2PAY = path.resolve(import.meta.dirname, "../../bin/phone2pay.ts");

let installation: PlantedInstallation;
beforeAll(async () => {
  installation = await openInstallation(FIRST_PORT);
}, 60_000);
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
});

test("a secret that is left as in the example, or is too short, is named by its place, never by its value", async () => {
  const left = await installation.lookWithFile("site.d/manager.conf", (text) => text.replace(AMI_SECRET, "change-me"));
  expect(faultsOf(left)).toEqual({
    "secrets.defaults": "left as in the example: secret in site.d/manager.conf",
    "secrets.length": "too short to be safe: secret in site.d/manager.conf",
  });
  const short = await installation.lookWithFile("site.d/pjsip.conf", (text) =>
    text.replace("a-password-of-softphone-two", "short-one"),
  );
  expect(faultsOf(short)).toEqual({ "secrets.length": "too short to be safe: password in site.d/pjsip.conf" });
  expect(JSON.stringify(short)).not.toContain("short-one");
});

test("one secret for two things is a fault", async () => {
  expect(faultsOf(await installation.look({ environment: { PHONE2PAY_CALLER_HASH_KEY: SECRET } }))).toEqual({
    "secrets.distinct": "one serves for several: PHONE2PAY_AGI_SECRET = PHONE2PAY_CALLER_HASH_KEY",
  });
});

test("secrets that every user of the machine may read are a fault, unless a directory above keeps them out", async () => {
  const asteriskDirectory = installation.configuration;
  const site = path.join(asteriskDirectory, "site.d");
  await chmod(path.join(site, "manager.conf"), 0o644);
  expect(faultsOf(await installation.look({ asteriskDirectory }))).toEqual({});
  for (const directory of [asteriskDirectory, site]) await chmod(directory, 0o755);
  expect(faultsOf(await installation.look({ asteriskDirectory }))).toEqual({
    "secrets.readable": "every user of this machine may read site.d/manager.conf",
  });
  await chmod(path.join(site, "manager.conf"), 0o640);
  expect(faultsOf(await installation.look({ asteriskDirectory }))).toEqual({});
});

test("an endpoint without a-law, a SIP port where nobody answers, and music that isn't there are found", async () => {
  const mute = await installation.lookWithFile("pjsip.conf", (text) => text.replace("= alaw,ulaw", "= ulaw"));
  expect(faultsOf(mute)).toEqual({ "codecs.endpoints": "without alaw: loopback, softphone1, softphone2, browser" });
  const other = await installation.lookWithFile("site.d/pjsip.conf", (text) =>
    text.replace("[softphone1](softphone-endpoint)", "$&\ndisallow = all\nallow = g722"),
  );
  expect(faultsOf(other)).toEqual({ "codecs.endpoints": "without alaw: softphone1" });
  const [bound, free] = [`127.0.0.1:${FIRST_PORT}`, `127.0.0.1:${FIRST_PORT + 8}`];
  const deaf = await installation.lookWithFile("site.d/pjsip.conf", (text) => text.replace(bound, free));
  expect(faultsOf(deaf)).toEqual({ "ports.sip": `nobody answers SIP at ${free} (UDP)` });
  const still = await installation.lookWithFile("site.d/musiconhold.conf", (text) =>
    text.replace(/directory = .*/, "directory = /nowhere"),
  );
  expect(faultsOf(still)).toEqual({ "prompts.music": "no music is in /nowhere" });
});

test("without the manager interface the files tell what Asterisk would: its codecs and its voice servers", async () => {
  const ami = ["HOST", "PORT", "USER", "SECRET"].map((name) => [`PHONE2PAY_AMI_${name}`, ""]);
  const place = path.join(installation.configuration, "modules.conf");
  const text = await readFile(place, "utf8");
  await writeFile(place, text.replace("load = codec_alaw.so\n", ""));
  const findings = await installation.look({
    environment: Object.fromEntries(ami),
    asteriskDirectory: installation.configuration,
  });
  await writeFile(place, text);
  expect(faultsOf(findings)).toEqual({ "codecs.modules": "not loaded: codec_alaw" });
  expect(findings.filter(({ check }) => check === "fastagi.server").map(({ state }) => state)).toEqual([
    "well",
    "well",
  ]);
});

test("each wrong variable is a finding with its reason, and what needs no configuration is looked at all the same", async () => {
  const findings = await installation.look({
    environment: { DATABASE_URL: "mysql://host", PHONE2PAY_HTTP_PORT: "many" },
    asteriskDirectory: installation.configuration,
  });
  const wrong = findings.filter(({ state }) => state === "wrong");
  expect(wrong.map(({ check, found }) => [check, found])).toEqual([
    ["configuration.variables", "DATABASE_URL: a postgres:// address"],
    ["configuration.variables", "PHONE2PAY_HTTP_PORT: a port number"],
  ]);
  for (const check of ["codecs.endpoints", "ports.sip"])
    expect(findings).toContainEqual(expect.objectContaining({ check, state: "well" }));
});

test("without Asterisk on this machine, and with the simulated line, what can't be seen is unknown and no fault", async () => {
  const elsewhere = await installation.look({ asteriskDirectory: "/nowhere" });
  expect(faultsOf(elsewhere)).toEqual({});
  expect(elsewhere).toContainEqual(expect.objectContaining({ check: "asterisk.configuration", state: "unknown" }));
  const agiServers = installation.exchange.agiPorts.map((port) => `127.0.0.1:${port}`);
  const simulated = await installation.look({ simulatedLine: { agiServers } });
  expect(isHealthy(simulated)).toBe(true);
  expect(simulated.filter(({ check }) => check === "fastagi.server").map(({ state }) => state)).toEqual([
    "well",
    "well",
  ]);
});

test("a check that hangs or breaks is a fault with a name, in time", async () => {
  const hanging = await examined("part", () => new Promise<never>(() => {}), 50);
  expect(faultsOf(hanging)).toEqual({ part: "no answer within 0.05 s" });
  const broken = await examined("part", () => Promise.reject(new Error("of its own")));
  expect(faultsOf(broken)).toEqual({ part: "could not be looked at: of its own" });
});

test("the command ends with 0 for an installation in order and with 1 for one with a fault, in words or as JSON", async () => {
  const well = await doctor(["--json"], installation.environment);
  expect([well.code, JSON.parse(well.said)]).toMatchObject([0, { healthy: true }]);
  const wrong = await doctor([], { ...installation.environment, PHONE2PAY_AMI_SECRET: "not the secret of Asterisk" });
  expect(wrong.code).toBe(1);
  expect(wrong.said).toMatch(/^ {2}✗ login .+Authentication failed\n +→ Give PHONE2PAY_AMI_USER/m);
  expect(wrong.said).toMatch(/^\d+ checks, 1 wrong, \d+ could not be looked at$/m);
  const unconfigured = await doctor(["--json"], {});
  expect([unconfigured.code, JSON.parse(unconfigured.said)]).toMatchObject([1, { healthy: false }]);
});

/** The operator's command as a process of its own. */
async function doctor(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [PHONE2PAY, "doctor", ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}
