// Single keys outside of fields: `?` help, `/` search, `g` and a letter for a page, `n` new, j/k rows, r reload, x select, [ ] pages.

export function installKeys() {
  let waiting = 0;
  const help = document.getElementById("keys-help");
  // In the list of keys and in the profile.
  const switches = [...document.querySelectorAll("[data-keys-off]")];
  for (const off of switches) {
    off.checked = localStorage.getItem("keys") === "off";
    off.addEventListener("change", () => {
      localStorage.setItem("keys", off.checked ? "off" : "on");
      for (const other of switches) other.checked = off.checked;
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      if (!document.getElementById("palette") || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      import("./palette.js").then((palette) => palette.open());
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("a[data-palette]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    import("./palette.js").then((palette) => palette.open());
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    if (localStorage.getItem("keys") === "off") return;
    if (performance.now() < waiting) {
      waiting = 0;
      const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (target) location.assign(target.href);
      return;
    }
    const act = actions[event.key];
    if (act && act() !== false) event.preventDefault();
  });

  const actions = {
    g: () => { waiting = performance.now() + 1000; },
    "/": () => focus("[data-search]"),
    "?": () => help?.showModal(),
    r: () => location.reload(),
    n: () => document.querySelector("[data-new]")?.click(),
    "[": () => document.querySelector("a[rel=prev]")?.click(),
    "]": () => document.querySelector("a[rel=next]")?.click(),
    j: () => step(1),
    k: () => step(-1),
    x: () => document.activeElement?.closest("tr")?.querySelector(".pick input")?.click(),
    e: () => document.activeElement?.closest("tr")?.querySelector("[data-edit]")?.click(),
    ".": () => document.activeElement?.closest("tr")?.querySelector("details.menu > summary")?.click(),
  };

  function focus(selector) {
    const found = document.querySelector(selector);
    if (!found) return false;
    found.focus();
    found.select?.();
    return true;
  }

  function step(by) {
    const names = [...document.querySelectorAll("tbody td.name a")];
    if (!names.length) return false;
    const row = document.activeElement?.closest("tr");
    const at = names.findIndex((name) => row?.contains(name));
    names[Math.min(Math.max(at + by, 0), names.length - 1)].focus();
    return true;
  }
}
