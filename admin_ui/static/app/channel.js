// The form of one channel: models as tags, types that are found by typing, and parts that follow what is typed.
// The server knows all of it; this only asks sooner. Each button is a form's button without this.
import { announce } from "./main.js";

const WAIT_MS = 300;
let asking = null;
let timer = 0;

// Nothing may move between pressing a button and letting it go, or the click is lost.
let pressed = false;
const released = [];
addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => {
    pressed = false;
    // After the click that follows.
    setTimeout(() => { for (const go of released.splice(0)) go(); });
  }, true);
}
const letGo = () => (pressed ? new Promise((go) => released.push(go)) : null);

const form = () => document.querySelector("form[data-channel]");
const models = () => document.getElementById("f-models");
const lines = (text) => text.split(/[\s,，]+/).filter(Boolean);

// Sends what is typed with one of the form's buttons, and takes over what the answer shows: parts, or the whole form.
async function look(what, cause, whole = false) {
  const target = form();
  if (!target) return;
  const data = new FormData(target);
  data.set("do", what);
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const button = cause?.closest("button");
  button?.setAttribute("aria-busy", "true");
  let page;
  try {
    const answer = await fetch(target.getAttribute("action"), { method: "POST", body: data, signal });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
    await letGo();
    if (signal.aborted) return;
  } catch (error) {
    if (error.name !== "AbortError") announce(String(error.message ?? error));
    return;
  } finally {
    button?.removeAttribute("aria-busy");
  }
  const fresh = page.querySelector("form[data-channel]");
  if (!fresh) {
    // Signed out, or the channel is gone: the form itself has to be told.
    if (button) target.requestSubmit(button);
    return;
  }
  const focused = document.activeElement;
  if (whole) replaceForm(target, fresh);
  for (const part of page.querySelectorAll("[data-live]")) replacePart(part, button ? null : cause);
  if (!document.contains(focused)) focusAgain(focused);
}

function replaceForm(old, fresh) {
  const open = [...old.querySelectorAll("details.section")].map((part) => part.open);
  old.replaceWith(fresh);
  for (const [place, part] of [...fresh.querySelectorAll("details.section")].entries()) part.open ||= open[place] ?? false;
  fresh.dataset.dirty = "";
  if (old.dataset.raw !== undefined) fresh.dataset.raw = "";
  document.dispatchEvent(new CustomEvent("ui:shown", { detail: fresh }));
  const told = fresh.querySelector(".summary, #tried > *");
  told?.scrollIntoView({ block: "nearest" });
}

function replacePart(fresh, cause) {
  const old = document.getElementById(fresh.id);
  if (!old || old === fresh) return;
  // Where somebody goes on typing nothing moves.
  if (cause && old.contains(cause) && old.contains(document.activeElement)) return;
  if (old.open) fresh.open = true;
  old.replaceWith(fresh);
}

function focusAgain(lost) {
  const wanted = lost.id ? `#${CSS.escape(lost.id)}` : lost.value ? `button[value="${CSS.escape(lost.value)}"]` : "";
  if (wanted) document.querySelector(wanted)?.focus({ preventScroll: true });
}

// --- models as tags ---

function setModels(names, cause) {
  models().value = [...new Set(names)].join("\n");
  form().dataset.dirty = "";
  const list = document.getElementById("tags");
  const shown = new Map([...list.children].map((item) => [item.firstElementChild.textContent, item]));
  list.replaceChildren(...lines(models().value).map((name) => shown.get(name) ?? tag(name)));
  look("look", cause);
}

function tag(name) {
  const item = document.createElement("li");
  item.className = "tag-item";
  const text = document.createElement("span");
  text.textContent = name;
  item.append(text);
  return item;
}

function addPending(input) {
  const names = lines(input.value);
  input.value = "";
  if (names.length) setModels([...lines(models().value), ...names], input);
}

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (input.matches?.("[data-tag]")) {
    if ((event.key === "Enter" || event.key === ",") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      addPending(input);
    } else if (event.key === "Backspace" && !input.value) {
      setModels(lines(models().value).slice(0, -1), input);
    }
  }
  const types = input.closest?.("[data-types]");
  if (types?.open) typesKey(event, types);
});

