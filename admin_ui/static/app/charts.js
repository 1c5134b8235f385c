// Draws what stands as JSON in each figure.chart. Colours come from the swatches of its legend, so themes are CSS's.
import { installHeat } from "./heat.js";
import { savePicture } from "./picture.js";
import { axisLabels, locale, localTime, units } from "./units.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map();
const BARS = "stack", AREAS = "area";
// Half a request would be a strange thing to read: 1, 2, 5, 10 and so on.
const WHOLE = Array.from({ length: 48 }, (_, n) => [1, 2, 5][n % 3] * 10 ** Math.floor(n / 3));
const WHOLE_UNITS = new Set(["count", "tokens", "units"]);

const dataOf = (figure) => JSON.parse(figure.querySelector("script[type='application/json']").textContent);

function colour(figure, index) {
  return getComputedStyle(figure.querySelectorAll(".key .swatch")[index]).color;
}

function ink(name) {
  const probe = document.createElement("span");
  probe.className = name;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function draw(figure) {
  const place = figure.querySelector(".plot");
  const data = dataOf(figure);
  const starts = data.x.slice(0, -1);
  const hidden = (index) => figure.querySelectorAll(".key")[index].getAttribute("aria-pressed") === "false";
  const stacks = data.kind === BARS || data.kind === AREAS;
  const apart = (index) => stacks && Boolean(data.series[index].form);
  const second = data.series.find((one) => one.unit)?.unit;

  // What is stacked is drawn as the sum of itself and all below it, the highest first, the lower ones over it.
  const rows = data.series.map((one, index) => (hidden(index) ? one.values.map(() => null) : one.values));
  let order = data.series.map((_, index) => index);
  if (stacks) {
    const sums = starts.map(() => 0);
    for (const index of order) {
      if (!apart(index)) rows[index] = rows[index].map((value, at) => (sums[at] += value ?? 0));
    }
    order = [...order.filter((index) => !apart(index)).reverse(), ...order.filter(apart)];
  }
  const muted = ink("muted");
  const grid = ink("ink-line");
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: muted, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } };
  const series = order.map((index) => {
    const one = data.series[index];
    const tint = colour(figure, index);
    // A line through few values has gaps in which a value that stands alone would not be seen.
    const few = one.values.filter((value) => value !== null).length < 25;
    const line = { label: one.label, scale: one.unit ? "second" : "y", stroke: tint, width: 1.5, points: { show: few, size: 4, fill: tint }, spanGaps: false };
    if (one.form === "dots") return { ...line, paths: () => null, points: { show: true, size: 4, fill: tint } };
    if (one.form === "dashed") line.dash = [6, 4];
    if (data.kind === BARS && !one.form) {
      return { ...line, points: { show: false }, width: 0, fill: tint, paths: uPlot.paths.bars({ size: [0.86, 64], align: 1 }) };
    }
    if (data.kind === AREAS && !one.form) return { ...line, points: { show: false }, width: 1, fill: tint };
    // Colour is not all that tells lines apart.
    if (data.kind === "lines" && !one.form && index) line.dash = [[], [6, 3], [2, 3], [8, 3, 2, 3]][index % 4];
    return line;
  });
  const lowest = (low) => (data.least === null ? 0 : Math.min(data.least, low));
  const scale = (unit, floor) => ({ range: (_, low, high) => [floor(low ?? 0), unit === "percent" ? 100 : (high || 1) * 1.05] });
  const options = {
    width: place.clientWidth,
    height: place.clientHeight,
    tzDate: (seconds) => localDate(seconds, data.zone),
    cursor: { sync: data.fixed ? undefined : { key: "charts" }, y: false, points: { show: data.kind !== BARS, size: 6 }, drag: { x: !data.fixed, y: false, setScale: false } },
    legend: { show: false },
    scales: {
      x: { range: [data.x[0], data.x.at(-1)] },
      y: scale(data.unit, lowest),
      ...(second ? { second: scale(second, () => 0) } : {}),
    },
    axes: [
      { ...axis, space: 76, size: 32, values: (_, ticks, __, ___, step) => times(ticks, step, data.zone) },
      { ...axis, size: room, ...(WHOLE_UNITS.has(data.unit) ? { incrs: WHOLE } : {}), values: (_, ticks) => axisLabels(data.unit, ticks) },
      ...(second ? [{ ...axis, scale: "second", side: 1, size: room, grid: { show: false }, values: (_, ticks) => axisLabels(second, ticks) }] : []),
    ],
    series: [{}, ...series],
    bands: data.kind === "band" ? [{ series: [1, 2], fill: withAlpha(colour(figure, 0), 0.14) }] : undefined,
    hooks: {
      draw: [(plot) => hatch(plot, data, muted)],
      setCursor: [(plot) => tell(figure, plot, data, starts, hidden)],
      setSelect: [(plot) => zoom(plot, data)],
    },
  };
  drawn.get(figure)?.destroy();
  drawn.set(figure, new uPlot(options, [starts, ...order.map((index) => rows[index])], place));
}

