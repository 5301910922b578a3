import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LANGUAGES } from "../../core/messages.ts";
import { RECEIPT_FILES } from "../../web/rate-limits.ts";
import { seedMerchant } from "../support/seed.ts";
import { readPdf } from "./read-pdf.ts";
import { WebApp } from "./web-app.ts";

/** Margin and foot of the paper. */
const FOOT_POINTS = 81;

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

/** The words of a page that are not there to be clicked, without white space: where a line ends is the paper's affair. */
function wordsOf(page: string): string {
  const body = page.slice(page.indexOf("<body>"));
  const read = body.replace(/<(nav|form|button)\b.*?<\/\1>/gs, "").replace(/<a class="button.*?<\/a>/gs, "");
  const text = read.replace(/ data-address="([^"]*)">(.*?)<\/a>/g, ">$2: $1").replace(/<[^>]*>/g, "");
  return squeeze(
    text
      .replace(/&#39;/g, "'")
      .replace(/&quot;/g, '"')
      .replace(/&lt;/g, "<")
      .replace(/&gt;/g, ">")
      .replace(/&amp;/g, "&"),
  );
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, "");
}

async function receiptOf(id: string, query = "") {
  const answer = await web.get(`/pay/${id}/receipt.pdf${query}`);
  expect(answer).toMatchObject({ statusCode: 200, headers: { "content-type": "application/pdf" } });
  return { headers: answer.headers, ...(await readPdf(answer.rawPayload)) };
}

async function rename(name: string) {
  const seeded = await seedMerchant(web.db, { number: `09009009${++numbers}` });
  await web.db.updateTable("merchants").set({ name }).where("id", "=", seeded.merchantId).execute();
  return seeded;
}
let numbers = 9;

test.each(LANGUAGES)("the file says word for word what the page says, in %s", async (language) => {
  const sale = await web.inState("confirmed", { description: "Album « Nuit claire » (11 titres)" });
  const pass = await web.inState("paid", { accessDays: 31, test: true });
  const donation = await web.open({
    donation: { minimumRappen: 50, maximumRappen: 500, suggestionsRappen: [100] },
  });
  await web.post(`/pay/${donation}/amount`, "amount=1.00");
  await (await web.call(donation)).pulses(1, 10);
  for (const id of [sale, pass, donation, await web.overpaid()]) {
    const page = await web.get(`/pay/${id}/receipt?lang=${language}`);
    const { text, title, language: spoken } = await receiptOf(id, `?lang=${language}`);
    expect(squeeze(text)).toBe(wordsOf(page.body));
    expect(spoken).toBe(`${language}-CH`);
    expect(page.body).toContain(`<title>${title}</title>`);
    expect(text).toContain(id);
  }
});

test("the file is kept and never cached, and its name tells shop and day, but not the id", async () => {
  const id = await web.inState("confirmed");
  const { headers } = await receiptOf(id, "?lang=de");
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Zurich" }).format(new Date());
  expect(headers).toMatchObject({
    "cache-control": "no-store",
    "content-disposition": `attachment; filename="Quittung-Disques-du-Leman-${day}.pdf"; filename*=UTF-8''Quittung-Disques-du-L%C3%A9man-${day}.pdf`,
  });
  expect(JSON.stringify(headers)).not.toContain(id);
});

test("both of a paid payment's pages lead to the file", async () => {
  for (const state of ["paid", "confirmed", "redeemed"] as const) {
    const id = await web.inState(state);
    for (const page of [`/pay/${id}?lang=it`, `/pay/${id}/receipt?lang=it`])
      expect((await web.get(page)).body).toContain(`href="/pay/${id}/receipt.pdf?lang=it"`);
  }
});

test("what isn't paid has no receipt, and what isn't known neither", async () => {
  for (const state of ["open", "calling", "interrupted", "expired", "cancelled"] as const) {
    const id = await web.inState(state);
    const answer = await web.get(`/pay/${id}/receipt.pdf?lang=en`);
    expect(answer).toMatchObject({ statusCode: 303, headers: { location: `/pay/${id}?lang=en` } });
  }
  const unknown = await web.get("/pay/3F2504E0-4F89-41D3-9A0C-0305E82C3301/receipt.pdf");
  expect(unknown.statusCode).toBe(404);
  expect(unknown.headers["content-type"]).toContain("text/html");
});

