// The log: a request opens beside it, a stretch of time is chosen on the bars above it, and new entries are counted.
import { announce } from "./main.js";

const NARROW = matchMedia("(max-width: 899.98px)");
const EVERY_MS = 5000;

// --- one request beside the list -----------------------------------------------------------------------------

const panel = document.getElementById("panel");
let opener = null; // the key of the row that it was opened from
let listAddress = "";
let asked = 0;

const rows = () => [...document.querySelectorAll("#list tr[data-key]")];
const rowOf = (key) => rows().find((row) => row.dataset.key === key);
const linkOf = (row) => row?.querySelector("a[data-panel]");

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button || NARROW.matches) return;
  event.preventDefault();
  show(link.href, { push: !panel.open });
});

async function show(address, { push = false, replace = true, focus = true } = {}) {
  const number = ++asked;
  const answer = await fetch(address, { headers: { "X-Dialog": "1" } }).catch(() => null);
  if (number !== asked) return;
  const page = answer?.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const content = page?.querySelector("[data-panel-content]");
  if (!content) {
    if (answer) location.assign(address);
    else announce(panel.dataset.lost);
    return;
  }
  if (push) {
    listAddress = location.pathname + location.search;
    history.pushState({ panel: true }, "", address);
  } else if (replace) history.replaceState({ panel: true }, "", address);
  const within = panel.contains(document.activeElement) && document.activeElement.dataset.step;
  panel.replaceChildren(document.importNode(content, true));
  panel.scrollTop = 0;
  mark(content.dataset.key);
  if (!panel.isConnected) {
    // Going back through the page's history brought another body.
    document.getElementById("panel")?.remove();
    document.body.append(panel);
  }
  if (!panel.open) panel.show();
  const step = within && panel.querySelector(`[data-step="${within}"]`);
  if (focus) (step || panel.querySelector("[data-close-panel]")).focus({ preventScroll: true });
}

function mark(key) {
  opener = key;
  for (const row of rows()) row.toggleAttribute("aria-current", row.dataset.key === key);
  const row = rowOf(key);
  row?.setAttribute("aria-current", "true");
  row?.scrollIntoView({ block: "nearest" });
}

function hide() {
  if (!panel.open) return;
  asked += 1;
  panel.close();
  panel.replaceChildren();
  for (const row of rows()) row.removeAttribute("aria-current");
  (linkOf(rowOf(opener)) ?? document.querySelector("#list a[data-panel]") ?? document.getElementById("main")).focus();
}

function close() {
  // Where it came from is one step back, unless its own address was opened.
  if (history.state?.panel) history.back();
  else hide();
}

function step(direction) {
  const link = panel.querySelector(`[data-step="${direction}"]`);
  if (link) show(link.href);
}

