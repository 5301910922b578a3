// Comfort only: the amount on the button follows the choice, the telephone follows the number, a page prints itself.
const pay = document.querySelector("[data-pay]");

function followChoice() {
  const chosen = document.querySelector("[name=item]:checked");
  if (!chosen || !pay) return;
  pay.textContent = chosen.dataset.buy;
  document.dispatchEvent(new CustomEvent("phone:prefill", { detail: chosen.dataset.line }));
  const phone = document.querySelector("[data-open-phone]");
  const address = new URL(phone.href);
  address.searchParams.set("number", chosen.dataset.line);
  phone.href = address.href;
}

for (const radio of document.querySelectorAll("[name=item]")) radio.addEventListener("change", followChoice);
followChoice();
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
