import { chmod, mkdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { exitCodeOf, findNode, needsInstall } from "../../bin/start.mjs";
import { temporaryDirectory } from "./temporary-directory.ts";

test("packages are installed when there are none, and again when the list is newer than what is there", async () => {
  await using directory = await temporaryDirectory();
  const list = path.join(directory.path, "package-lock.json");
  const record = path.join(directory.path, "node_modules/.package-lock.json");
  await writeFile(list, "{}");
  expect(needsInstall(directory.path)).toBe(true);
  await mkdir(path.dirname(record));
  await writeFile(record, "{}");
  await utimes(list, 1_000, 1_000);
  expect(needsInstall(directory.path)).toBe(false);
  await utimes(list, new Date(), new Date(Date.now() + 60_000));
  expect(needsInstall(directory.path)).toBe(true);
});

test("an old Node gives way to the installed one, and to none that does not run", async () => {
  await using directory = await temporaryDirectory();
  const old = { path: "/old/node", version: "20.20.2" };
  expect(findNode(directory.path, old)).toBeNull();
  expect(findNode(directory.path, { path: "/new/node", version: "24.1.0" })).toBe("/new/node");
  const bin = path.join(directory.path, `node_modules/node-${process.platform}-${process.arch}/bin`);
  await mkdir(bin, { recursive: true });
  await writeFile(path.join(bin, "node"), "#!/bin/sh\nexit 1\n");
  await chmod(path.join(bin, "node"), 0o755);
  expect(findNode(directory.path, old)).toBeNull();
  await writeFile(path.join(bin, "node"), "#!/bin/sh\necho v24.21.0\n");
  expect(findNode(directory.path, old)).toBe(path.join(bin, "node"));
});

test("the exit code is the program's, or what a shell reports for its signal", () => {
  expect(exitCodeOf(0, null)).toBe(0);
  expect(exitCodeOf(3, null)).toBe(3);
  expect(exitCodeOf(null, "SIGTERM")).toBe(143);
  expect(exitCodeOf(null, "SIGKILL")).toBe(137);
});