test("fifty long items are all there, once, under a head on each page, and nothing is printed into the foot", async () => {
  const text = (n: number) => `Nº ${n}: ${"sehr lange Beschreibung ".repeat(7)}Ende ${n}.`;
  const items = Array.from({ length: 50 }, (_, n) => ({ description: text(n), quantity: n + 1, amountRappen: 2 }));
  const { pages } = await receiptOf(await web.inState("paid", { items }), "?lang=de");
  expect(pages.length).toBeGreaterThan(2);
  const all = squeeze(pages.map((page) => page.lines.join("")).join(""));
  for (const item of items) expect(all.split(squeeze(item.description))).toHaveLength(2);
  pages.forEach((page, index) => {
    expect(page.below(FOOT_POINTS)).toEqual(["Quittung – Disques du Léman", `${index + 1}/${pages.length}`]);
    if (page.text.includes("Ende")) expect(squeeze(page.text)).toContain("ArtikelMengeCHF");
  });
});

test("letters of Europe print as they are; of what the font lacks, each sign becomes one that shows it", async () => {
  const europe = "Straße, Łódź, crème brûlée, Ελληνικά, Привет, Şişli, Győr, e\u0301";
  const { text } = await receiptOf(await web.inState("paid", { description: `${europe} | 👩‍👩‍👧 日本 ❤️ ع |` }));
  expect(squeeze(text)).toContain(squeeze(`${europe.normalize("NFC")} | � �� � � |`));
});

test.each([
  ["signs of PDF", ") Tj ET (((\\) /URI << >> endobj %%EOF", ") Tj ET (((\\) /URI << >> endobj %%EOF"],
  ["markup", "</rdf:li><x>&amp; ]]><script>alert(1)</script>", "</rdf:li><x>&amp; ]]><script>alert(1)</script>"],
  ["turned and hidden text", "Laden\u202egnp.\u200b\u2066\u00ad", "Ladengnp."],
  ["breaks and control characters", "a\r\nb\u0007c\u2028d", "a b�c d"],
  ["one endless word", "W".repeat(100), "W".repeat(100)],
  ["nothing but points", "...", "..."],
])("a merchant's name of %s is printed as text, and breaks nothing", async (_, name, printed) => {
  const seeded = await rename(name);
  const id = await web.open({}, seeded);
  const call = await web.call(id, seeded);
  await call.pulses(1, 10);
  await call.hangUp(47);
  const { text, title, headers } = await receiptOf(id);
  expect(squeeze(text)).toContain(squeeze(`Quittance${printed}Rue`));
  expect(title.replace(/[‹›+<>&]/g, "")).toBe(`Quittance – ${printed} – Phone2Pay`.replace(/[<>&]/g, ""));
  expect(headers["content-disposition"]).toMatch(/^attachment; filename="Quittance[ -~]*\.pdf"/);
});

test("a screen reader is told heading, table and list, and every sign belongs to one of them", async () => {
  const { roles, isTagged } = await receiptOf(await web.inState("paid"));
  expect(isTagged).toBe(true);
  expect(roles).toEqual(
    expect.arrayContaining(["Document", "H1", "H2", "P", "Table", "TR", "TH", "TD", "L", "LI", "Lbl", "LBody"]),
  );
});

test("of a crowd that wants receipts at once, so many are made in turn, the others are told when to come again", async () => {
  const id = await web.inState("paid");
  const crowd = await Promise.all(Array.from({ length: 40 }, () => web.get(`/pay/${id}/receipt.pdf`)));
  const made = crowd.filter(({ statusCode }) => statusCode === 200);
  const sentAway = crowd.filter(({ statusCode }) => statusCode === 429);
  expect(made.length + sentAway.length).toBe(40);
  expect(made.length).toBeGreaterThan(0);
  expect(sentAway.length).toBeGreaterThan(0);
  for (const { headers } of sentAway) expect(headers["retry-after"]).toBe("10");
  expect((await web.get(`/pay/${id}/receipt.pdf`)).statusCode).toBe(200);
});

test("one address gets so many receipts a minute, and no more", async () => {
  const url = `/pay/${await web.open()}/receipt.pdf`;
  const statuses: number[] = [];
  for (let i = 0; i <= RECEIPT_FILES.max; i++)
    statuses.push((await web.app.inject({ url, remoteAddress: "192.0.2.9" })).statusCode);
  expect(statuses).toEqual([...Array(RECEIPT_FILES.max).fill(303), 429]);
});
