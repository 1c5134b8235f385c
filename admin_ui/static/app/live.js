// The page of what runs: rows and log lines come as server-sent events and are put into copies of the page's templates.
const section = document.getElementById("running");
const rows = section.querySelector("tbody");
const region = section.querySelector(".table-box");
const nothing = document.getElementById("nothing");
const endAll = document.getElementById("end-all");
const pulse = document.getElementById("pulse");
const pause = document.getElementById("pause");
const lines = document.getElementById("lines");
const KEPT_LINES = 500;
const AGAIN_MS = 2500;

let source = null;
let again = 0;
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

function showRelays({ tiles, rows: wanted }) {
  for (const [name, text] of Object.entries(tiles)) {
    const tile = document.querySelector(`[data-tile="${name}"]`);
    if (tile) tile.textContent = text;
  }
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
  region.hidden = endAll.hidden = wanted.length === 0;
  nothing.hidden = wanted.length > 0;
}

function showLines(added) {
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 24;
  for (const cells of added) {
    const line = copyOf("line");
    line.className = cells.kind;
    fill(line, cells);
    lines.append(line);
  }
  while (lines.children.length > KEPT_LINES) lines.firstElementChild.remove();
  document.getElementById("no-lines").hidden = true;
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

function say(mood) {
  pulse.textContent = pulse.dataset[mood];
  pulse.className = `state ${{ live: "ok", lost: "warn" }[mood] ?? "idle"}`;
}

function open() {
  close();
  say("lost");
  source = new EventSource(section.dataset.events);
  source.addEventListener("relays", (event) => {
    say("live");
    showRelays(JSON.parse(event.data));
  });
  source.addEventListener("lines", (event) => showLines(JSON.parse(event.data)));
  source.addEventListener("bye", (event) => {
    const reason = JSON.parse(event.data);
    close();
    if (reason === "elsewhere") setPaused(true, "elsewhere");
    else if (reason === "signed-out") location.reload();
    else later();
  });
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) {
      close();
      later();
    } else say("lost");
  };
}

function close() {
  clearTimeout(again);
  source?.close();
  source = null;
}

// The process that drains is replaced by another one in a moment.
function later() {
  say("lost");
  again = setTimeout(open, AGAIN_MS);
}

function setPaused(wanted, mood = "paused") {
  paused = wanted;
  pause.setAttribute("aria-pressed", String(paused));
  if (paused) {
    close();
    say(mood);
  } else open();
}

pause.addEventListener("click", () => setPaused(!paused));
document.addEventListener("visibilitychange", () => {
  if (paused) return;
  if (document.hidden) close();
  else open();
});
addEventListener("pagehide", close);
document.getElementById("only-trouble")?.addEventListener("change", (event) => {
  lines.classList.toggle("only-trouble", event.target.checked);
  lines.scrollTop = lines.scrollHeight;
});
if (lines) lines.scrollTop = lines.scrollHeight;
open();
