import { getDocumentProxy } from "unpdf";

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;
type PdfPage = Awaited<ReturnType<Pdf["getPage"]>>;
interface Piece {
  readonly str: string;
  readonly transform: readonly number[];
  readonly hasEOL: boolean;
}
interface Role {
  readonly role?: string;
  readonly children?: readonly Role[];
}

/** A PDF as a reader has it: its words page by page, and what it tells of itself. */
export async function readPdf(bytes: Buffer) {
  const pdf = await getDocumentProxy(new Uint8Array(bytes));
  const pages = [];
  const roles = new Set<string>();
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number);
    for (const role of rolesIn((await page.getStructTree()) as Role)) roles.add(role);
    pages.push(await wordsOf(page));
  }
  const info = (await pdf.getMetadata()).info as { readonly Title: string; readonly Language: string };
  const marks = (await pdf.getMarkInfo()) as { readonly Marked?: boolean } | null;
  const text = pages.map((page) => page.text).join("\n");
  return {
    pages,
    text,
    roles: [...roles],
    isTagged: marks?.Marked ?? false,
    title: info.Title,
    language: info.Language,
  };
}

async function wordsOf(page: PdfPage) {
  const { items } = await page.getTextContent();
  const pieces = (items as readonly Piece[]).filter(({ str }) => str.trim() !== "");
  return {
    text: (items as readonly Piece[]).map(({ str, hasEOL }) => `${str}${hasEOL ? "\n" : ""}`).join(""),
    lines: pieces.map(({ str }) => str),
    /** The lines that stand lower than so many points above the edge of the paper. */
    below: (points: number) => pieces.filter(({ transform }) => (transform[5] ?? 0) < points).map(({ str }) => str),
  };
}

function rolesIn(node: Role | null): readonly string[] {
  if (!node) return [];
  return [...(node.role ? [node.role] : []), ...(node.children ?? []).flatMap(rolesIn)];
}