if (panel) {
  // Beside the page's main part, not within it.
  document.body.append(panel);
  panel.addEventListener("click", (event) => {
    const within = event.target.closest('a[href^="#"]');
    if (within) {
      // Not a step of the page's history, which the panel goes by.
      event.preventDefault();
      panel.querySelector(within.getAttribute("href"))?.scrollIntoView({ block: "start" });
      return;
    }
    const move = event.target.closest("[data-step]");
    const shut = event.target.closest("[data-close-panel]");
    if (!(move || shut) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (move) step(move.dataset.step);
    else close();
  });
  addEventListener("popstate", () => {
    if (history.state?.panel) show(location.href, { replace: false });
    else hide();
  });
  // The list is still there: going back to it fetches nothing.
  document.addEventListener("htmx:before:history:restore", (event) => {
    if (listAddress && location.pathname + location.search === listAddress) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (!panel.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]:not(#panel)")) return;
    if (event.key === "Escape") {
      event.preventDefault();
      close();
      return;
    }
    if (localStorage.getItem("keys") === "off" || event.target.closest("input, textarea, select")) return;
    const direction = { j: "older", k: "newer" }[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    step(direction);
  }, true);
}

// --- a stretch of time on the bars ----------------------------------------------------------------------------

function installBars() {
  const field = document.getElementById("histogram");
  if (!field || field.dataset.ready) return;
  field.dataset.ready = "true";
  const marks = JSON.parse(field.dataset.marks);
  // Links for those without scripts; here the field does what they would, and more.
  const bars = [...field.querySelectorAll("a")].map((link) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "g");
    bar.dataset.text = link.dataset.text;
    bar.append(...link.childNodes);
    link.replaceWith(bar);
    return bar;
  });
  const chosen = field.querySelector(".chosen");
  const reading = document.getElementById("histogram-reading");
  const before = reading.textContent;
  const wide = field.querySelector("svg").viewBox.baseVal.width / bars.length;
  let anchor = bars.length - 1;
  let at = anchor;
  let dragged = false;

  field.tabIndex = 0;
  field.setAttribute("role", "slider");
  field.setAttribute("aria-labelledby", "histogram-title");
  field.setAttribute("aria-valuemin", "0");
  field.setAttribute("aria-valuemax", String(bars.length - 1));
  tell();

  function tell() {
    const text = anchor === at ? bars[at].dataset.text : `${marks.from[Math.min(anchor, at)].replace("T", " ")} – ${marks.to[Math.max(anchor, at)].replace("T", " ")}`;
    field.setAttribute("aria-valuenow", String(at));
    field.setAttribute("aria-valuetext", text);
    return text;
  }

  function draw() {
    const low = Math.min(anchor, at);
    chosen.setAttribute("x", String(low * wide));
    chosen.setAttribute("width", String((Math.abs(anchor - at) + 1) * wide));
    reading.textContent = `${tell()} · ${field.dataset.hint}`;
  }

  function clear() {
    chosen.setAttribute("width", "0");
    reading.textContent = before;
  }

  function apply() {
    const address = new URL(location.href);
    address.searchParams.delete("at");
    address.searchParams.delete("dir");
    address.searchParams.set("range", "custom");
    address.searchParams.set("from", marks.from[Math.min(anchor, at)]);
    address.searchParams.set("to", marks.to[Math.max(anchor, at)]);
    location.assign(address);
  }

  const under = (event) => {
    const box = field.getBoundingClientRect();
    return Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * bars.length), 0), bars.length - 1);
  };
  field.addEventListener("pointerdown", (event) => {
    if (event.button || event.ctrlKey || event.metaKey) return;
    anchor = at = under(event);
    dragged = false;
    field.setPointerCapture(event.pointerId);
  });
  field.addEventListener("pointermove", (event) => {
    if (!field.hasPointerCapture?.(event.pointerId)) {
      reading.textContent = bars[under(event)].dataset.text;
      return;
    }
    at = under(event);
    dragged ||= at !== anchor;
    draw();
  });
  field.addEventListener("pointerup", (event) => {
    if (!field.hasPointerCapture?.(event.pointerId)) return;
    field.releasePointerCapture(event.pointerId);
    apply();
  });
  field.addEventListener("pointercancel", clear);
  field.addEventListener("pointerleave", (event) => {
    if (!field.hasPointerCapture?.(event.pointerId) && chosen.getAttribute("width") === "0") reading.textContent = before;
  });
  field.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -bars.length, End: bars.length, PageUp: 10, PageDown: -10 }[event.key];
    if (by !== undefined) {
      at = Math.min(Math.max(at + by, 0), bars.length - 1);
      if (!event.shiftKey) anchor = at;
      draw();
    } else if (event.key === "Enter") apply();
    else if (event.key === "Escape") clear();
    else return;
    event.preventDefault();
  });
}

// --- what came meanwhile --------------------------------------------------------------------------------------

// Looked up each time: going back through the page's history brings another one.
const refresh = () => document.getElementById("refresh");
let timer = 0;

async function count() {
  const list = document.getElementById("list");
  if (!refresh()?.checked || document.hidden || !list?.dataset.new || list.dataset.latest !== "true") return;
  const answer = await fetch(list.dataset.new).catch(() => null);
  if (!answer?.ok || !(answer.headers.get("Content-Type") ?? "").includes("json")) return;
  const { n, text } = await answer.json();
  const button = document.getElementById("new-rows");
  if (!button || !refresh()?.checked) return;
  if (n && button.textContent !== text) announceQuietly(text);
  button.textContent = text;
  button.hidden = n === 0;
}

function announceQuietly(text) {
  document.getElementById("live").textContent = text;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#new-rows")) fetchList();
});

function fetchList() {
  window.htmx.ajax("GET", location.pathname + location.search, { target: "#list", select: "#list", swap: "outerHTML" });
}

document.addEventListener("change", (event) => {
  if (event.target !== refresh()) return;
  clearInterval(timer);
  if (event.target.checked) {
    count();
    timer = setInterval(count, EVERY_MS);
  } else {
    const button = document.getElementById("new-rows");
    if (button) button.hidden = true;
  }
});

document.addEventListener("htmx:after:swap", () => {
  installBars();
  // Files hold what the list shows.
  for (const link of document.querySelectorAll("[data-export]")) {
    const wishes = new URLSearchParams(location.search);
    for (const name of ["at", "dir"]) wishes.delete(name);
    link.href = `${link.dataset.export}?${wishes}`;
  }
  const latest = document.getElementById("list")?.dataset.latest === "true";
  const box = refresh();
  if (box && box.disabled === latest) {
    box.disabled = !latest;
    // Whoever pages on wants to stay there.
    if (!latest) box.checked = false;
  }
});
installBars();
