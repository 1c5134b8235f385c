// Squares of a heat map: what each stands for on pointing at it, its requests on a click.
import { localTime } from "./units.js";

function cellAt(event) {
  const picture = event.target.closest?.("[data-heat] svg");
  if (!picture) return null;
  const figure = picture.closest("figure.chart");
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const box = picture.getBoundingClientRect();
  const column = Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * data.columns), 0), data.columns - 1);
  const row = [...figure.querySelectorAll(".heat-row > svg")].indexOf(picture);
  return { figure, data, row, column, box };
}

export function installHeat() {
  document.addEventListener("pointermove", (event) => {
    const cell = cellAt(event);
    if (!cell) {
      for (const tip of document.querySelectorAll("[data-heat] .tip")) tip.hidden = true;
      return;
    }
    const { figure, data, row, column } = cell;
    const tip = figure.querySelector(".tip");
    const head = document.createElement("strong");
    head.textContent = data.x ? localTime(data.x[column], data.zone).replace("T", " ").slice(0, 16) : data.names[column];
    const line = document.createElement("span");
    line.textContent = `${data.rows[row].label}: ${data.rows[row].cells[column] || data.none}`;
    tip.replaceChildren(head, line);
    tip.hidden = false;
    const frame = figure.querySelector("[data-heat]").getBoundingClientRect();
    const at = event.clientX - frame.left;
    tip.style.left = `${at + 12 + tip.offsetWidth > frame.width ? Math.max(at - tip.offsetWidth - 12, 0) : at + 12}px`;
    tip.style.top = `${event.clientY - frame.top + 16}px`;
  });
  document.addEventListener("click", (event) => {
    const cell = cellAt(event);
    const link = cell?.data.rows[cell.row].link;
    if (!link || !cell.data.x) return;
    const address = new URL(link, location.href);
    address.searchParams.set("range", "custom");
    address.searchParams.set("from", localTime(cell.data.x[cell.column], cell.data.zone).slice(0, 16));
    address.searchParams.set("to", localTime(cell.data.x[cell.column + 1], cell.data.zone).slice(0, 16));
    location.assign(address);
  });
}
