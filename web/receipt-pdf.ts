import { type Cell, PdfSheet } from "./pdf-sheet.ts";
import type { Receipt, ReceiptFact } from "./receipt-view.ts";

/** Below a line of text there is some room already, which is a part of its height. */
const GAP = { part: 24, heading: 8, paragraph: 8, above: 7.5, below: 4.5 };
const ROW_ROOM = GAP.above + GAP.below + 1;
const QUANTITY_WIDTH = 70;
const AMOUNT_WIDTH = 80;
const LABEL_SHARE = 0.4;

/** The receipt as a PDF on A4, with what its page says. The worker of receipt-press.ts: it gets plain data, and answers bytes. */
export default async function receiptPdf(receipt: Receipt): Promise<Uint8Array> {
  const footer = `${receipt.title} – ${receipt.merchant}`;
  const sheet = new PdfSheet({ title: receipt.documentTitle, locale: receipt.locale, footer });
  sheet.brand();
  sheet.space(GAP.part);
  sheet.paragraph("P", receipt.title, "note");
  sheet.paragraph("H1", receipt.merchant, "title");
  sheet.paragraph("P", `${receipt.address}, ${receipt.contact.text}`, "note");
  if (receipt.providerLine) sheet.paragraph("P", receipt.providerLine, "note");
  for (const notice of [receipt.testNotice, receipt.exceptionNote].filter((text) => text !== null)) {
    sheet.space(GAP.paragraph);
    sheet.notice(notice);
  }
  sheet.space(GAP.part);
  sheet.done(receipt.state);
  sheet.space(GAP.part / 2);
  printLines(sheet, receipt);
  for (const note of receipt.notes) {
    sheet.space(GAP.paragraph);
    sheet.paragraph("P", note, "note");
  }
  sheet.space(GAP.part);
  printFacts(sheet, receipt);
  for (const { text, isNote, link } of receipt.remarks) {
    sheet.space(GAP.paragraph);
    // On paper a link is its address.
    sheet.paragraph("P", link ? `${text} ${link.text}: ${link.address}` : text, isNote ? "note" : "text");
  }
  return sheet.finish();
}

/** What was bought. The head comes again on each page, and the total never stands there alone. */
function printLines(sheet: PdfSheet, { heads, lines, total }: Receipt): void {
  const table = sheet.group("Table");
  const head = cellsOf(sheet, [heads.item, heads.quantity, heads.amount], "note", "Column");
  const sum: readonly Cell[] = [
    { tag: "TH", scope: "Row", text: total.label, style: "sum", x: 0, width: sheet.width - AMOUNT_WIDTH },
    { ...amountColumn(sheet), tag: "TD", text: total.amount, style: "sum" },
  ];
  const sumHeight = sheet.heightOfRow(sum) + ROW_ROOM;
  sheet.row(head, sheet.group("TR", table));
  ruleOff(sheet, "ink");
  lines.forEach(({ text, quantity, amount }, index) => {
    const isLast = index === lines.length - 1;
    const cells = cellsOf(sheet, [text, quantity, amount], "text", "Row");
    const height = sheet.heightOfRow(cells) + ROW_ROOM;
    if (sheet.makeRoom(height + (isLast ? sumHeight : 0))) {
      sheet.decorativeRow(head);
      ruleOff(sheet, "ink");
    }
    sheet.space(GAP.above);
    sheet.row(cells, sheet.group("TR", table));
    ruleOff(sheet, isLast ? "ink" : "line");
  });
  sheet.space(GAP.above);
  sheet.row(sum, sheet.group("TR", table));
  sheet.space(GAP.below);
}

function cellsOf(
  sheet: PdfSheet,
  [item, quantity, amount]: readonly [string, string, string],
  style: Cell["style"],
  scope: "Row" | "Column",
): readonly Cell[] {
  const others = scope === "Column" ? ({ tag: "TH", scope } as const) : ({ tag: "TD" } as const);
  const itemWidth = sheet.width - QUANTITY_WIDTH - AMOUNT_WIDTH;
  return [
    { tag: "TH", scope, text: item, style, x: 0, width: itemWidth },
    { ...others, text: quantity, style, x: itemWidth, width: QUANTITY_WIDTH, align: "right" },
    { ...others, ...amountColumn(sheet), text: amount, style },
  ];
}

function amountColumn({ width }: PdfSheet) {
  return { x: width - AMOUNT_WIDTH, width: AMOUNT_WIDTH, align: "right" } as const;
}

function ruleOff(sheet: PdfSheet, color: "ink" | "line"): void {
  sheet.space(GAP.below);
  sheet.rule(color);
}

/** How it was paid: names to the left, facts to the right. */
function printFacts(sheet: PdfSheet, { factsTitle, facts }: Receipt): void {
  const labelWidth = LABEL_SHARE * sheet.width;
  const rows = facts.map((fact): readonly Cell[] => [
    { tag: "Lbl", text: fact.label, style: "muted", x: 0, width: labelWidth },
    { tag: "LBody", text: textOf(fact), style: "text", x: labelWidth, width: sheet.width - labelWidth, align: "right" },
  ]);
  const first = rows[0] ? sheet.heightOfRow(rows[0]) : 0;
  sheet.makeRoom(first + GAP.part);
  sheet.paragraph("H2", factsTitle, "subtitle");
  sheet.space(GAP.heading);
  const list = sheet.group("L");
  for (const cells of rows) {
    sheet.makeRoom(sheet.heightOfRow(cells) + ROW_ROOM);
    sheet.rule("line");
    sheet.space(GAP.above);
    sheet.row(cells, sheet.group("LI", list));
    sheet.space(GAP.below);
  }
}

function textOf(fact: ReceiptFact): string {
  return fact.kind === "number" ? `${fact.text}, ${fact.price.amount}${fact.price.unit}` : fact.text;
}
