import { afterAll, expect, test } from "@jest/globals";
import { PLAYS } from "../../core/played-call.ts";
import { compareCalls } from "../../db/compare-calls.ts";
import { listGuesses } from "../../db/guesses.ts";
import { findTransaction, readJournal } from "../../db/transactions.ts";
import { PLAYS_AT_ONCE_MAX } from "../../web/test-calls.ts";
import { eventually } from "../support/eventually.ts";
import { PlayedWeb } from "./played-web.ts";

// All calls run at once, in real time: each takes as long as its payment does.
const web = await PlayedWeb.open();
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

const legsOf = (id: string) =>
  web.db.selectFrom("call_legs").selectAll().where("transaction_id", "=", id).orderBy("id").execute();

test.concurrent("a played caller pays by a real call, which leaves what a real one leaves and is known as played", async () => {
  const id = await web.openTest("bySecond", 24);
  const answer = await web.play(id, "pay");
  expect(answer).toMatchObject({ statusCode: 303, headers: { location: `/pay/${id}` } });
  expect((await web.get(`/pay/${id}`)).body).toContain("Appel simulé en cours");
  await web.playEnds(id);
  expect(await findTransaction(web.db, id)).toMatchObject({ status: "paid", exception: "none", billedRappen: 24 });
  expect(await web.eventsOf(id)).toEqual(["created", "call_started", "paid"]);
  const [leg] = await legsOf(id);
  expect(leg).toMatchObject({ trunk: "test", end_reason: "paid", billed: 24, caller: null });
  expect(leg?.uniqueid).toMatch(/^played-\d+-1$/);
  const pulses = await web.db
    .selectFrom("pulses")
    .select("amount")
    .where("call_leg_id", "=", leg?.id ?? 0)
    .execute();
  expect(pulses.map(({ amount }) => amount)).toEqual(Array(12).fill(2));
  const page = (await web.get(`/pay/${id}`)).body;
  expect(page).toContain("Appel simulé terminé");
  expect(page).not.toContain("facture de téléphone");
});

test.concurrent("who hangs up half-way has a credit, and the call again pays the rest alone", async () => {
  const id = await web.openTest("keyedFirst", 24);
  expect((await web.play(id, "call-again")).json()).toMatchObject({ code: "play_impossible" });
  await web.playOut(id, "hang-up-half");
  const half = await findTransaction(web.db, id);
  expect(half).toMatchObject({ status: "open", exception: "underpaid" });
  expect(half?.billedRappen).toBeGreaterThanOrEqual(12);
  expect(half?.billedRappen).toBeLessThan(24);
  await web.playOut(id, "call-again");
  expect(await findTransaction(web.db, id)).toMatchObject({ status: "paid", billedRappen: 24 });
  expect(await web.eventsOf(id)).toEqual(["created", "call_started", "call_ended", "call_started", "paid"]);
  const credit = half?.billedRappen ?? 0;
  expect((await legsOf(id)).map(({ billed, end_reason }) => [billed, end_reason])).toEqual([
    [credit, "caller_hung_up"],
    [24 - credit, "paid"],
  ]);
});

test.concurrent("an amount of several calls is paid by as many", async () => {
  const id = await web.openTest("capped", 34);
  await web.playOut(id, "pay");
  expect(await findTransaction(web.db, id)).toMatchObject({ status: "paid", billedRappen: 34 });
  expect((await legsOf(id)).map(({ uniqueid }) => uniqueid.replace(/\d+/, "N"))).toEqual(["played-N-1", "played-N-2"]);
});

test.concurrent("on a number whose carrier bills it, a played call counts as that carrier's would, and nobody bills it", async () => {
  const id = await web.openTest("carrier", 20);
  await web.playOut(id, "pay");
  expect(await findTransaction(web.db, id)).toMatchObject({ status: "paid", billedRappen: 20 });
  expect(await legsOf(id)).toMatchObject([{ trunk: "test", counts_after_ms: 1_000, billed: 20 }]);
});

