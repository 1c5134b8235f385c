// The log fetches itself anew every few seconds if that is switched on: on the first page, while somebody can see it.
const box = document.querySelector("[data-refresh]");
if (box) {
  setInterval(() => {
    const list = document.getElementById("list");
    if (!box.checked || document.hidden || document.querySelector("dialog[open]")) return;
    if (list.dataset.latest !== "true" || list.contains(document.activeElement)) return;
    window.htmx?.ajax("GET", location.pathname + location.search, { target: "#list", select: "#list", swap: "outerHTML" });
  }, Number(box.dataset.refresh) * 1000);
  // Whoever pages on wants to stay there.
  document.addEventListener("htmx:after:swap", () => {
    const latest = document.getElementById("list")?.dataset.latest === "true";
    box.disabled = !latest;
    if (!latest) box.checked = false;
  });
}
