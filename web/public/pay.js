// Keeps the pay page live. Nothing here is needed to pay: without it the page reloads itself.
// It sets text, `value`, `hidden` and data-* only, so that the strict policy of the page holds.

const LOST_AFTER_MS = 3_000;
const RECONNECT_MS = 3_000;
const SWAP_PAUSE_MS = 1_000;
const BUSY_RETRY_MS = 20_000;
const CALM_ABOVE_SECONDS = 30;
const JITTER_SECONDS = 2;

const find = (selector) => document.querySelector(selector);

/* ---- following the payment */
let source = null;
let lostTimer = 0;
let reconnectTimer = 0;

function connect() {
  disconnect();
  const address = find("main")?.dataset.progressUrl;
  if (!address) return;
  const opened = new EventSource(address);
  source = opened;
  opened.onopen = () => showLost(false);
  opened.onmessage = (event) => {
    showLost(false);
    show(JSON.parse(event.data));
  };
  opened.onerror = () => {
    lostTimer ||= setTimeout(() => showLost(true), LOST_AFTER_MS);
    // A refused connection isn't tried again by the browser; a broken one is.
    if (opened.readyState === EventSource.CLOSED) reconnectTimer = setTimeout(connect, RECONNECT_MS);
  };
}

function disconnect() {
  source?.close();
  source = null;
  clearTimeout(reconnectTimer);
}

function showLost(lost) {
  if (!lost) {
    clearTimeout(lostTimer);
    lostTimer = 0;
  }
  const notice = find("[data-connection-lost]");
  if (notice) notice.hidden = !lost;
}

function show(state) {
  const main = find("main");
  const { status, exception } = find("h1").dataset;
  const newerCode = state.codeIssuedAt > Number(main.dataset.codeIssuedAt);
  const { playing } = main.dataset; // of a test transaction: a simulated call has begun or ended
  const otherPlay = playing !== undefined && String(state.isPlaying ?? false) !== playing;
  const otherTotal = state.totalRappen !== Number(main.dataset.total);
  const isOther = newerCode || otherPlay || otherTotal;
  if (state.status !== status || state.exception !== exception || isOther) return void swap();
  const billed = find("[data-billed]");
  billed.value = String(state.billedRappen);
  setText("[data-billed-figure]", state.billedFigure);
  if (status !== "calling") return;
  setText("[data-progress-text]", state.progressText);
  setText("[data-percent]", state.percentText);
  setText("[data-remaining-spoken]", state.remainingSpoken);
  const bar = find("[data-progress]");
  bar.max = state.totalRappen;
  bar.value = state.billedRappen;
  if (state.remainingSeconds !== null) setRemaining(state.remainingSeconds, state.remainingSecondsNext);
}

function setText(selector, text) {
  const element = find(selector);
  if (element && text !== null) element.textContent = text;
}

/* ---- another state: fetch the page anew and put its content in place */
let swapping = false;
let swapAgain = false;

async function swap() {
  swapAgain = swapping;
  if (swapping) return;
  swapping = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    replaceContent(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    swapAgain = true;
  }
  setTimeout(() => {
    swapping = false;
    if (swapAgain) void swap();
  }, SWAP_PAUSE_MS);
}

function replaceContent(fresh) {
  for (const plain of fresh.querySelectorAll("noscript")) plain.remove();
  const main = find("main");
  const freshMain = fresh.querySelector("main");
  if (!freshMain) {
    location.reload();
    return;
  }
  const focused = document.activeElement;
  const twin = whereabouts(focused);
  document.title = fresh.title;
  find("aside").replaceWith(fresh.querySelector("aside"));
  find("footer").replaceWith(fresh.querySelector("footer"));
  // The status stays the same element, so that screen readers announce what changed in it.
  const status = find("main [role=status]");
  status.replaceChildren(...fresh.querySelector("main [role=status]").childNodes);
  const changing = (child) => !child.matches("[role=status], .label");
  for (const child of Array.from(main.children).filter(changing)) child.remove();
  main.append(...Array.from(freshMain.children).filter(changing));
  for (const name of ["progressUrl", "codeIssuedAt", "total", "playing"]) {
    if (name in freshMain.dataset) main.dataset[name] = freshMain.dataset[name];
    else delete main.dataset[name];
  }
  if (!focused.isConnected) {
    find(twin)?.focus();
    if (document.activeElement === document.body) main.focus();
  }
  begin();
  if (!main.dataset.progressUrl) disconnect();
}

