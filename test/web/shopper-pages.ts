import type { Page } from "playwright-core";
import { beginPlay, endPlay } from "../../db/test-plays.ts";
import { WRONG_ACCESS_CODES } from "../../web/rate-limits.ts";
import type { Stage } from "./stage.ts";
import type { WebApp } from "./web-app.ts";

/** A page that was brought into its state, and what is still to be done on it. */
export interface Scene {
  /** A path of the stage's own pages, or a whole address elsewhere. */
  readonly address: string;
  /** What the shopper does, or meets, on the page itself. */
  readonly act?: (page: Page) => Promise<unknown>;
}

/** One state of one page. All of them are examined in every language, and pictured in docs/screenshots. */
export interface ShopperPage {
  readonly name: string;
  readonly about: string;
  readonly open: (stage: Stage) => Promise<Scene>;
}

export interface PageGroup {
  readonly title: string;
  readonly pages: readonly ShopperPage[];
}

const NOBODYS_ID = "85341CE4-2744-423A-8320-F9531E57D666";
const NOBODYS_CODE = "4071 5528 9364";

type Make = (stage: Stage) => Promise<string>;

function page(name: string, about: string, open: ShopperPage["open"]): ShopperPage {
  return { name, about, open };
}

/** The pay page of a payment in that state, or what lies below it. */
function pay(name: string, about: string, make: Make, below = ""): ShopperPage {
  return page(name, about, async (stage) => ({ address: `/pay/${await make(stage)}${below}` }));
}

/** A form on which that is entered. */
function entered(name: string, about: string, where: { readonly address: string; readonly text: Make }): ShopperPage {
  return page(name, about, async (stage) => {
    const text = await where.text(stage);
    return { address: where.address, act: (on) => enter(on, text) };
  });
}

async function enter(on: Page, text: string): Promise<void> {
  await on.getByRole("textbox").fill(text);
  await andArrive(on, `document.querySelector("input[required]").form.requestSubmit()`);
}

/** Sends a form that a page of long ago may still show. */
function sendForm(on: Page, action: string): Promise<void> {
  const script = `document.body.append(Object.assign(document.createElement("form"), { method: "post", id: "late" }));`;
  return andArrive(on, `${script} late.action = ${JSON.stringify(action)}; late.submit()`);
}

async function andArrive(on: Page, script: string): Promise<void> {
  const arrived = on.waitForEvent("load");
  await on.evaluate(script);
  await arrived;
}

/** The page can't be followed any more, as when a phone leaves its network. */
async function loseConnection(on: Page): Promise<void> {
  await on.evaluate(`dispatchEvent(new Event("pagehide")); dispatchEvent(new Event("offline"))`);
  await on.locator("[data-connection-lost]").waitFor();
}

const WAITING: PageGroup = {
  title: "Before the call",
  pages: [
    pay("waiting", "Number and price, code, order button; on a desktop the number as a QR code", (stage) =>
      stage.opened(),
    ),
    pay("waiting-basket", "A basket, and a total above its amount because the call is billed in steps", (stage) =>
      stage.opened("album", {
        amountRappen: 988,
        description: "Commande 2041",
        items: [
          { description: "Album « Nuit claire » (FLAC)", quantity: 1, amountRappen: 590 },
          { description: "Affiche de tournée", quantity: 2, amountRappen: 398 },
        ],
      }),
    ),
    pay(
      "waiting-code-first",
      "A number that asks for the code, and for a yes to the price, before it charges",
      (stage) => stage.keyedFirst(),
    ),
    pay("waiting-several-calls", "More than one call can bring: every call, its price and its length", (stage) =>
      stage.opened("threeCalls"),
    ),
    pay("waiting-code-expired", "The code has run out; a new one is a click away", async (stage) => {
      const id = await stage.opened();
      await stage.web.letCodeExpire(id);
      return id;
    }),
    pay("waiting-codes-busy", "All codes of the number are in use; the page asks again by itself", (stage) =>
      stage.withoutCode(),
    ),
    pay("waiting-no-number", "The number has gone out of service: nobody is asked to call it", (stage) =>
      stage.withoutNumber(),
    ),
    page("waiting-connection-lost", "The page has lost its connection", async (stage) => ({
      address: `/pay/${await stage.opened()}`,
      act: loseConnection,
    })),
    pay("cancel-question", "Asks before cancelling", (stage) => stage.opened(), "/cancel"),
  ],
};

