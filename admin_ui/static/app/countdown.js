// Counts down what the server wrote as seconds left. At zero it stays: only a reload knows what came after.
function tick() {
  const now = performance.now();
  for (const place of document.querySelectorAll(".countdown[data-left]")) {
    place.dataset.until ??= String(now + Number(place.dataset.left) * 1000);
    const left = Math.max(0, Math.round((Number(place.dataset.until) - now) / 1000));
    const minutes = Math.floor(left / 60);
    place.textContent = minutes ? `${minutes} min ${String(left % 60).padStart(2, "0")} s` : `${left} s`;
  }
}
tick();
setInterval(tick, 1000);