/** Finds the same control in another state's content, so that who goes by keyboard stays where they are. */
function whereabouts(control) {
  const { id, localName, form } = control;
  if (id) return `#${id}`;
  if (form) return `form[action="${CSS.escape(form.getAttribute("action"))}"] ${localName}`;
  if (control.matches("[data-copy]")) return "[data-copy]";
  return `${localName}[href="${CSS.escape(control.getAttribute("href") ?? "")}"]`;
}

/* ---- time: of the code, calmly; of the call, smoothly between pulses */
let codeEndsAt = 0;
let callEndsAt = 0;
let remainingNext = 0;

const seconds = () => performance.now() / 1_000;

function begin() {
  const validity = find("[data-validity]");
  codeEndsAt = validity ? seconds() + Number(validity.dataset.validity) : 0;
  callEndsAt = 0;
  const remaining = find("[data-remaining-next]");
  if (remaining) setRemaining(Number(remaining.dataset.remaining), Number(remaining.dataset.remainingNext));
  if (find("[data-busy]")) setTimeout(swap, BUSY_RETRY_MS);
}

/** A pulse that is told late would make time jump back: within reason, the earlier end stands. */
function setRemaining(left, leftNext) {
  const endsAt = seconds() + left;
  const jitter = callEndsAt > 0 && endsAt > callEndsAt && endsAt - callEndsAt < JITTER_SECONDS;
  if (!jitter) callEndsAt = endsAt;
  remainingNext = leftNext;
}

function tick() {
  if (codeEndsAt > 0) showValidity(Math.max(0, Math.floor(codeEndsAt - seconds())));
  const remaining = find("[data-remaining-next]");
  if (!remaining) return;
  const left = Math.max(remainingNext, Math.ceil(callEndsAt - seconds()), 0);
  const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (remaining.textContent !== text) remaining.textContent = text;
}

function showValidity(left) {
  const validity = find("[data-validity]");
  if (!validity) return;
  if (left === 0) return expireCode();
  const calm = left > CALM_ABOVE_SECONDS ? Math.ceil(left / 10) * 10 : left;
  const text = validity.dataset.pattern.replace("%", duration(calm));
  if (validity.textContent === text) return;
  validity.textContent = text;
  find("[aria-labelledby=validity]").value = calm;
}

function duration(whole) {
  const minutes = Math.floor(whole / 60);
  const rest = whole % 60;
  if (minutes === 0) return `${rest}\u00a0s`;
  return rest === 0 ? `${minutes}\u00a0min` : `${minutes}\u00a0min ${rest}\u00a0s`;
}

function expireCode() {
  codeEndsAt = 0;
  const hadFocus = find("[data-order]").contains(document.activeElement);
  find("[data-code-lock]").dataset.expired = "";
  find("[data-code]").textContent = "";
  for (const gone of [
    "[data-code]",
    "[data-code-spelled]",
    "[data-validity]",
    "[aria-labelledby=validity]",
    "[data-order]",
  ])
    find(gone).hidden = true;
  find("[data-code-expired]").hidden = false;
  if (hadFocus) find("[data-code-lock] button").focus();
}

/* ---- buttons that need a script */
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-print]");
  if (!button) return;
  if ("print" in button.dataset) {
    print();
    return;
  }
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
  } catch {
    getSelection().selectAllChildren(find("[data-id]"));
  }
});

if (find("[data-status]") && find("main#main")) {
  begin();
  connect();
  setInterval(tick, 250);
  addEventListener("online", connect);
  addEventListener("offline", () => showLost(true));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connect();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  addEventListener("pagehide", disconnect);
}
