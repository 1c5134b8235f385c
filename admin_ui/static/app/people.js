// Pages of tokens, people, codes and of one's own account: both measures of an amount, one's own address, how long a
// password would hold, balances before and after. Each page works without it.

import { announce } from "./main.js";

// An amount is money or units; beside the field stands the other.
function worth(output) {
  const field = document.getElementById(output.htmlFor[0] ?? output.getAttribute("for"));
  if (!field) return;
  const typed = field.value.trim().replaceAll(",", "").replace("\u2212", "-");
  const bare = typed.replace(/\s*(units?|单位)$/i, "");
  const isUnits = bare !== typed || (output.dataset.worth === "units" && !typed.includes("$"));
  const amount = Number(bare.replace("$", ""));
  const perDollar = Number(output.dataset.perDollar);
  if (typed === "" || !Number.isFinite(amount) || !perDollar) {
    output.textContent = "";
    return;
  }
  output.textContent = isUnits
    ? `= ${dollars(amount / perDollar)}`
    : output.dataset.units.replace("{n}", Math.round(amount * perDollar).toLocaleString("en"));
}

function dollars(amount) {
  const size = Math.abs(amount);
  const digits = size >= 1 || size === 0 ? 2 : 6;
  const text = size.toLocaleString("en", { minimumFractionDigits: size === 0 ? 0 : 2, maximumFractionDigits: digits });
  return `${amount < 0 ? "\u2212" : ""}$${text}`;
}

// How many guesses a password stands: its length counts most, and how many kinds of signs there are.
function strength(line) {
  const field = document.getElementById(line.dataset.strengthOf);
  const text = field?.value ?? "";
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(text)).length;
  const bits = new Set(text).size * Math.log2([10, 26, 40, 62, 94][kinds] ?? 94) * 0.55 + text.length;
  const level = text.length < 8 ? (text ? 1 : 0) : bits < 45 ? 2 : bits < 65 ? 3 : 4;
  line.dataset.level = String(level);
  line.querySelector("[data-word]").textContent = line.dataset.words.split("|")[level] ?? "";
}

// What a balance would become.
function balance(output) {
  const field = document.getElementById(output.dataset.balanceAfter);
  const source = document.querySelector(`output[for="${output.dataset.balanceAfter}"]`);
  if (!field || !source) return;
  const perDollar = Number(source.dataset.perDollar);
  const typed = field.value.trim().replaceAll(",", "").replace("\u2212", "-");
  const bare = typed.replace(/\s*(units?|单位)$/i, "");
  const isUnits = bare !== typed || (source.dataset.worth === "units" && !typed.includes("$"));
  const amount = Number(bare.replace("$", ""));
  if (typed === "" || !Number.isFinite(amount)) {
    output.textContent = "…";
    return;
  }
  const after = Number(output.dataset.units) + (isUnits ? amount : Math.round(amount * perDollar));
  output.textContent = source.dataset.worth === "money" ? dollars(after / perDollar) : after.toLocaleString("en");
}

function refresh(scope) {
  for (const output of scope.querySelectorAll("[data-worth]")) worth(output);
  for (const line of scope.querySelectorAll("[data-strength-of]")) strength(line);
  for (const output of scope.querySelectorAll("[data-balance-after]")) balance(output);
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("form");
  if (form) refresh(form);
});
document.addEventListener("ui:shown", (event) => refresh(event.detail));

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-line]");
  if (!add) return;
  event.preventDefault();
  const field = document.getElementById(add.dataset.to);
  const lines = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.includes(add.dataset.addLine)) lines.push(add.dataset.addLine);
  field.value = lines.join("\n");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  add.hidden = true;
  field.focus();
});

// Copying a key without leaving the list; the server writes down that it was shown all the same.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-copy-key]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const key = page?.getElementById("key")?.textContent.trim();
  try {
    await navigator.clipboard.writeText(key);
    announce(form.dataset.copyKey);
  } catch {
    // No clipboard on plain HTTP, or nothing came: the page with the key shows it.
    form.submit();
  }
}, { capture: true });

// A form that answers with a file leaves the page as it is: it may be sent again.
document.addEventListener("submit", (event) => {
  if (!event.submitter?.matches("[data-again]")) return;
  const form = event.target;
  setTimeout(() => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }, 1000);
});

refresh(document);
