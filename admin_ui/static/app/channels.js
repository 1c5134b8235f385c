// The list of channels: a number in a row is saved once it was changed, its row comes back as it is then.
import { announce } from "./main.js";

// What was not saved is not shown as if it were. Before the others, who would offer to fetch the row again.
for (const failure of ["htmx:error", "htmx:response:error"]) document.addEventListener(failure, (event) => {
  const source = event.detail.ctx?.sourceElement;
  const rows = source?.closest?.("tbody[data-unsaved]");
  if (!rows) return;
  event.stopImmediatePropagation();
  if (source.matches("input")) source.value = source.defaultValue;
  announce(rows.dataset.unsaved);
}, true);

document.addEventListener("keydown", (event) => {
  const field = event.target.closest(".small-field input");
  if (!field) return;
  if (event.key === "Escape") {
    field.value = field.defaultValue;
    field.blur();
  }
  if (event.key === "Enter") {
    // Leaving the field tells of the change; sending the form would load the whole page.
    event.preventDefault();
    field.blur();
  }
});

// A choice that is a dialog's only question answers it.
document.addEventListener("change", (event) => {
  if (event.target.matches("#dialog select[data-send]")) event.target.form.requestSubmit();
});