test.concurrent("what one pulse pays has no half, and is paid at once", async () => {
  const id = await web.openTest("perCall", 300);
  expect((await web.play(id, "hang-up-half")).json()).toMatchObject({ code: "play_impossible" });
  expect((await web.get(`/pay/${id}?lang=en`)).body).toContain("there is no half-way");
  await web.playOut(id, "pay");
  expect(await findTransaction(web.db, id)).toMatchObject({ status: "paid", billedRappen: 300 });
});

test.concurrent("paid late: the time runs out and is noted, the payment is resumed, and a call pays it", async () => {
  const open = await web.openTest("keyedFirst", 10);
  const expired = await web.openTest("keyedFirst", 10);
  expect((await web.play(expired, "expire")).statusCode).toBe(303);
  expect(await findTransaction(web.db, expired)).toMatchObject({ status: "expired" });
  expect((await web.play(expired, "pay")).json()).toMatchObject({ code: "transaction_expired" });
  for (const id of [open, expired]) {
    await web.playOut(id, "pay-late");
    expect(await findTransaction(web.db, id)).toMatchObject({ status: "paid", exception: "paid_late" });
    expect(await web.eventsOf(id)).toEqual(["created", "expired", "resumed", "call_started", "paid_late"]);
  }
});

test.concurrent("wrong codes and no code end the call, and make nobody's next one any harder", async () => {
  const wrong = await web.openTest("keyedFirst", 10);
  const silent = await web.openTest("bySecond", 24);
  await Promise.all([web.playOut(wrong, "wrong-code"), web.playOut(silent, "no-code")]);
  for (const id of [wrong, silent])
    expect(await findTransaction(web.db, id)).toMatchObject({ status: "open", exception: "none", billedRappen: 0 });
  const [guessed] = (await web.legsOn("keyedFirst")).filter((leg) => leg.wrong_codes > 0);
  expect(guessed).toMatchObject({ trunk: "test", wrong_codes: 3, end_reason: "code_not_given", answered_at: null });
  expect((await web.legsOn("bySecond")).filter((leg) => leg.end_reason === "code_not_given")).toHaveLength(1);
  expect(await listGuesses(web.db, 1)).toEqual([]);
});

test.concurrent("of two plays at once one calls, and the other is told so", async () => {
  const id = await web.openTest("bySecond", 20);
  const answers = await Promise.all([web.play(id, "pay"), web.play(id, "pay"), web.play(id, "pay-late")]);
  expect(answers.filter(({ statusCode }) => statusCode === 303)).toHaveLength(1);
  for (const refused of answers.filter(({ statusCode }) => statusCode !== 303))
    expect(refused.json()).toMatchObject({ status: 409, code: "call_in_progress" });
  await web.playEnds(id);
  expect(await web.db.selectFrom("test_plays").select("id").where("transaction_id", "=", id).execute()).toHaveLength(1);
});

test("a live transaction can't be played, whatever is asked, and nothing happens to it", async () => {
  const id = await web.openTest("bySecond", 24, false);
  const before = [await findTransaction(web.db, id), await readJournal(web.db, id)];
  for (const action of [...PLAYS, "", "nonsense"]) {
    const answer = await web.play(id, action);
    expect(answer.statusCode).toBe(409);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.json()).toMatchObject({ code: "test_only", status: 409 });
  }
  const asPage = await web.play(id, "pay", { accept: "text/html", "sec-fetch-site": "same-origin" });
  expect(asPage.statusCode).toBe(409);
  expect(asPage.body).toContain("Disponible uniquement pour les transactions de test");
  expect([await findTransaction(web.db, id), await readJournal(web.db, id)]).toEqual(before);
  expect(await web.db.selectFrom("test_plays").select("id").where("transaction_id", "=", id).execute()).toEqual([]);
});

