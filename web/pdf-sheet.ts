import { buffer } from "node:stream/consumers";
import PDFDocument from "pdfkit";
import { FONTS, printable } from "./pdf-fonts.ts";

/** In points, as PDF counts: 1/72 inch. The margins are those of the printed pages. */
const MARGIN = 51;
const FOOT_ROOM = 30;
const RULE = 0.75;
const MARK_RADIUS = 4.6;
const COLORS = { ink: "#101513", muted: "#545e59", line: "#d8ddd8", accent: "#076b4c", wash: "#f4f5f2", paper: "#fff" };
type Color = keyof typeof COLORS;

/** Sizes and colours of the house (look.css), as they are on paper. */
export const STYLES = {
  text: { font: "regular", size: 10.5, leading: 1.45, color: "ink" },
  sum: { font: "bold", size: 12.5, leading: 1.4, color: "ink" },
  lead: { font: "regular", size: 12.5, leading: 1.4, color: "ink" },
  muted: { font: "regular", size: 10.5, leading: 1.45, color: "muted" },
  note: { font: "regular", size: 9, leading: 1.45, color: "muted" },
  title: { font: "bold", size: 21, leading: 1.2, color: "ink" },
  subtitle: { font: "bold", size: 12.5, leading: 1.2, color: "ink" },
  brand: { font: "bold", size: 13, leading: 1.2, color: "ink" },
} as const satisfies Readonly<Record<string, Style>>;
type StyleName = keyof typeof STYLES;

interface Style {
  readonly font: keyof typeof FONTS;
  readonly size: number;
  readonly leading: number;
  readonly color: Color;
}

/** A piece of text in its column. The tag is what it is to a screen reader. */
export interface Cell {
  readonly tag: string;
  readonly text: string;
  readonly style: StyleName;
  readonly x: number;
  readonly width: number;
  readonly align?: "left" | "right";
  /** Of the head of a row or a column. */
  readonly scope?: "Row" | "Column";
}

/** The library knows it, its types don't yet. */
const ACCESSIBLE: object = { subset: "PDF/UA" };

type Element = PDFKit.PDFStructureElement;

/**
 * Sheets of A4 that are filled from top to bottom, as tagged PDF (PDF/UA): everything is either an element with its
 * role or declared to be decoration. What is placed never falls across two pages.
 */
export class PdfSheet {
  readonly width: number;
  readonly #pdf: PDFKit.PDFDocument;
  readonly #root: Element;
  readonly #footer: string;
  /** How far the current page is filled. */
  #y = MARGIN;

