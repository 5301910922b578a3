import { cp, mkdir, mkdtempDisposable, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { loadPrompts, PROMPTS_SHIPPED } from "../../agi/prompts.ts";
import { LANGUAGES } from "../../core/messages.ts";

/** A directory for Asterisk with every recording we ship, to be spoilt by the test. */
async function openDirectory() {
  const directory = await mkdtempDisposable(path.join(tmpdir(), "prompts-"));
  for (const language of LANGUAGES) {
    const folder = path.join(directory.path, language);
    await mkdir(folder);
    for (const file of await readdir(path.join(PROMPTS_SHIPPED, language)))
      await symlink(path.join(PROMPTS_SHIPPED, language, file), path.join(folder, file));
  }
  return directory;
}

test("the voice server starts with all recordings in place, in whatever format", async () => {
  await using directory = await openDirectory();
  const file = path.join(directory.path, "de/ivr-welcome");
  await cp(`${file}.alaw`, `${file}.sln16`, { dereference: true });
  await rm(`${file}.alaw`);
  const prompts = await loadPrompts(directory.path);
  expect(prompts.file("ivr-welcome")).toBe(`${directory.path}/ivr-welcome`);
});

test("the voice server refuses to start without a recording, whatever its language, and names it", async () => {
  await using directory = await openDirectory();
  await rm(path.join(directory.path, "it/ivr-wait.alaw"));
  await rm(path.join(directory.path, "fr/merchant-100001.alaw"));
  await expect(loadPrompts(directory.path)).rejects.toThrow(
    `2 recordings are missing or empty in ${directory.path}, the first: fr/merchant-100001, it/ivr-wait`,
  );
});

test("an empty recording is no recording, even beside one that isn't", async () => {
  await using directory = await openDirectory();
  await writeFile(path.join(directory.path, "en/say-7.ulaw"), "");
  await expect(loadPrompts(directory.path)).rejects.toThrow("the first: en/say-7");
});

test("of a language without any recording only the first few are named", async () => {
  await using directory = await openDirectory();
  await rm(path.join(directory.path, "en"), { recursive: true });
  await expect(loadPrompts(directory.path)).rejects.toThrow(
    /^[0-9]{3} recordings are missing .+: en(\/[a-z0-9-]+(, en)?){5}$/,
  );
});

test("where Asterisk is on another machine, the manifest alone decides", async () => {
  const elsewhere = path.join(tmpdir(), "not-on-this-machine");
  expect((await loadPrompts(elsewhere)).file("ivr-end")).toBe(`${elsewhere}/ivr-end`);
});
