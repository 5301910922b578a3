// Comfort only: the amount on the button follows the choice, the telephone follows the number, a page prints itself.
const pay = document.querySelector("[data-pay]");
const isFramed = window.parent !== window;

function followChoice() {
  const chosen = document.querySelector("[name=item]:checked") ?? document.querySelector("main[data-line]");
  if (!chosen) return;
  tellNumber(chosen.dataset.line);
  if (!pay) return;
  pay.textContent = chosen.dataset.buy;
  const phone = document.querySelector("[data-open-phone]");
  if (!phone) return;
  const address = new URL(phone.href);
  address.searchParams.set("number", chosen.dataset.line);
  phone.href = address.href;
}

/** To the telephone on this page, or to the one that a window of ours has beside the frame. */
function tellNumber(number) {
  document.dispatchEvent(new CustomEvent("phone:prefill", { detail: number }));
  if (isFramed) window.parent.postMessage({ number }, location.origin);
}

for (const radio of document.querySelectorAll("[name=item]")) radio.addEventListener("change", followChoice);
followChoice();
addEventListener("message", ({ origin, source }) => {
  if (isFramed && source === window.parent && origin === location.origin) followChoice();
});
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