  constructor({ title, locale, footer }: { readonly title: string; readonly locale: string; readonly footer: string }) {
    this.#pdf = new PDFDocument({
      size: "A4",
      margin: 0,
      bufferPages: true,
      tagged: true,
      pdfVersion: "1.7",
      ...ACCESSIBLE,
      lang: locale,
      displayTitle: true,
      font: "", // no other font is embedded than ours
      info: { Title: titleInXml(title), Creator: "Phone2Pay", Producer: "Phone2Pay" },
    });
    for (const [name, font] of Object.entries(FONTS)) this.#pdf.registerFont(name, font as never);
    this.#root = this.#pdf.struct("Document");
    this.#pdf.addStructure(this.#root);
    this.width = this.#pdf.page.width - 2 * MARGIN;
    this.#footer = printable(footer);
  }

  space(height: number): void {
    this.#y += height;
  }

  /** An element that holds others: a table, a list, a row. */
  group(tag: string, parent: Element = this.#root): Element {
    const element = this.#pdf.struct(tag);
    parent.add(element);
    return element;
  }

  paragraph(tag: string, text: string, style: StyleName, { indent = 0, parent = this.#root } = {}): void {
    this.row([{ tag, text, style, x: indent, width: this.width - indent }], parent);
  }

  /** The name of the house, with its figure in the house's colour. */
  brand(): void {
    const { size } = this.#use("brand");
    this.#add(this.#root, { tag: "P" }, () => {
      let x = MARGIN;
      for (const [text, color] of [
        ["Phone", "ink"],
        ["2", "accent"],
        ["Pay", "ink"],
      ] as const) {
        const characterSpacing = -0.03 * size;
        this.#pdf.fillColor(COLORS[color]).text(text, x, this.#y, { lineBreak: false, characterSpacing });
        x += this.#pdf.widthOfString(text, { characterSpacing });
      }
    });
    this.#y += this.#lineHeight("brand");
  }

  /** A paragraph on a wash, with a bar at its side: it must not be overlooked. */
  notice(text: string): void {
    const [bar, padding] = [3, 10];
    const width = this.width - bar - 2 * padding;
    const height = this.#heightOf({ text, style: "text", width }) + 2 * padding;
    this.makeRoom(height);
    this.#decorate(() => {
      this.#pdf.rect(MARGIN, this.#y, this.width, height).fill(COLORS.wash);
      this.#pdf.rect(MARGIN, this.#y, bar, height).fill(COLORS.ink);
    });
    this.#y += padding;
    this.row([{ tag: "P", text, style: "text", x: bar + padding, width }], this.#root);
    this.#y += padding;
  }

  /** The mark of what is done, before its words: a disc with a tick. */
  done(text: string): void {
    const style = "lead";
    const indent = 2 * MARK_RADIUS + 7;
    this.makeRoom(this.#heightOf({ text, style, width: this.width - indent }));
    const [x, y] = [MARGIN + MARK_RADIUS, this.#y + (STYLES[style].size * 1.15) / 2];
    this.#decorate(() => {
      this.#pdf.circle(x, y, MARK_RADIUS).fill(COLORS.accent);
      this.#pdf
        .moveTo(x - 2, y + 0.2)
        .lineTo(x - 0.5, y + 1.7)
        .lineTo(x + 2.1, y - 1.7);
      this.#pdf.lineWidth(1.1).stroke(COLORS.paper);
    });
    this.paragraph("P", text, style, { indent });
  }

  rule(color: Color): void {
    const y = this.#y + RULE / 2;
    this.#decorate(() => {
      this.#pdf
        .moveTo(MARGIN, y)
        .lineTo(MARGIN + this.width, y)
        .lineWidth(RULE)
        .stroke(COLORS[color]);
    });
    this.#y += RULE;
  }

  /** Cells side by side; the next thing comes below the highest. */
  row(cells: readonly Cell[], parent: Element): void {
    const height = this.heightOfRow(cells);
    this.makeRoom(height);
    for (const cell of cells) this.#add(parent, cell, () => this.#write(cell));
    this.#y += height;
  }

  /** The same for the eye alone: a repeated head of a table. */
  decorativeRow(cells: readonly Cell[]): void {
    const height = this.heightOfRow(cells);
    this.#decorate(() => {
      for (const cell of cells) this.#write(cell);
    });
    this.#y += height;
  }

  heightOfRow(cells: readonly Cell[]): number {
    return Math.max(...cells.map((cell) => this.#heightOf(cell)));
  }

  /** Begins a page where the current one hasn't so much room; says whether it did. */
  makeRoom(height: number): boolean {
    if (this.#y + height <= this.#pdf.page.height - MARGIN - FOOT_ROOM) return false;
    this.#pdf.addPage();
    this.#y = MARGIN;
    return true;
  }

  /** The file. Of several pages each says which one it is. */
  async finish(): Promise<Uint8Array> {
    const { count } = this.#pdf.bufferedPageRange();
    for (let page = 0; page < count && count > 1; page++) this.#writeFoot(page, count);
    this.#root.end();
    this.#pdf.end();
    return buffer(this.#pdf);
  }

  #writeFoot(page: number, count: number): void {
    this.#pdf.switchToPage(page);
    this.#y = this.#pdf.page.height - MARGIN - this.#lineHeight("note");
    const wide = { style: "note", width: this.width - 50 } as const;
    this.#decorate(() => {
      this.#write({ ...wide, text: this.#footer, x: 0, isOneLine: true });
      this.#write({ style: "note", text: `${page + 1}/${count}`, x: this.width - 50, width: 50, align: "right" });
    });
  }

  #add(parent: Element, { tag, scope }: Pick<Cell, "tag" | "scope">, draw: () => void): void {
    const options: object = scope ? { scope } : {};
    parent.add(this.#pdf.struct(tag, options, draw));
  }

  #decorate(draw: () => void): void {
    this.#pdf.markContent("Artifact", { type: "Layout" });
    draw();
    this.#pdf.endMarkedContent();
  }

  #write(cell: Omit<Cell, "tag"> & { readonly isOneLine?: boolean }): void {
    const { color } = this.#use(cell.style);
    const { width, align = "left" } = cell;
    const cut = cell.isOneLine ? { height: this.#lineHeight(cell.style), ellipsis: true } : {};
    const place = { width, align, lineGap: this.#lineGap(cell.style), ...cut };
    this.#pdf.fillColor(COLORS[color]).text(printable(cell.text), MARGIN + cell.x, this.#y, place);
  }

  #heightOf({ text, style, width }: Pick<Cell, "text" | "style" | "width">): number {
    this.#use(style);
    return this.#pdf.heightOfString(printable(text), { width, lineGap: this.#lineGap(style) });
  }

  #use(name: StyleName): Style {
    const style = STYLES[name];
    this.#pdf.font(style.font).fontSize(style.size);
    return style;
  }

  #lineHeight(name: StyleName): number {
    return STYLES[name].size * STYLES[name].leading;
  }

  #lineGap(name: StyleName): number {
    this.#use(name);
    return this.#lineHeight(name) - this.#pdf.currentLineHeight();
  }
}

/** pdfkit writes the title into XML as it is: what would be markup there becomes a sign that means the same to a reader. */
function titleInXml(title: string): string {
  const signs: Readonly<Record<string, string>> = { "<": "‹", ">": "›", "&": "+" };
  return printable(title).replace(/[<>&]/g, (sign) => signs[sign] ?? "");
}
