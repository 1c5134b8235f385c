// A page's stream of events: says how it goes, comes back after a drain, leaves when another tab took its place.
const AGAIN_MS = 2500;

// `say(mood)`: `live`, `lost`, or why it was left. `left(why)`: another tab has it now.
export function feed({ address, heard, say, left }) {
  let source = null;
  let again = 0;

  function close() {
    clearTimeout(again);
    source?.close();
    source = null;
  }

  // The process that drains is replaced by another one in a moment.
  function later() {
    close();
    say("lost");
    again = setTimeout(open, AGAIN_MS);
  }

  function open() {
    close();
    say("lost");
    source = new EventSource(address());
    source.onopen = () => say("live");
    for (const [name, take] of Object.entries(heard)) source.addEventListener(name, (event) => take(JSON.parse(event.data)));
    source.addEventListener("bye", (event) => {
      const reason = JSON.parse(event.data);
      close();
      if (reason === "elsewhere") left(reason);
      else if (reason === "signed-out") location.reload();
      else later();
    });
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) later();
      else say("lost");
    };
  }

  addEventListener("pagehide", close);
  return { open, close };
}

// Lines of a log, the newest last; who reads the end keeps reading it.
const KEPT_LINES = 500;

export function addLines(lines, added) {
  const blank = document.getElementById("line").content.firstElementChild;
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 24;
  for (const cells of added) {
    const line = blank.cloneNode(true);
    line.className = cells.kind;
    for (const cell of line.querySelectorAll("[data-cell]")) cell.textContent = cells[cell.dataset.cell] ?? "";
    lines.append(line);
  }
  while (lines.children.length > KEPT_LINES) lines.firstElementChild.remove();
  document.getElementById("no-lines").hidden = true;
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}
