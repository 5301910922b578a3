import { type AsteriskTold, SOUND_MODULES } from "./ask-asterisk.ts";
import { type AsteriskFiles, lastValue, type Section } from "./asterisk-files.ts";
import { type Finding, unknown, well, wrong } from "./finding.ts";

/** Carriers and our recordings speak it: without it there is no call. */
const OURS = "alaw";
/** The recordings are a-law files without a head, which format_pcm reads. */
const ALWAYS = ["codec_alaw", "format_pcm"];

/** Whether Asterisk understands the sound that its endpoints may offer, and each endpoint takes ours. */
export async function checkCodecs(told: AsteriskTold | null, files: AsteriskFiles | null): Promise<readonly Finding[]> {
  const sections = files ? await files.sections("pjsip.conf") : null;
  const endpoints = (sections ?? []).filter((section) => !section.isTemplate && isOf("endpoint", section));
  return [await checkModules(told, files, endpoints), checkEndpoints(sections ? endpoints : null)];
}

function isOf(type: string, { entries }: Section): boolean {
  return lastValue(entries, "type") === type;
}

async function checkModules(
  told: AsteriskTold | null,
  files: AsteriskFiles | null,
  endpoints: readonly Section[],
): Promise<Finding> {
  const check = "codecs.modules";
  const allowed = new Set(endpoints.flatMap(allowedBy).map((codec) => `codec_${codec}`));
  const wanted = SOUND_MODULES.filter((name) => ALWAYS.includes(name) || allowed.has(name));
  const missing = told?.missingModules ?? (files ? await notListed(files) : null);
  if (!missing) return unknown(check, "because neither Asterisk nor its configuration can be asked");
  const lacking = wanted.filter((name) => missing.has(name));
  if (lacking.length === 0) return well(check, `${wanted.join(", ")} are loaded`);
  const mend = "Load them in modules.conf as asterisk-config/modules.conf does, and restart Asterisk.";
  return wrong(check, `not loaded: ${lacking.join(", ")}`, mend);
}

/** Of an Asterisk that can't be asked: what its modules.conf doesn't load. */
async function notListed(files: AsteriskFiles): Promise<ReadonlySet<string>> {
  const entries = (await files.sections("modules.conf")).flatMap((section) => section.entries);
  const loaded = new Set(entries.filter(({ key }) => key === "load").map(({ value }) => value.replace(/\.so$/, "")));
  return new Set(SOUND_MODULES.filter((name) => !loaded.has(name)));
}

function checkEndpoints(endpoints: readonly Section[] | null): Finding {
  const check = "codecs.endpoints";
  if (!endpoints) return unknown(check, "because Asterisk's configuration isn't to be seen from here");
  if (endpoints.length === 0) {
    const mend = "Make one in site.d/pjsip.conf from the template (carrier-endpoint), with the carrier's addresses.";
    return wrong(check, "there is no endpoint: nobody can call", mend);
  }
  const without = endpoints.filter((endpoint) => !allowedBy(endpoint).includes(OURS)).map(({ name }) => name);
  if (without.length === 0) return well(check, `${endpoints.map(({ name }) => name).join(", ")} take ${OURS}`);
  const mend = `Let «allow» of these endpoints in site.d/pjsip.conf hold ${OURS}.`;
  return wrong(check, `without ${OURS}: ${without.join(", ")}`, mend);
}

/** The codecs of an endpoint: `allow` adds to what is there, `disallow` takes away, in the order of the lines. */
function allowedBy({ entries }: Section): readonly string[] {
  const allowed = new Set<string>();
  for (const { key, value } of entries) {
    const names = value.split(",").map((name) => name.trim());
    if (key === "disallow" && names.includes("all")) allowed.clear();
    else if (key === "disallow") for (const name of names) allowed.delete(name);
    else if (key === "allow") for (const name of names) allowed.add(name);
  }
  return [...allowed];
}