// The bucket that is not over yet.
function hatch(plot, data, tint) {
  if (data.open === null) return;
  const { ctx, bbox } = plot;
  const left = Math.max(plot.valToPos(data.x[data.open], "x", true), bbox.left);
  const width = plot.valToPos(data.x[data.open + 1], "x", true) - left;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = withAlpha(tint, 0.45);
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  const step = 6 * devicePixelRatio;
  for (let x = left - bbox.height; x < left + width; x += step) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

// Room for the longest label of the axis.
function room(_, labels) {
  return Math.max(44, Math.max(0, ...(labels ?? []).map((label) => label.length)) * 7 + 16);
}

function localDate(seconds, zone) {
  const at = new Date(seconds * 1000);
  try {
    return zone ? uPlot.tzDate(at, zone) : at;
  } catch {
    return at;
  }
}

// Hours of the day, and the day where it begins; or days alone.
function times(ticks, step, zone) {
  return ticks.map((tick) => {
    const [day, hour] = localTime(tick, zone).split("T");
    if (step >= 86400) return day.slice(5);
    return hour.startsWith("00:00") && step >= 60 ? day.slice(5) : step < 60 ? hour : hour.slice(0, 5);
  });
}

function withAlpha(tint, alpha) {
  return tint.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}

function tell(figure, plot, data, starts, hidden) {
  const tip = figure.querySelector(".tip");
  const { idx, left } = plot.cursor;
  if (idx === null || idx === undefined || left < 0 || !figure.matches(":hover")) {
    tip.hidden = true;
    return;
  }
  const stacks = data.kind === BARS || data.kind === AREAS;
  const lines = data.series
    .map((one, index) => [one, one.values[idx], index])
    .filter(([one, value, index]) => value !== null && value !== undefined && !hidden(index) && (!stacks || one.form || value > 0));
  const head = document.createElement("strong");
  head.textContent = localTime(starts[idx], data.zone).replace("T", " ").slice(0, 16);
  tip.replaceChildren(head);
  for (const [one, value, index] of lines) {
    const line = document.createElement("span");
    const text = document.createElement("span");
    text.textContent = one.label;
    const amount = document.createElement("b");
    amount.textContent = units[one.unit ?? data.unit](value);
    line.append(figure.querySelectorAll(".key .swatch")[index].cloneNode(true), text, amount);
    tip.append(line);
  }
  tip.hidden = false;
  const wide = plot.root.clientWidth;
  const at = left + plot.bbox.left / devicePixelRatio;
  tip.style.left = `${at + 12 + tip.offsetWidth > wide ? Math.max(at - tip.offsetWidth - 12, 0) : at + 12}px`;
}

// What is marked with the pointer becomes the range of the page, and so of all its charts.
function zoom(plot, data) {
  const { left, width } = plot.select;
  if (width < 8) return;
  const address = new URL(location.href);
  address.searchParams.set("range", "custom");
  address.searchParams.set("from", localTime(plot.posToVal(left, "x"), data.zone).slice(0, 16));
  address.searchParams.set("to", localTime(plot.posToVal(left + width, "x"), data.zone).slice(0, 16));
  location.assign(address);
}

// The table that a chart stands for, once somebody wants it.
function fill(figure) {
  const details = figure.querySelector("[data-fills]");
  const box = details.querySelector(".table-box");
  if (box.firstChild) return;
  const data = dataOf(figure);
  const table = document.createElement("table");
  table.className = "table";
  table.createCaption().textContent = box.getAttribute("aria-label");
  table.caption.className = "hush";
  const head = table.createTHead().insertRow();
  for (const [number, text] of [details.dataset.from, ...data.series.map((one) => one.label)].entries()) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    if (number) cell.className = "num";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const [at, start] of data.x.slice(0, -1).entries()) {
    if (!data.series.some((one) => one.values[at])) continue;
    const row = body.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.className = "nowrap";
    name.textContent = localTime(start, data.zone).replace("T", " ").slice(0, 16);
    row.append(name);
    for (const one of data.series) {
      const cell = row.insertCell();
      cell.className = "num";
      const value = one.values[at];
      const unit = one.unit ?? data.unit;
      const whole = unit === "count" || unit === "tokens" || unit === "units";
      cell.textContent = value === null ? "—" : whole ? value.toLocaleString(locale) : units[unit](value);
    }
  }
  box.append(table);
}

function drawAll() {
  for (const figure of drawn.keys()) if (!figure.isConnected) { drawn.get(figure).destroy(); drawn.delete(figure); }
  for (const figure of document.querySelectorAll("figure.chart:has(.plot)")) if (!drawn.has(figure)) draw(figure);
}

document.addEventListener("click", (event) => {
  const key = event.target.closest("figure.chart button.key");
  if (key) {
    key.setAttribute("aria-pressed", String(key.getAttribute("aria-pressed") === "false"));
    draw(key.closest("figure.chart"));
  }
  const picture = event.target.closest("[data-picture]");
  if (picture) {
    picture.closest("details").open = false;
    savePicture(picture.closest("figure.chart"), ink);
  }
});
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("[data-fills][open]")) fill(event.target.closest("figure.chart"));
}, true);
document.addEventListener("pointerleave", () => { for (const tip of document.querySelectorAll(".chart .tip")) tip.hidden = true; }, true);
document.addEventListener("htmx:after:swap", drawAll);
dark.addEventListener("change", () => { for (const figure of drawn.keys()) draw(figure); });
let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { for (const figure of drawn.keys()) draw(figure); }, 150);
});
installHeat();
drawAll();
