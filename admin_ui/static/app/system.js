// The log of diagnostics: new lines as they are said, once somebody wants to follow.
import { addLines, feed } from "./feed.js";

const follow = document.getElementById("follow");
const lines = document.getElementById("lines");
const pulse = document.getElementById("pulse");

let wanted = false;

function say(mood) {
  pulse.textContent = pulse.dataset[mood];
  pulse.className = `state ${{ live: "ok", lost: "warn" }[mood] ?? "idle"} script-only`;
}

const stream = feed({
  address: () => follow.dataset.events,
  heard: { lines: (added) => addLines(lines, added) },
  say,
  left: (why) => set(false, why),
});

function set(on, mood = "paused") {
  wanted = on;
  follow.setAttribute("aria-pressed", String(on));
  if (on) stream.open();
  else {
    stream.close();
    say(mood);
  }
}

follow.addEventListener("click", () => set(!wanted));
document.addEventListener("visibilitychange", () => {
  if (!wanted) return;
  if (document.hidden) stream.close();
  else stream.open();
});
lines.scrollTop = lines.scrollHeight;
