/**
 * The telephone on the page: keypad, display, sound. How a call travels is the line's business (line-sip.js to a real
 * Asterisk, line-simulated.js to the built-in simulator); both have dial, key and hangUp, and tell what happens.
 *
 * For test programs: the state stands in [data-phone-state] (connecting, ready, ringing, beforeAnswer, inCall, and at the
 * end of a call ended, busy, refused or failed), the digits keyed in [data-digits]; [data-dial], [data-call],
 * [data-hang-up] and [data-key="0"…"9","*","#"] are the controls. ?number= fills in the number, ?account= picks an account.
 */
const phone = document.querySelector("[data-phone]");
const part = (name) => phone.querySelector(`[data-${name}]`);
const settings = JSON.parse(phone.dataset.settings);
const texts = JSON.parse(phone.dataset.texts);
const prices = JSON.parse(phone.dataset.prices);

const BUSY = ["ringing", "beforeAnswer", "inCall"];
let state = "connecting";
let answeredAt = 0;
let line = null;

/** What a line tells. Every member is optional. */
function heard({ state: next, sound, prompt, microphone, sipStatus }) {
  if (sound) play(sound);
  if (prompt !== undefined) {
    part("prompt").textContent = prompt;
    part("prompt").hidden = prompt === "";
  }
  if (microphone) showMicrophone(microphone);
  if (next && next !== state) change(next, sipStatus);
}

function change(next, sipStatus) {
  state = next;
  if (state === "inCall") answeredAt = performance.now();
  phone.dataset.phoneState = state;
  if (sipStatus) phone.dataset.sipStatus = sipStatus;
  else delete phone.dataset.sipStatus;
  const calling = BUSY.includes(state);
  const focused = document.activeElement;
  part("call").disabled = calling || state === "connecting";
  part("hang-up").disabled = !calling;
  // A button that can't be pressed any more lets go of the focus: it goes where the hand goes next.
  if (focused === part("call") && calling) phone.querySelector("[data-key]").focus();
  if (focused === part("hang-up") && !calling) part("call").focus();
  part("dial").readOnly = calling;
  const words = part("state");
  if (calling) words.dataset.status = "calling";
  else delete words.dataset.status;
  showState();
  // Only a change of state is announced, without the seconds, which would be read aloud one by one.
  part("announce").textContent = texts[state].replace(/:?\s*\{duration\}/, "");
}

function showState() {
  const seconds = Math.floor((performance.now() - answeredAt) / 1000);
  const duration = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  part("state").textContent = texts[state].replace("{duration}", duration);
}

function showPrice() {
  const number = part("dial")
    .value.replace(/[^\d+]/g, "")
    .replace(/^(\+|00)41/, "0");
  part("price").textContent = prices[number] ?? "";
}

function play(stream) {
  const sound = part("sound");
  if (sound.srcObject !== stream) sound.srcObject = stream;
  sound.play().catch(() => {}); // it plays as soon as the page was clicked on, and it was: to call
}

function showMicrophone(kind) {
  const button = part("microphone");
  if (!button) return;
  part("microphone-denied").hidden = kind !== "denied";
  button.disabled = kind === "denied";
  button.setAttribute("aria-pressed", String(kind === "on"));
  button.textContent = kind === "on" ? texts.microphoneOn : texts.microphoneOff;
}

function call() {
  const number = part("dial").value.replace(/[^\d+*#]/g, "");
  if (!number || !line || BUSY.includes(state) || state === "connecting") return;
  part("digits").textContent = "";
  heard({ prompt: "" });
  change("ringing");
  line.dial(number);
}

/** In a call a key is a tone; before it, a digit of the number. */
function press(key) {
  if (BUSY.includes(state)) {
    part("digits").textContent += key;
    line?.key(key);
    return;
  }
  part("dial").value += key;
  showPrice();
}

function prefill(number) {
  if (BUSY.includes(state)) return;
  part("dial").value = number;
  showPrice();
}

phone.addEventListener("click", (event) => {
  const key = event.target.closest("[data-key]");
  if (key) press(key.dataset.key);
});
part("call").addEventListener("click", call);
part("hang-up").addEventListener("click", () => line?.hangUp());
part("dial").addEventListener("input", showPrice);
part("dial").addEventListener("keydown", (event) => {
  if (event.key === "Enter") call();
});
part("volume")?.addEventListener("input", (event) => {
  part("sound").volume = event.target.value / 100;
});
part("microphone")?.addEventListener("click", (event) => {
  line?.speak?.(event.currentTarget.getAttribute("aria-pressed") !== "true");
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  const free = !typing || (typing === part("dial") && BUSY.includes(state));
  if (free && /^[0-9*#]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) press(event.key);
});
document.addEventListener("phone:prefill", (event) => prefill(event.detail));
window.addEventListener("pagehide", () => line?.hangUp());
setInterval(() => state === "inCall" && showState(), 250);

if (part("volume")) part("sound").volume = part("volume").value / 100;
// A reload may have kept what was typed last; the address decides.
part("dial").value = part("dial").defaultValue;
const chosen = document.querySelector("[name=item]:checked");
if (chosen) part("dial").value = chosen.dataset.line;
showPrice();

if (settings.url) {
  const { openLine } = await import(settings.kind === "sip" ? "/public/line-sip.js" : "/public/line-simulated.js");
  line = openLine(settings, heard);
} else {
  phone.dataset.phoneState = "failed";
  part("state").textContent = texts.noLine;
}
