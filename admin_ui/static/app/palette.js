// The palette: what is typed is looked for on the server, arrows go through what it found, Enter does it.
const dialog = document.getElementById("palette");
const field = dialog.querySelector("input");
const found = dialog.querySelector("[data-found]");
let asked = "";
let timer = 0;

export function open() {
  if (dialog.open) return;
  field.value = "";
  dialog.showModal();
  field.focus();
  ask();
}

async function ask() {
  const address = new URL("/palette", location.href);
  address.searchParams.set("q", field.value.trim());
  address.searchParams.set("from", location.pathname + location.search);
  asked = address.href;
  const answer = await fetch(asked, { headers: { "X-Dialog": "1" } }).catch(() => null);
  if (asked !== address.href || !dialog.open) return;
  if (!answer || answer.redirected) {
    location.assign(address);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = page.querySelector("[data-found]");
  if (list) found.replaceChildren(...list.childNodes);
  const items = found.querySelectorAll(".item").length;
  dialog.querySelector("[role=status]").textContent = found.dataset.said.replace("{n}", String(items));
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, 120);
});

dialog.addEventListener("keydown", (event) => {
  const items = [...found.querySelectorAll(".item")];
  const at = items.indexOf(document.activeElement);
  if (event.key === "ArrowDown") (items[at + 1] ?? items[0])?.focus();
  else if (event.key === "ArrowUp") (at > 0 ? items[at - 1] : field).focus();
  else if (event.key === "Enter" && document.activeElement === field) items[0]?.click();
  else if (event.key.length === 1 && at >= 0 && !event.ctrlKey && !event.metaKey) {
    field.focus();
    return;
  } else return;
  event.preventDefault();
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
