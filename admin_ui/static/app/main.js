// What every page has: dialogs, menus, copying, selection, shortcuts, messages. Each page works without it.
import { installDialogs } from "./dialogs.js";
import { installFragments } from "./fragments.js";
import { installForms } from "./forms.js";
import { installKeys } from "./keys.js";
import { installLists } from "./lists.js";
import { installMore, tellWidth } from "./more.js";
import { installSession } from "./session.js";

const root = document.documentElement;
root.classList.add("script");

// The server writes times in this zone from the next page on.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`tz=${encodeURIComponent(zone)}`)) {
  document.cookie = `tz=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
}

tellWidth();

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-close-toast]");
  if (close) close.closest(".toast").remove();
  for (const menu of document.querySelectorAll("details.menu[open], .tabs details[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open], .tabs details[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

async function copyText(button) {
  const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
  const text = source ? source.value ?? source.textContent : button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text.trim());
  } catch {
    // No clipboard on plain HTTP: select the text, so that one key copies it.
    const box = document.createElement("textarea");
    box.value = text.trim();
    box.className = "hush";
    button.after(box);
    box.select();
    document.execCommand("copy");
    box.remove();
    button.focus();
  }
  const said = button.dataset.copied;
  if (said) announce(said);
}

export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
  const toasts = document.getElementById("toasts");
  const toast = document.createElement("div");
  toast.className = "toast";
  const line = document.createElement("p");
  line.textContent = text;
  toast.append(line);
  toasts.append(toast);
  setTimeout(() => toast.remove(), 3000);
}

function fadeToasts() {
  for (const toast of document.querySelectorAll(".toast:not(.bad, [data-seen])")) {
    toast.dataset.seen = "";
    setTimeout(() => { if (!toast.matches(":hover, :focus-within")) toast.remove(); }, 10000);
  }
}

installDialogs();
// Before forms: what is held back here is not sent yet.
installSession();
installForms();
installFragments();
installKeys();
installLists();
installMore();
fadeToasts();
document.addEventListener("htmx:after:swap", fadeToasts);
