import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

const INCLUDE_DEPTH_MAX = 10;

/** `[name](template)` with what it says, its templates' lines before its own. */
export interface Section {
  readonly name: string;
  /** `(!)`: nothing by itself, only what others are made from. */
  readonly isTemplate: boolean;
  /** `key = value` and `key => value`, in their order; keys in lower case. */
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  readonly value: string;
}

/** Asterisk's directory of configuration, as far as this process may read it. */
export interface AsteriskFiles {
  readonly directory: string;
  /** The sections of one file, with what it includes; throws what reading throws. */
  sections(file: string): Promise<readonly Section[]>;
  /** The files of the site's own part, by their names in the directory. */
  readonly siteFiles: readonly string[];
}

/** Throws what reading throws, so also when there is no such directory, or it isn't ours to read. */
export async function openAsteriskFiles(directory: string): Promise<AsteriskFiles> {
  const names = await readdir(path.join(directory, "site.d"));
  return {
    directory,
    siteFiles: names.filter((name) => name.endsWith(".conf")).map((name) => `site.d/${name}`),
    sections: async (file) => sectionsOf(await readLines(directory, file)),
  };
}

/** The value that counts: of several lines with one key, Asterisk takes the last. */
export function lastValue(entries: readonly Entry[], key: string): string | null {
  return entries.findLast((entry) => entry.key === key)?.value ?? null;
}

/** A file's lines without comments, with those of the files that it includes in their places. */
async function readLines(directory: string, file: string, depth = 0): Promise<readonly string[]> {
  if (depth > INCLUDE_DEPTH_MAX) throw new Error(`${file} is included by itself`);
  const lines: string[] = [];
  for (const line of (await readFile(path.resolve(directory, file), "utf8")).split("\n")) {
    const text = withoutComment(line);
    const included = /^#(?:try)?include\s+["<]?([^">]+)[">]?$/.exec(text)?.[1];
    if (included !== undefined) lines.push(...(await readLines(directory, included, depth + 1)));
    else if (text !== "") lines.push(text);
  }
  return lines;
}

function withoutComment(line: string): string {
  return line
    .replace(/(?<!\\);.*$/, "")
    .replaceAll("\\;", ";")
    .trim();
}

function sectionsOf(lines: readonly string[]): readonly Section[] {
  const sections: { name: string; isTemplate: boolean; entries: Entry[] }[] = [];
  for (const line of lines) {
    const head = /^\[([^\]]*)\]\s*(?:\(([^)]*)\))?/.exec(line);
    if (head) {
      const name = head[1] ?? "";
      const marks = (head[2] ?? "").split(",").map((mark) => mark.trim());
      const added = marks.includes("+") ? sections.find((section) => section.name === name) : undefined;
      const made = added ?? { name, isTemplate: marks.includes("!"), entries: [] };
      for (const mark of marks) made.entries.push(...(sections.find((other) => other.name === mark)?.entries ?? []));
      if (added) sections.splice(sections.indexOf(added), 1); // what follows is said of the section that comes last
      sections.push(made);
      continue;
    }
    const [, key, value] = /^([^=]+?)\s*=>?\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) sections.at(-1)?.entries.push({ key: key.toLowerCase(), value });
  }
  return sections;
}