document.addEventListener("paste", (event) => {
  if (!event.target.matches?.("[data-tag]")) return;
  const text = event.clipboardData.getData("text");
  if (lines(text).length < 2) return;
  event.preventDefault();
  setModels([...lines(models().value), ...lines(text)], event.target);
});

// --- types ---

function visible(types) {
  return [...types.querySelectorAll("li:not([hidden]) > button")];
}

function typesKey(event, types) {
  const buttons = visible(types);
  const place = buttons.indexOf(document.activeElement);
  if (event.key === "Escape") {
    types.open = false;
    types.querySelector("summary").focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = place + (event.key === "ArrowDown" ? 1 : -1);
    (buttons[next] ?? types.querySelector("[data-find-type]")).focus();
  } else if (event.key === "Enter" && event.target.matches("[data-find-type]")) {
    event.preventDefault();
    if (event.target.value) buttons[0]?.click();
  }
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("[data-types][open]")) event.target.querySelector("[data-find-type]").focus();
}, true);

function findType(input) {
  const types = input.closest("[data-types]");
  const wanted = input.value.trim().toLowerCase();
  for (const item of types.querySelectorAll("li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  for (const list of types.querySelectorAll("ul")) {
    list.previousElementSibling.hidden = !list.querySelector("li:not([hidden])");
  }
  types.querySelector("[data-no-type]").hidden = visible(types).length > 0;
}

// --- everything else ---

document.addEventListener("click", (event) => {
  const target = event.target.closest("button, summary, details") ?? event.target;
  for (const types of document.querySelectorAll("[data-types][open]")) if (!types.contains(event.target)) types.open = false;
  // The field that the label names is hidden behind the tags.
  if (event.target.closest('label[for="f-models"], .summary a[href="#f-models"]') && form().dataset.raw === undefined) {
    document.querySelector("[data-tag]")?.focus();
    event.preventDefault();
  }
  const button = event.target.closest("form[data-channel] button");
  if (!button) return;
  if (button.dataset.look !== undefined) {
    const whole = button.dataset.look === "form";
    // What the browser itself can see is wrong is not sent to be tested.
    if (button.value === "try" && !form().reportValidity()) return event.preventDefault();
    event.preventDefault();
    look(button.value, target, whole);
  } else if (button.dataset.untag !== undefined) {
    const name = button.closest("li").firstElementChild.textContent;
    setModels(lines(models().value).filter((one) => one !== name), null);
    document.querySelector("[data-tag]")?.focus();
  } else if (button.dataset.dropRow !== undefined) {
    const row = button.closest("tr");
    for (const input of row.querySelectorAll("input")) input.value = "";
    look("look", null);
  } else if (button.dataset.asText !== undefined) {
    const raw = form().toggleAttribute("data-raw");
    button.setAttribute("aria-pressed", String(raw));
    if (raw) models().focus();
    else look("look", null);
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-unmask]");
  if (!button) return;
  const field = document.getElementById(button.dataset.unmask);
  button.setAttribute("aria-pressed", String(!field.classList.toggle("masked")));
});

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches("[data-find-type]")) findType(field);
  if (field.matches("form[data-channel] input[type=number][data-look]")) {
    clearTimeout(timer);
    timer = setTimeout(() => look("look", field), WAIT_MS);
  }
});

document.addEventListener("change", async (event) => {
  const field = event.target;
  if (field.matches("[data-tag]")) {
    await letGo();
    addPending(field);
  } else if (field.matches("form[data-channel] :is([data-look], [data-raw-tags]):not(button)")) look("look", field);
});

document.addEventListener("submit", (event) => {
  const input = event.target.matches?.("form[data-channel]") && event.target.querySelector("[data-tag]");
  if (!input || !input.value) return;
  models().value = [...new Set([...lines(models().value), ...lines(input.value)])].join("\n");
}, true);
