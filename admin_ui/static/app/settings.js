// Settings: what would change is shown in a dialog before it is saved, texts are shown as they will look, and what
// was touched is marked. Without this module the same pages follow one another.
const form = document.getElementById("settings-form");
const dialog = document.getElementById("dialog");
const unsaved = document.getElementById("unsaved");

function valueOf(field) {
  return field.type === "checkbox" || field.type === "radio" ? String(field.checked) : field.value;
}

function fieldsOf(setting) {
  return [...setting.querySelectorAll("input:not([type=hidden]), select, textarea")];
}

const began = new Map();
for (const setting of form.querySelectorAll("[data-setting]")) {
  began.set(setting, fieldsOf(setting).map(valueOf).join("\u0000"));
}

function count() {
  let touched = 0;
  for (const [setting, text] of began) {
    const differs = fieldsOf(setting).map(valueOf).join("\u0000") !== text;
    setting.classList.toggle("touched", differs);
    touched += Number(differs);
  }
  unsaved.textContent = touched ? unsaved.dataset.text.replace("{n}", String(touched)) : "";
  // Typed and typed back: there is nothing to lose any more.
  if (!touched) delete form.dataset.dirty;
}
form.addEventListener("input", count);

async function ask(address, body) {
  const answer = await fetch(address, { method: "POST", body, headers: { "X-Dialog": "1" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[data-dialog-content]");
}

function show(content, opener) {
  const title = content.querySelector("h1");
  title.id = "dialog-title";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.replaceChildren(document.importNode(content, true));
  dialog.showModal();
  dialog.querySelector("button.first, [data-cancel]")?.focus();
  dialog.addEventListener("close", () => opener.focus(), { once: true });
}

// Before the module of all forms sees it: nothing is sent yet.
form.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.classList.contains("first")) return;
  event.preventDefault();
  event.stopPropagation();
  review(button);
});

async function review(button) {
  const content = await ask(form.action, new URLSearchParams(new FormData(form)));
  if (content) {
    show(content, button);
    form.dataset.clean = "";
    dialog.addEventListener("close", () => { delete form.dataset.clean; }, { once: true });
    return;
  }
  // Something is wrong with the form, or nothing is different: the server's page says so.
  form.dataset.clean = "";
  HTMLFormElement.prototype.submit.call(form);
}

form.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-preview]");
  if (!button) return;
  event.preventDefault();
  const body = new URLSearchParams();
  for (const name of ["csrf", button.value]) body.set(name, form.elements[name].value);
  body.set("field", button.value);
  const content = await ask(button.formAction, body);
  if (content) show(content, button);
});