test("an unknown action is a 422 that names those there are; an unknown transaction is a 404; another site is refused", async () => {
  const id = await web.openTest("bySecond", 24);
  for (const body of ["action=win", "", "action=pay&action=expire"]) {
    const answer = await web.post(`/pay/${id}/play`, body, {});
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: "field_invalid", errors: [{ path: "/action" }] });
    expect(answer.json().errors[0].message).toContain("hang-up-half");
  }
  expect((await web.play("85341CE4-2744-423A-8320-F9531E57D666", "pay")).statusCode).toBe(404);
  expect((await web.play(id, "pay", { "sec-fetch-site": "cross-site" })).statusCode).toBe(403);
  expect(await web.get(`/pay/${id}/play`)).toMatchObject({ statusCode: 303, headers: { location: `/pay/${id}` } });
  expect(await web.eventsOf(id)).toEqual(["created"]);
});

test("the page of a test transaction has the panel in four languages; a live one has nothing of it", async () => {
  const [played, live] = [await web.openTest("bySecond", 24), await web.openTest("bySecond", 24, false)];
  for (const [language, title] of Object.entries({
    fr: "Jouer l&#39;appelant",
    de: "Anruf durchspielen",
    it: "Simulare il chiamante",
    en: "Play the caller",
  })) {
    const { body } = await web.get(`/pay/${played}?lang=${language}`);
    expect(body).toContain(title);
    expect(body.match(/name="action"/g)).toHaveLength(PLAYS.length);
    expect((await web.get(`/pay/${live}?lang=${language}`)).body).not.toMatch(/\/play|data-playing|class="tag"/);
  }
  const { body } = await web.get(`/pay/${played}?lang=en`);
  expect(body).toMatch(/value="call-again" disabled aria-describedby="why-call-again"/);
  expect(body).toContain("Possible after a call that was cut off.");
  expect(body).toMatch(/as long as a real call: about 12\u00a0s\./);
  await web.play(played, "expire");
  const expired = (await web.get(`/pay/${played}?lang=en`)).body;
  expect(expired).toMatch(/value="pay" disabled/);
  expect(expired).toMatch(/value="pay-late">/);
  expect(expired.match(/only a late payment can be played/g)).toHaveLength(1);
});

test("a stop hangs up what is played and closes its books, and more than a process may play at once is refused", async () => {
  const stopped = await PlayedWeb.open();
  const ids: string[] = [];
  for (let n = 0; n <= PLAYS_AT_ONCE_MAX; n++) ids.push(await stopped.openTest("bySecond", 200));
  const answers = await Promise.all(ids.map((id) => stopped.play(id, "pay")));
  const refused = answers.filter(({ statusCode }) => statusCode !== 303);
  expect(refused.map((answer) => answer.json().code)).toEqual(["too_many_requests"]);
  expect(refused[0]?.headers["retry-after"]).toBeDefined();
  const legs = () => stopped.db.selectFrom("call_legs").select(["ended_at", "end_reason"]).execute();
  await eventually(async () => (await legs()).length === PLAYS_AT_ONCE_MAX);
  await stopped.app.close();
  const open = (await legs()).filter((leg) => leg.ended_at === null || leg.end_reason === null);
  const plays = await stopped.db.selectFrom("test_plays").select("id").where("ended_at", "is", null).execute();
  expect([open, plays]).toEqual([[], []]);
  await stopped[Symbol.asyncDispose]();
});

test("without a voice server a play ends in a call that nobody answered", async () => {
  await using alone = await PlayedWeb.open({ voice: false });
  const id = await alone.openTest("bySecond", 24);
  await alone.playOut(id, "pay");
  expect(await alone.eventsOf(id)).toEqual(["created"]);
});

test("played calls are no drift: no Asterisk had them, and none of them counts", async () => {
  const report = await compareCalls(web.db, { since: new Date(0), until: new Date(Date.now() + 60_000) }, 0);
  expect(report).toMatchObject({ sound: true, lines: [] });
  expect(await web.db.selectFrom("call_legs").select("id").where("trunk", "=", "test").execute()).not.toEqual([]);
});

test("in all of this, the voice server had nothing to complain about", () => {
  expect(web.complaints).toEqual([]);
});
