// Draws what stands as JSON in each figure.chart. Colours come from the swatches of its legend, so themes are CSS's.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map();

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

const short = (value) => {
  for (const [limit, sign] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "K"]]) {
    if (Math.abs(value) >= limit) return `${+(value / limit).toFixed(1)} ${sign}`;
  }
  return String(+value.toFixed(value < 10 ? 1 : 0));
};
const units = {
  count: short,
  tokens: short,
  units: short,
  usd: (value) => (value === 0 ? "$0" : Math.abs(value) >= 1 ? `$${value >= 1000 ? short(value) : value.toFixed(2)}` : `$${+value.toPrecision(3)}`),
  ms: (value) => (value < 1000 ? `${Math.round(value)} ms` : `${+(value / 1000).toFixed(1)} s`),
  percent: (value) => `${+value.toFixed(1)} %`,
};

function draw(figure) {
  const place = figure.querySelector(".plot");
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const starts = data.x.slice(0, -1);
  const hidden = (index) => figure.querySelectorAll(".key")[index].getAttribute("aria-pressed") === "false";
  const write = units[data.unit];
  const shown = data.series.map((one, index) => (hidden(index) ? one.values.map(() => null) : one.values));

  // Stacked bars: each is drawn as the sum of itself and all below it, the highest first, the lower ones over it.
  let rows = shown;
  let order = data.series.map((_, index) => index);
  if (data.kind === "stack") {
    const sums = starts.map(() => 0);
    rows = shown.map((values) => values.map((value, at) => (sums[at] += value ?? 0)));
    order = order.reverse();
  }
  const muted = ink("muted");
  const grid = ink("ink-line");
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: muted, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } };
  const series = order.map((index) => {
    const tint = colour(figure, index);
    // A line through few values has gaps in which a value that stands alone would not be seen.
    const few = data.series[index].values.filter((value) => value !== null).length < 25;
    const line = { label: data.series[index].label, stroke: tint, width: 1.5, points: { show: few, size: 4, fill: tint }, spanGaps: false };
    if (data.kind === "stack") {
      return { ...line, points: { show: false }, width: 0, fill: tint, paths: uPlot.paths.bars({ size: [0.86, 64], align: 1 }) };
    }
    if (index === 1 && data.kind === "lines") line.dash = [6, 3];
    return line;
  });
  const lowest = (low) => (data.least === null ? 0 : Math.min(data.least, low));
  const options = {
    width: place.clientWidth,
    height: place.clientHeight,
    cursor: { sync: { key: "charts" }, y: false, points: { show: data.kind !== "stack", size: 6 }, drag: { x: true, y: false, setScale: false } },
    legend: { show: false },
    scales: {
      x: { range: [data.x[0], data.x.at(-1)] },
      y: { range: (_, low, high) => [lowest(low ?? 0), (data.unit === "percent" ? 100 : (high || 1) * 1.05)] },
    },
    axes: [{ ...axis, space: 76, size: 32, values: times }, { ...axis, size: room, values: (_, ticks) => ticks.map((tick) => write(tick)) }],
    series: [{}, ...series],
    bands: data.kind === "band" ? [{ series: [1, 2], fill: withAlpha(colour(figure, 0), 0.14) }] : undefined,
    hooks: { setCursor: [(plot) => tell(figure, plot, data, starts, write, hidden)], setSelect: [(plot) => zoom(plot)] },
  };
  drawn.get(figure)?.destroy();
  drawn.set(figure, new uPlot(options, [starts, ...order.map((index) => rows[index])], place));
}

// Room for the longest label of the axis.
function room(_, labels) {
  return Math.max(48, Math.max(0, ...(labels ?? []).map((label) => label.length)) * 7 + 16);
}

// Hours of the day, and the day where it begins; or days alone.
function times(_, ticks, __, ___, step) {
  const two = (number) => String(number).padStart(2, "0");
  return ticks.map((tick) => {
    const at = new Date(tick * 1000);
    const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    if (step >= 86400) return day;
    const hour = `${two(at.getHours())}:${two(at.getMinutes())}`;
    return hour === "00:00" ? day : step < 60 ? `${hour}:${two(at.getSeconds())}` : hour;
  });
}

function withAlpha(tint, alpha) {
  return tint.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}

function tell(figure, plot, data, starts, write, hidden) {
  const tip = figure.querySelector(".tip");
  const { idx, left } = plot.cursor;
  if (idx === null || idx === undefined || left < 0 || !figure.matches(":hover")) {
    tip.hidden = true;
    return;
  }
  const lines = data.series
    .map((one, index) => [one.label, one.values[idx], index])
    .filter(([, value, index]) => value !== null && value !== undefined && !hidden(index) && (data.kind !== "stack" || value > 0));
  tip.replaceChildren();
  const head = document.createElement("strong");
  head.textContent = new Date(starts[idx] * 1000).toLocaleString(root.lang, { dateStyle: "medium", timeStyle: "short" });
  tip.append(head);
  for (const [label, value, index] of lines) {
    const line = document.createElement("span");
    const mark = figure.querySelectorAll(".key .swatch")[index].cloneNode(true);
    const text = document.createElement("span");
    text.textContent = label;
    const figureText = document.createElement("b");
    figureText.textContent = write(value);
    line.append(mark, text, figureText);
    tip.append(line);
  }
  tip.hidden = false;
  const wide = plot.root.clientWidth;
  const at = left + plot.bbox.left / devicePixelRatio;
  tip.style.left = `${Math.min(Math.max(at + 12, 0), wide - tip.offsetWidth)}px`;
  if (at + 12 + tip.offsetWidth > wide) tip.style.left = `${Math.max(at - tip.offsetWidth - 12, 0)}px`;
}

// What is marked with the pointer becomes the range of the page.
function zoom(plot) {
  const { left, width } = plot.select;
  if (width < 8) return;
  const text = (seconds) => {
    const local = new Date(seconds * 1000 - new Date(seconds * 1000).getTimezoneOffset() * 60000);
    return local.toISOString().slice(0, 16);
  };
  const address = new URL(location.href);
  address.searchParams.set("range", "custom");
  address.searchParams.set("from", text(plot.posToVal(left, "x")));
  address.searchParams.set("to", text(plot.posToVal(left + width, "x")));
  location.assign(address);
}

function drawAll() {
  for (const figure of drawn.keys()) if (!figure.isConnected) { drawn.get(figure).destroy(); drawn.delete(figure); }
  for (const figure of document.querySelectorAll("figure.chart:has(.plot)")) if (!drawn.has(figure)) draw(figure);
}

document.addEventListener("click", (event) => {
  const key = event.target.closest("figure.chart .key");
  if (!key) return;
  key.setAttribute("aria-pressed", String(key.getAttribute("aria-pressed") === "false"));
  draw(key.closest("figure.chart"));
});
document.addEventListener("pointerleave", () => { for (const tip of document.querySelectorAll(".chart .tip")) tip.hidden = true; }, true);
document.addEventListener("htmx:after:swap", drawAll);
dark.addEventListener("change", () => { for (const figure of drawn.keys()) draw(figure); });
let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { for (const figure of drawn.keys()) draw(figure); }, 150);
});
drawAll();
