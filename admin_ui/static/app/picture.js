// A chart as a PNG: title, what was drawn, and its legend.
const PAD = 16, LINE = 20;

export function savePicture(figure, ink) {
  const drawing = figure.querySelector("canvas");
  if (!drawing) return;
  const scale = devicePixelRatio;
  const keys = [...figure.querySelectorAll(".key")].filter((key) => key.getAttribute("aria-pressed") !== "false");
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const family = getComputedStyle(document.body).fontFamily;
  const wide = drawing.width / scale;
  pen.font = `12px ${family}`;
  const places = [];
  let x = 0, y = 0;
  for (const key of keys) {
    const space = pen.measureText(key.textContent.trim()).width + 32;
    if (x && x + space > wide) { x = 0; y += LINE; }
    places.push([x, y]);
    x += space;
  }
  canvas.width = drawing.width + 2 * PAD * scale;
  canvas.height = drawing.height + (2 * PAD + 28 + y + LINE) * scale;
  pen.scale(scale, scale);
  pen.fillStyle = getComputedStyle(figure).backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.textBaseline = "top";
  pen.fillStyle = ink("ink-text");
  pen.font = `600 16px ${family}`;
  pen.fillText(figure.querySelector("h2").textContent.trim(), PAD, PAD);
  pen.drawImage(drawing, PAD, PAD + 28, wide, drawing.height / scale);
  pen.font = `12px ${family}`;
  const top = PAD + 28 + drawing.height / scale + 4;
  for (const [number, key] of keys.entries()) {
    const [left, down] = places[number];
    pen.fillStyle = getComputedStyle(key.querySelector(".swatch")).color;
    pen.fillRect(PAD + left, top + down + 1, 10, 10);
    pen.fillStyle = ink("ink-text");
    pen.fillText(key.textContent.trim(), PAD + left + 16, top + down);
  }
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${figure.id.replace(/^chart-/, "")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}