const CALLING: PageGroup = {
  title: "During the call",
  pages: [
    pay("calling-early", "The code is accepted; nothing is billed yet", (stage) => stage.calling(0)),
    pay("calling-half", "Money billed and time left", (stage) => stage.calling(49)),
    pay("calling-late", "The last seconds", (stage) => stage.calling(96)),
    pay("calling-several", "The second of three calls", (stage) => stage.threeCalls({ over: 1, isCalling: true })),
    page("calling-connection-lost", "The page has lost its connection while the call goes on", async (stage) => ({
      address: `/pay/${await stage.calling(49)}`,
      act: loseConnection,
    })),
    pay("interrupted", "The call was cut: what is billed, what is left, a new code", (stage) => stage.interrupted()),
    pay("next-call", "The first of three calls brought its part; nothing went wrong", (stage) =>
      stage.threeCalls({ over: 1 }),
    ),
    pay(
      "cancel-question-billed",
      "Asks before cancelling, and says what is billed",
      (stage) => stage.interrupted(),
      "/cancel",
    ),
  ],
};

const AFTER: PageGroup = {
  title: "After the call",
  pages: [
    pay("paid", "Paid: hang up, then confirm", (stage) => stage.paid()),
    pay("paid-late", "Paid after the time limit: whom to ask", async (stage) => {
      const id = await stage.expired(await stage.opened());
      await stage.web.post(`/pay/${id}/resume`);
      return stage.pay(id);
    }),
    pay("overpaid", "Billed more than the total: whom to ask", (stage) => stage.overpaid()),
    pay("confirmed", "The order is confirmed", (stage) => stage.confirmed()),
    pay("redeemed", "The merchant has taken the payment", (stage) => stage.redeemed()),
    pay("expired", "The time to pay has run out, and nobody called", async (stage) =>
      stage.expired(await stage.opened()),
    ),
    pay("expired-underpaid", "The same after a call that was cut", async (stage) =>
      stage.expired(await stage.interrupted()),
    ),
    pay("expired-over", "The same, too long ago to be taken up again", (stage) => stage.over()),
    pay("cancelled", "Cancelled before any call", async (stage) => stage.cancelled(await stage.opened())),
    pay("cancelled-underpaid", "Cancelled after a call that was cut: what was billed, whom to ask", async (stage) =>
      stage.cancelled(await stage.interrupted()),
    ),
    pay("receipt", "The receipt, to be printed", (stage) => stage.confirmed(), "/receipt"),
    pay(
      "receipt-several-calls",
      "The receipt of a payment of three calls",
      (stage) => stage.threeCalls({ over: 3 }),
      "/receipt",
    ),
  ],
};

const DONATIONS: PageGroup = {
  title: "Donations",
  pages: [
    pay("donation-choosing", "The giver chooses the amount", (stage) => stage.opened("donation")),
    page("donation-wrong", "An amount below the least", async (stage) => ({
      address: `/pay/${await stage.opened("donation")}`,
      act: (on) => enter(on, "0.10"),
    })),
    pay("donation-waiting", "A chosen amount, which can be changed", (stage) => stage.donationChosen()),
    pay("donation-paid", "Paid, with thanks", (stage) => stage.donationPaid()),
    pay("donation-receipt", "A receipt that says what it isn't", (stage) => stage.donationPaid(), "/receipt"),
  ],
};

const ACCESS = "/access";
const PASSES: PageGroup = {
  title: "Passes",
  pages: [
    pay("pass-paid", "A pass: its code and its end", (stage) => stage.paid("pass")),
    pay("pass-near-end", "Five days before its end: its renewal, and its price", (stage) => stage.passPaid(26)),
    pay("pass-over", "A pass that has run out", (stage) => stage.passPaid(33)),
    pay("pass-receipt", "The receipt of a pass", (stage) => stage.passPaid(1), "/receipt"),
    page("access", "Where a pass opens again, by code or id", async () => ({ address: ACCESS })),
    entered("access-near-end", "It opens, and its renewal is offered", {
      address: ACCESS,
      text: (stage) => stage.passPaid(26),
    }),
    entered("access-expired", "It has run out, and can be renewed", {
      address: ACCESS,
      text: (stage) => stage.passPaid(33),
    }),
    entered("access-unknown", "Nobody's code", { address: ACCESS, text: async () => NOBODYS_CODE }),
    entered("access-unpaid", "Its payment is not complete", {
      address: ACCESS,
      text: (stage) => stage.interrupted({}, "pass"),
    }),
    entered("access-cancelled", "It was cancelled", {
      address: ACCESS,
      text: async (stage) => stage.cancelled(await stage.opened("pass")),
    }),
    entered("access-none", "A purchase without a pass", { address: ACCESS, text: (stage) => stage.confirmed() }),
    page("access-too-many", "Too many wrong tries from one address", async (stage) => ({
      address: `${await stage.elsewhere((web) => guess(web, WRONG_ACCESS_CODES.max))}${ACCESS}`,
      act: (on) => enter(on, NOBODYS_CODE),
    })),
    page("access-only-id", "Too many wrong codes from everywhere: ids only, for a while", async (stage) => ({
      address: `${await stage.elsewhere((web) => guess(web, A_CROWD.atOnceMax, "10.0.0."), { accessCodeGuesses: A_CROWD })}${ACCESS}`,
      act: (on) => enter(on, NOBODYS_CODE),
    })),
  ],
};

