import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";

const root = path.resolve(import.meta.dirname, "..");

test("every step that docs/architecture.md names is a function that stands in the file it names", async () => {
  const page = await readFile(path.join(root, "docs/architecture.md"), "utf8");
  const steps = [...page.matchAll(/^\|[^|]+\| `(\w+)` \| `([\w./-]+)` \|$/gm)].map(([, name = "", file = ""]) => ({
    name,
    file,
  }));
  expect(steps.length).toBeGreaterThan(20);
  for (const { name, file } of steps) {
    const source = await readFile(path.join(root, file), "utf8");
    const defined = new RegExp(`(function\\*? ${name}\\b|const ${name}\\b|^\\s+(async )?${name}\\()`, "m");
    expect(`${file}: ${defined.test(source) ? name : `no ${name}`}`).toBe(`${file}: ${name}`);
  }
});

test("the README shows the two commands, and every page it links to is there", async () => {
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  expect(readme).toContain("npm run demo");
  expect(readme).toContain("npm test");
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);
  await Promise.all(links.map((link) => readFile(path.join(root, link))));
});
