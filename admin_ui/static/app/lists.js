// Lists: rows that can be ticked (with shift for a range), a bar for what is ticked, rows that can be clicked.

export function installLists() {
  let last = null;

  document.addEventListener("click", (event) => {
    const box = event.target.closest("td.pick input");
    if (box) {
      const boxes = [...document.querySelectorAll("tbody .pick input")];
      if (event.shiftKey && last && boxes.includes(last)) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
        for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
      }
      last = box;
      count();
      return;
    }
    const all = event.target.closest("[data-pick-all]");
    if (all) {
      for (const each of document.querySelectorAll("tbody .pick input")) each.checked = all.checked;
      count();
      return;
    }
    if (event.target.closest("a, button, input, label, select, summary, details, form")) return;
    const row = event.target.closest("tr");
    const link = row?.querySelector("td.name a[href]");
    if (link && !getSelection().toString()) link.click();
  });

  function count() {
    const bar = document.querySelector("[data-bulk]");
    if (!bar) return;
    const boxes = [...document.querySelectorAll("tbody .pick input")];
    const ticked = boxes.filter((box) => box.checked).length;
    bar.hidden = ticked === 0;
    const text = bar.querySelector("[data-count]");
    if (text) text.textContent = text.dataset.count.replace("{n}", String(ticked));
    const all = document.querySelector("[data-pick-all]");
    if (all) {
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    }
  }
  count();
  document.addEventListener("htmx:after:swap", count);

  // Rows that come ticked, since they could not be dealt with, were ticked once: a reload need not do it again.
  const address = new URL(location.href);
  if (address.searchParams.has("ticked")) {
    address.searchParams.delete("ticked");
    history.replaceState(history.state, "", address);
  }

  // Filters that are not set do not belong in the address.
  document.addEventListener("htmx:config:request", (event) => {
    const request = event.detail.ctx.request;
    if (!request.form?.matches("[data-toolbar]")) return;
    for (const [name, value] of [...request.body.entries()]) if (value === "") request.body.delete(name);
  });
}

// Views of a list: which of them is looked at, after the list alone was fetched anew; where to come back to.
document.addEventListener("htmx:after:swap", () => {
  const line = document.querySelector("[data-views]");
  if (!line) return;
  const wishes = (address) => {
    const params = new URL(address, location.href).searchParams;
    for (const passing of ["page", "size", "more", "at", "dir"]) params.delete(passing);
    params.sort();
    return String(params);
  };
  const here = wishes(location.href);
  for (const link of line.querySelectorAll("nav a")) {
    if (wishes(link.href) === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const field of line.querySelectorAll("[data-here]")) field.value = location.pathname + location.search;
});

// What a search box suggests goes for the word that is being typed, not for the whole of it.
document.addEventListener("input", (event) => {
  const words = event.target.matches("[data-search][list]") && event.target.list;
  if (!words) return;
  words.dataset.words ??= JSON.stringify([...words.options].map((option) => option.value));
  const before = event.target.value.replace(/\S*$/, "");
  if (words.dataset.before === before) return;
  words.dataset.before = before;
  words.replaceChildren(...JSON.parse(words.dataset.words).map((word) => new Option("", before + word)));
});

// A search box that narrows a list of tick boxes beside it.
document.addEventListener("input", (event) => {
  const box = event.target.closest("[data-narrow]");
  if (!box) return;
  const wanted = box.value.trim().toLowerCase();
  for (const label of document.querySelectorAll(`${box.dataset.narrow} label`)) {
    label.hidden = wanted !== "" && !label.textContent.toLowerCase().includes(wanted);
  }
});

// A row's menu would be cut off by the box that its table scrolls in, so it floats above the page while it is open.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.(".table-box details.menu") || !menu.open) return;
  const items = menu.querySelector(".items");
  const at = menu.querySelector("summary").getBoundingClientRect();
  Object.assign(items.style, { position: "fixed", right: `${document.documentElement.clientWidth - at.right}px`, bottom: "auto", top: `${at.bottom}px` });
  const below = innerHeight - at.bottom;
  if (items.offsetHeight > below && at.top > below) Object.assign(items.style, { top: "auto", bottom: `${innerHeight - at.top}px` });
}, true);
for (const scrolled of ["scroll", "resize"]) addEventListener(scrolled, (event) => {
  for (const menu of document.querySelectorAll(".table-box details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
}, { capture: true, passive: true });