/** Whose wrong codes have to be fewer than in earnest, where there are thousands. */
const A_CROWD = { atOnceMax: 20, perMinute: 1 };

/** Wrong codes, all from the browser's own address or each from one of its own. */
async function guess(web: WebApp, tries: number, network: string | null = null): Promise<void> {
  for (let nth = 0; nth < tries; nth++)
    await web.app.inject({
      method: "POST",
      url: ACCESS,
      remoteAddress: network === null ? "127.0.0.1" : `${network}${nth + 1}`,
      body: new URLSearchParams({ access: NOBODYS_CODE }).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
    });
}

const RESUME = "/resume";
const RESUMING: PageGroup = {
  title: "Resuming",
  pages: [
    page("resume", "Takes a payment up again by its id", async () => ({ address: RESUME })),
    entered("resume-too-short", "An id that lacks characters", {
      address: RESUME,
      text: async () => NOBODYS_ID.slice(0, -1),
    }),
    entered("resume-unknown", "Nobody's id", { address: RESUME, text: async () => NOBODYS_ID }),
    entered("resume-over", "Too late, with what was billed and whom to ask", {
      address: RESUME,
      text: (stage) => stage.over(),
    }),
    entered("resume-replaced", "The merchant has opened another payment for the order", {
      address: RESUME,
      text: async (stage) => {
        const id = await stage.expired(await stage.opened("album", { reference: "2041" }));
        await stage.opened("album", { reference: "2041" });
        return id;
      },
    }),
  ],
};

const ERRORS: PageGroup = {
  title: "Errors",
  pages: [
    page("error-404", "No such page, or no such payment", async () => ({ address: "/pay/x" })),
    page("error-409", "Confirmed on a page of long ago, and not paid", async (stage) => {
      const id = await stage.interrupted();
      return { address: RESUME, act: (on) => sendForm(on, `/pay/${id}/confirm${new URL(on.url()).search}`) };
    }),
    page("error-429", "Too many requests, perhaps during a call", async (stage) => ({
      address: `${await stage.elsewhere(askTooOften)}/pay/x`,
    })),
    page("error-503", "The database is away: nobody should call now", async (stage) => ({
      address: `${await stage.elsewhere((web) => web.db.destroy())}/pay/${NOBODYS_ID}`,
    })),
  ],
};

async function askTooOften(web: WebApp): Promise<void> {
  const one = { url: "/pay/x", remoteAddress: "127.0.0.1" };
  while ((await web.app.inject(one)).statusCode !== 429);
}

const TEST_MODE: PageGroup = {
  title: "Test mode",
  pages: [
    pay("test-ready", "What can be played", (stage) => stage.opened("album", { test: true })),
    pay("test-playing", "A played call is under way", async (stage) => {
      const id = await stage.opened("album", { test: true });
      await beginPlay(stage.web.db, { transactionId: id, play: "pay" });
      return stage.calling(49, id);
    }),
    pay("test-interrupted", "A played call has hung up half-way", async (stage) => {
      const id = await stage.interrupted({ test: true });
      const play = await beginPlay(stage.web.db, { transactionId: id, play: "hang-up-half" });
      if (play !== null) await endPlay(stage.web.db, play);
      return id;
    }),
    pay("test-expired", "Only a late payment can still be played", async (stage) =>
      stage.expired(await stage.opened("album", { test: true })),
    ),
    pay("test-paid", "Nothing is left to play", (stage) => stage.paid("album", { test: true })),
  ],
};

/** Every state of every page that a shopper meets. */
export const SHOPPER_PAGES: readonly PageGroup[] = [
  WAITING,
  CALLING,
  AFTER,
  DONATIONS,
  PASSES,
  RESUMING,
  ERRORS,
  TEST_MODE,
];
