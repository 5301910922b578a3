// The telephone has the number ready that the chosen good is paid on. The shop's own pages tell it, and nobody else is listened to:
// later the frame shows the pay page, which is of another origin and tells nothing.
const shop = document.querySelector("[data-shop]");

addEventListener("message", ({ origin, source, data }) => {
  if (origin !== location.origin || source !== shop.contentWindow) return;
  if (/^\d{10}$/.test(data?.number)) document.dispatchEvent(new CustomEvent("phone:prefill", { detail: data.number }));
});

// The frame may have been loaded before anybody listened here. What isn't the shop's page by now doesn't get the question.
shop.contentWindow.postMessage({ ask: "number" }, location.origin);
