// The page of what runs: rows and log lines come as server-sent events and are put into copies of the page's templates.
import { addLines, feed } from "./feed.js";

const byId = (id) => document.getElementById(id);
// Looked up each time: going back through the page's history brings others.
const lineList = () => byId("lines");

// Filters swap this part of the page for another one.
let section = byId("running");
let address = "";
let paused = false;

function fill(part, cells) {
  for (const cell of part.querySelectorAll("[data-cell]")) {
    const text = cells[cell.dataset.cell] ?? "";
    if (cell.textContent !== text) cell.textContent = text;
  }
  const state = part.querySelector("[data-kind]");
  if (state) state.className = `state ${cells.kind}`;
}

function copyOf(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

function showRelays({ tiles, channels, found, rows: wanted }) {
  for (const [name, text] of Object.entries(tiles)) {
    const tile = document.querySelector(`[data-tile="${name}"]`);
    if (tile && tile.textContent !== text) tile.textContent = text;
  }
  showChannels(channels);
  const rows = section.querySelector("tbody");
  const region = section.querySelector(".table-box");
  const known = new Map([...rows.children].map((row) => [row.dataset.row, row]));
  let place = rows.firstElementChild;
  for (const cells of wanted) {
    let row = known.get(cells.id);
    if (!row) {
      row = copyOf("row");
      row.dataset.row = cells.id;
      row.querySelector("[data-cancel-link]").href = `/live/${cells.id}/cancel`;
    }
    known.delete(cells.id);
    fill(row, cells);
    if (row === place) place = place.nextElementSibling;
    else rows.insertBefore(row, place);
  }
  for (const gone of known.values()) {
    if (gone.contains(document.activeElement)) region.focus();
    gone.remove();
  }
  byId("found").textContent = found;
  region.hidden = byId("end-all").hidden = wanted.length === 0;
  byId("nothing").hidden = wanted.length > 0;
}

function showChannels(wanted) {
  const box = byId("by-channel");
  if (!box) return;
  const list = box.querySelector("ul");
  while (list.children.length > wanted.length) list.lastElementChild.remove();
  while (list.children.length < wanted.length) list.append(copyOf("channel"));
  wanted.forEach((cells, index) => {
    fill(list.children[index], cells);
    list.children[index].querySelector("a").href = `/live?channel=${encodeURIComponent(cells.name)}`;
  });
  box.hidden = wanted.length === 0;
}

function say(mood) {
  const pulse = byId("pulse");
  pulse.textContent = pulse.dataset[mood];
  pulse.className = `state ${{ live: "ok", lost: "warn" }[mood] ?? "idle"}`;
}

const stream = feed({
  address: () => (address = section.dataset.events),
  heard: { relays: showRelays, lines: (added) => addLines(lineList(), added) },
  say,
  left: (why) => setPaused(true, why),
});

function setPaused(wanted, mood = "paused") {
  paused = wanted;
  byId("pause").setAttribute("aria-pressed", String(paused));
  if (paused) {
    stream.close();
    say(mood);
  } else stream.open();
}

document.addEventListener("click", (event) => { if (event.target.closest("#pause")) setPaused(!paused); });
document.addEventListener("visibilitychange", () => {
  if (paused) return;
  if (document.hidden) stream.close();
  else stream.open();
});
// Another filter: another stream.
document.addEventListener("htmx:after:swap", () => {
  const found = byId("running");
  if (!found || (section === found && address === found.dataset.events)) return;
  section = found;
  byId("pause").setAttribute("aria-pressed", String(paused));
  if (paused) say("paused");
  else stream.open();
});
document.addEventListener("change", (event) => {
  if (event.target.id !== "only-trouble") return;
  const lines = lineList();
  lines.classList.toggle("only-trouble", event.target.checked);
  lines.scrollTop = lines.scrollHeight;
});
if (lineList()) lineList().scrollTop = lineList().scrollHeight;
stream.open();
