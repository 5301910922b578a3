import { readFile } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { ERRORS } from "../../core/errors.ts";

test("docs/errors.md holds the table of errors, line by line", async () => {
  const page = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const written = page.split("\n").filter((line) => line.startsWith("| `"));
  expect(written).toEqual(
    Object.entries(ERRORS).map(([code, { status, title, mend }]) => `| \`${code}\` | ${status} | ${title} | ${mend} |`),
  );
});
