// Lists: rows that can be ticked (with shift for a range), a bar for what is ticked, rows that can be clicked.

export function installLists() {
  let last = null;

  document.addEventListener("click", (event) => {
    const box = event.target.closest(".pick input");
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

  // Filters that are not set do not belong in the address.
  document.addEventListener("htmx:config:request", (event) => {
    const request = event.detail.ctx.request;
    if (!request.form?.matches("[data-toolbar]")) return;
    for (const [name, value] of [...request.body.entries()]) if (value === "") request.body.delete(name);
  });
}

// A search box that narrows a list of tick boxes beside it.
document.addEventListener("input", (event) => {
  const box = event.target.closest("[data-narrow]");
  if (!box) return;
  const wanted = box.value.trim().toLowerCase();
  for (const label of document.querySelectorAll(`${box.dataset.narrow} label`)) {
    label.hidden = wanted !== "" && !label.textContent.toLowerCase().includes(wanted);
  }
});
