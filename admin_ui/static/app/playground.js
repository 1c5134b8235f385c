// The playground: each request is sent by itself, and its answer comes as events into a pane of its own.
const form = document.getElementById("ask");
const panes = document.getElementById("panes");
const results = document.getElementById("results");
const turns = form?.querySelector(".turns");
const stop = document.getElementById("stop");
const words = document.getElementById("words")?.dataset;
const MEASURES = ["first_byte", "first", "total", "speed", "input", "output"];
let running = null;

const piece = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

function fill(part, cells) {
  for (const [name, text] of Object.entries(cells)) {
    for (const cell of part.querySelectorAll(`[data-cell="${name}"]`)) cell.textContent = text;
    for (const button of part.querySelectorAll(`[data-code="${name}"]`)) button.dataset.copy = text;
    const place = part.querySelector(`[data-part="${name}"]`);
    if (place) place.hidden = !text;
  }
  const kind = cells.kind && part.querySelector("[data-kind]");
  if (kind) kind.className = `state ${cells.kind}`;
  const link = cells.link !== undefined && part.querySelector("[data-link]");
  if (link) {
    link.hidden = !cells.link;
    if (cells.link) link.href = cells.link;
  }
}

function add(pane, name, text) {
  if (!text) return;
  pane.querySelector(`[data-cell="${name}"]`).append(text);
  const part = pane.querySelector(`[data-part="${name}"]`);
  if (part) part.hidden = false;
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const lines = part.split("\n");
      const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
      if (name && data) yield [name, JSON.parse(data)];
    }
  }
}

async function play({ format, target, name }, fields, signal) {
  const pane = piece("pane");
  const row = document.getElementById("result").content.querySelector("tr").cloneNode(true);
  const tell = (cells) => { fill(pane, cells); fill(row, cells); };
  pane.dataset.pane = target ? String(target) : format;
  tell({ name, state: words.asking, kind: "info" });
  panes.append(pane);
  results.querySelector("tbody").append(row);
  const body = new FormData();
  for (const [key, value] of fields) body.append(key, value);
  body.set("as", format);
  body.set("target", target);
  let id = "";
  let text = "";
  try {
    const answer = await fetch(form.dataset.stream, { method: "POST", body, signal });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    for await (const [kind, data] of events(answer.body)) {
      if (kind === "head") {
        id = data.id;
        tell({ state: words.streaming, ...data });
      } else if (kind === "step") {
        text += data.text;
        add(pane, "text", data.text);
        add(pane, "thought", data.thought);
        add(pane, "raw", data.raw);
      } else if (kind === "done") {
        tell(data);
        return { name: pane.querySelector("h3").textContent, text: data.error ? "" : text, facts: `${data.total} · ${data.cost}` };
      } else if (kind === "refused") {
        tell({ state: words.failed, kind: "bad", error: data });
        return null;
      }
    }
    tell({ state: words.failed, kind: "bad", error: words.broken });
  } catch {
    if (signal.aborted) {
      const free = form.elements.token.value === "0";
      tell({ state: words.stopped, kind: "idle", ...Object.fromEntries(MEASURES.map((one) => [one, "—"])), cost: free ? "—" : words.charged });
      if (!free) tellCost(tell, id);
    } else tell({ state: words.failed, kind: "bad", error: words.broken });
  }
  return null;
}

// A request that was stopped is settled a moment later.
async function tellCost(tell, id) {
  if (!id) return;
  for (let tries = 0; tries < 10; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const answer = await fetch(`/playground/cost/${id}`).catch(() => null);
    if (answer?.ok) {
      tell({ cost: (await answer.json()).cost });
      return;
    }
  }
}

function addTurn(role, text) {
  const turn = piece("turn");
  turn.className = `turn ${role}`;
  turn.querySelector("select").value = role;
  turn.querySelector("textarea").value = text;
  turns.append(turn);
  turns.hidden = false;
  turns.scrollTop = turns.scrollHeight;
  return turn;
}

// What is compared with the first; empty lines count for nothing.
function rivals() {
  return [...form.querySelectorAll(".rival")].filter((line) => [...line.querySelectorAll("input, select")].some((field) => field.value)).length;
}

function plan(all) {
  const boxes = [...form.querySelectorAll("[name=format]")].filter((box) => all || box.checked);
  const named = (box) => box.parentElement.textContent.trim();
  const others = rivals();
  if (others && boxes.length) {
    return Array.from({ length: others + 1 }, (_, target) => ({ format: boxes[0].value, target, name: "…" }));
  }
  return boxes.map((box) => ({ format: box.value, target: 0, name: named(box) }));
}

form?.addEventListener("submit", async (event) => {
  const step = event.submitter?.value ?? "send";
  // Code is shown by the server, and so is what is wrong with the form.
  const asked = step === "send" || step === "all" ? plan(step === "all") : [];
  if (!asked.length || !form.checkValidity()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (running) return;
  running = new AbortController();
  stop.hidden = false;
  panes.replaceChildren();
  results.querySelector("tbody").replaceChildren();
  results.hidden = asked.length < 2;
  const message = form.elements.message.value;
  const fields = [...new FormData(form)].filter(([name]) => name !== "do" && name !== "answers");
  const found = (await Promise.all(asked.map((one) => play(one, fields, running.signal)))).filter((one) => one?.text);
  running = null;
  stop.hidden = true;
  document.getElementById("live").textContent = words.done;
  form.elements.answers.value = JSON.stringify(found);
  if (found.length) {
    addTurn("user", message);
    addTurn("assistant", found[0].text);
    form.elements.message.value = "";
    form.elements.pictures.value = "";
  }
  form.elements.message.focus();
}, true);

form?.querySelector("button[value=turn]").addEventListener("click", (event) => {
  event.preventDefault();
  addTurn("user", "").querySelector("textarea").focus();
  addTurn("assistant", "");
});

turns?.addEventListener("click", (event) => {
  const drop = event.target.closest("[data-drop-turn]");
  if (!drop) return;
  drop.closest(".turn").remove();
  turns.hidden = !turns.childElementCount;
});

turns?.addEventListener("change", (event) => {
  if (event.target.name === "role") event.target.closest(".turn").className = `turn ${event.target.value}`;
});

stop?.addEventListener("click", () => running?.abort());
