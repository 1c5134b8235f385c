// One request as a page of its own: the keys that move through the list do it here, too.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (localStorage.getItem("keys") === "off" || document.querySelector("dialog[open]")) return;
  const direction = { j: "older", k: "newer" }[event.key];
  const link = direction && document.querySelector(`[data-step="${direction}"]`);
  if (!link) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  link.click();
}, true);
