// The playground: each chosen format is asked in a request of its own, whose answer comes as events into its pane.
const form = document.getElementById("ask");
const panes = document.getElementById("panes");
const stop = document.getElementById("stop");
const words = document.getElementById("words")?.dataset;
const names = new Map([...(form?.querySelectorAll("[name=format]") ?? [])].map((box) => [box.value, box.parentElement.textContent.trim()]));
let running = null;

function fill(pane, cells) {
  for (const [name, text] of Object.entries(cells)) {
    for (const cell of pane.querySelectorAll(`[data-cell="${name}"]`)) cell.textContent = text;
    const part = pane.querySelector(`[data-part="${name}"]`);
    if (part) part.hidden = !text;
  }
  if (cells.kind) pane.querySelector("[data-kind]").className = `state ${cells.kind}`;
  if (cells.link !== undefined) {
    const link = pane.querySelector("[data-link]");
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

async function play(format, fields, signal) {
  const pane = document.getElementById("pane").content.firstElementChild.cloneNode(true);
  pane.dataset.pane = format;
  fill(pane, { name: names.get(format), state: words.asking, kind: "info" });
  panes.append(pane);
  const body = new URLSearchParams(fields);
  body.set("as", format);
  let id = "";
  let text = "";
  try {
    const answer = await fetch(form.dataset.stream, { method: "POST", body, signal });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    for await (const [name, data] of events(answer.body)) {
      if (name === "head") {
        id = data.id;
        fill(pane, { state: words.streaming, ...data });
      } else if (name === "step") {
        text += data.text;
        add(pane, "text", data.text);
        add(pane, "thought", data.thought);
        add(pane, "raw", data.raw);
      } else if (name === "done") {
        fill(pane, data);
        return data.error ? "" : text;
      } else if (name === "refused") {
        fill(pane, { state: words.failed, kind: "bad", error: data });
        return "";
      }
    }
    fill(pane, { state: words.failed, kind: "bad", error: words.broken });
  } catch (error) {
    if (signal.aborted) {
      fill(pane, { state: words.stopped, kind: "idle", facts: words.charged });
      tellCost(pane, id);
    } else fill(pane, { state: words.failed, kind: "bad", error: words.broken });
  }
  return "";
}

// A request that was stopped is settled a moment later.
async function tellCost(pane, id) {
  if (!id) return;
  for (let tries = 0; tries < 10; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const answer = await fetch(`/playground/cost/${id}`).catch(() => null);
    if (answer?.ok) {
      fill(pane, { facts: `${words.charged}: ${(await answer.json()).cost}` });
      return;
    }
  }
}

function remember(message, answer) {
  const field = form.elements.turns;
  const turns = JSON.parse(field.value || "[]");
  const list = form.querySelector(".turns");
  for (const [role, text] of [["user", message], ["assistant", answer]]) {
    turns.push([role, text]);
    const turn = document.getElementById("turn").content.firstElementChild.cloneNode(true);
    turn.classList.add(role);
    const who = turn.querySelector(".who");
    who.textContent = who.dataset[role];
    turn.querySelector(".said").textContent = text;
    list.append(turn);
  }
  list.hidden = false;
  field.value = JSON.stringify(turns);
  form.elements.message.value = "";
}

form?.addEventListener("submit", async (event) => {
  const chosen = [...form.querySelectorAll("[name=format]:checked")].map((box) => box.value);
  // Code is shown by the server, and so is what is wrong with the form.
  if (event.submitter?.value === "code" || !chosen.length || !form.checkValidity()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (running) return;
  running = new AbortController();
  stop.hidden = false;
  panes.replaceChildren();
  const message = form.elements.message.value;
  const fields = new FormData(form);
  fields.delete("do");
  const texts = await Promise.all(chosen.map((format) => play(format, fields, running.signal)));
  running = null;
  stop.hidden = true;
  document.getElementById("live").textContent = words.done;
  const answer = texts.find((text) => text);
  if (answer) remember(message, answer);
  form.elements.message.focus();
}, true);

stop?.addEventListener("click", () => running?.abort());
