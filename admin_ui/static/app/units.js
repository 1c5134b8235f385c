// Amounts and times as charts write them, like the server.
export const locale = "en";

const short = (value) => {
  for (const [limit, sign] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "K"]]) {
    if (Math.abs(value) >= limit) return `${+(value / limit).toFixed(1)} ${sign}`;
  }
  return String(+value.toFixed(value < 10 ? 1 : 0));
};

export const units = {
  count: short,
  tokens: short,
  units: short,
  usd: (value) => (value === 0 ? "$0" : Math.abs(value) >= 1 ? `$${value >= 1000 ? short(value) : value.toFixed(2)}` : `$${+value.toPrecision(3)}`),
  ms: (value) => (value < 1000 ? `${Math.round(value)} ms` : `${+(value / 1000).toFixed(1)} s`),
  percent: (value) => `${+value.toFixed(1)} %`,
  speed: (value) => `${+value.toFixed(1)}/s`,
};

// All labels of one axis: amounts in dollars with as many digits as each other, unless they are fractions of a cent.
export function axisLabels(unit, ticks) {
  const inCents = ticks.every((tick) => Math.abs(tick * 100 - Math.round(tick * 100)) < 1e-6 && tick < 1000);
  return ticks.map((tick) => (unit === "usd" && inCents && tick ? `$${tick.toFixed(2)}` : units[unit](tick)));
}

const writers = new Map();

// 2026-11-26T14:05:00 by the clocks of a zone.
export function localTime(seconds, zone) {
  if (!writers.has(zone)) {
    const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    let writer;
    try {
      writer = new Intl.DateTimeFormat("sv-SE", { ...parts, timeZone: zone || undefined });
    } catch {
      writer = new Intl.DateTimeFormat("sv-SE", parts);
    }
    writers.set(zone, writer);
  }
  return writers.get(zone).format(new Date(seconds * 1000)).replace(" ", "T");
}
