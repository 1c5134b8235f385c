// Asks for the line of what runs again while somebody looks, unless it is held.
const EVERY_MS = 5000;

setInterval(() => {
  const figure = document.querySelector("[data-again]");
  const hold = figure?.querySelector("[data-hold]");
  if (!figure || document.hidden || hold.getAttribute("aria-pressed") === "true") return;
  htmx.ajax("GET", figure.dataset.again, { target: "#live-line-now", select: "#live-line-now", swap: "outerHTML" });
}, EVERY_MS);

document.addEventListener("click", (event) => {
  const hold = event.target.closest("[data-hold]");
  if (hold) hold.setAttribute("aria-pressed", String(hold.getAttribute("aria-pressed") !== "true"));
});

// The box stands for the field beside it: unticked it says so in the address, ticked nothing has to be said.
document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-compare]")) return;
  event.target.closest("label").querySelector("[name=compare]").disabled = event.target.checked;
}, true);
