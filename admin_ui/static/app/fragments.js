// Parts of a page that are fetched: what does not come says so in its place, what takes long can be cancelled.
const timers = new WeakMap();
// An error has none: what was meant before it came.
const swaps = new WeakMap();
const SLOW_MS = 10000;

function made(kind, text, act) {
  const line = document.getElementById(kind).content.firstElementChild.cloneNode(true);
  if (text) line.querySelector("span").textContent = text;
  line.querySelector("button").addEventListener("click", () => {
    line.remove();
    act();
  });
  return line;
}

// Rows that are added to a list come below it, and so does what is said of them.
const placeOf = (ctx) => ctx.sourceElement?.matches?.("[data-more]") ? ctx.sourceElement.parentElement : ctx.target;

function clear(target) {
  for (const line of target?.querySelectorAll?.(":scope > [data-fragment-note]") ?? []) line.remove();
}

function failed(ctx, text) {
  const target = ctx.target, place = placeOf(ctx);
  if (!place?.isConnected) return;
  clear(place);
  const again = () => window.htmx.ajax("GET", ctx.request.action, {
    source: ctx.sourceElement?.isConnected ? ctx.sourceElement : target, target, swap: swaps.get(ctx) ?? ctx.swap, select: ctx.select,
  });
  place.prepend(made("fragment-failed", text, again));
}

// What the error's own page says, with the number under which it was logged.
function told(html) {
  const page = new DOMParser().parseFromString(html ?? "", "text/html");
  return [...page.querySelectorAll("main h1, main [role=alert] p")].map((part) => part.textContent.trim()).join(" ");
}

export function installFragments() {
  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail.ctx;
    clear(placeOf(ctx));
    swaps.set(ctx, ctx.swap);
    timers.set(ctx, setTimeout(() => {
      const place = placeOf(ctx);
      if (place?.isConnected) place.prepend(made("fragment-slow", "", () => ctx.sourceElement.dispatchEvent(new Event("htmx:abort"))));
    }, SLOW_MS));
  });
  document.addEventListener("htmx:finally:request", (event) => {
    clearTimeout(timers.get(event.detail.ctx));
    for (const line of document.querySelectorAll("[data-fragment-note=slow]")) line.remove();
  });
  document.addEventListener("htmx:response:error", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.response.status !== 422) failed(ctx, told(ctx.text));
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx) failed(event.detail.ctx, "");
  });
}
