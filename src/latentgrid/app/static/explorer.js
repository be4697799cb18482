// What the page does by itself, and how Shiny learns of it.
import { planeIn } from "/plane/plane.js";

const BETWEEN_FRAMES = 700; // milliseconds of a film
const PEN = 20;             // pixels, of a pad of 280
const KEY = 8;              // pixels that an arrow key moves the pen

// While an answer is awaited only the latest wish is kept.
function latestOnly(send) {
  let next = null;
  let waits = false;
  $(document).on("shiny:idle", () => { waits = false; flush(); });
  function flush() {
    if (waits || next === null) return;
    const now = next;
    next = null;
    waits = true;
    send(now);
  }
  return (wish) => { next = wish; flush(); };
}

const ask = (name) => latestOnly((value) => Shiny.setInputValue(name, value, { priority: "event" }));

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

const planes = {};
const marks = {};

class PlaneOutput extends Shiny.OutputBinding {
  find(scope) {
    return $(scope).find(".latent-plane");
  }
  renderValue(element, value) {
    // Not hidden itself: Shiny would not fill it again.
    element.classList.toggle("empty", !value);
    if (!value) return;
    planes[element.id] ??= planeIn(element, { onPoint: ask(`${element.id}_point`), onOver: ask(`${element.id}_over`) });
    const points = new Float32Array(bytesOf(value.points).buffer);
    planes[element.id].show({ ...value, points, labels: bytesOf(value.labels) });
    if (marks[element.id]) planes[element.id].mark(...marks[element.id]);
  }
  renderError(element) {
    element.classList.add("empty");
  }
  clearError(element) {
    element.classList.remove("empty");
  }
}
Shiny.outputBindings.register(new PlaneOutput(), "latentgrid.plane");

class RangedInput extends Shiny.InputBinding {
  find(scope) {
    return $(scope).find("input.ranged");
  }
  getValue(element) {
    return Number(element.value);
  }
  subscribe(element, callback) {
    $(element).on("input.ranged change.ranged", () => { this.tell(element); callback(false); });
    this.tell(element);
  }
  unsubscribe(element) {
    $(element).off(".ranged");
  }
  receiveMessage(element, { names, value }) {
    element.dataset.names = JSON.stringify(names);
    element.max = Math.max(0, names.length - 1);
    element.value = value;
    $(element).trigger("change");
  }
  tell(element) {
    const said = JSON.parse(element.dataset.names ?? "[]")[Number(element.value)] ?? element.value;
    element.setAttribute("aria-valuetext", said);
    document.querySelector(`output[for="${element.id}"]`).textContent = said;
  }
}
Shiny.inputBindings.register(new RangedInput(), "latentgrid.ranged");

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button.play");
  if (button) play(button);
});

function play(button) {
  const slider = document.getElementById(button.dataset.moves);
  if (button.dataset.timer) {
    stop(button);
    return;
  }
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  $(slider).trigger("change");
  button.textContent = "Pause";
  button.dataset.timer = setInterval(() => {
    slider.value = Number(slider.value) + 1;
    $(slider).trigger("change");
    if (Number(slider.value) >= Number(slider.max)) stop(button);
  }, BETWEEN_FRAMES);
}

function stop(button) {
  clearInterval(Number(button.dataset.timer));
  delete button.dataset.timer;
  button.textContent = "Play";
}

// The sliders of a code's dimensions.
const askDimension = {};
document.addEventListener("input", ({ target }) => {
  if (!target.matches("input.dimension")) return;
  const of = target.dataset.of;
  sayDimension(target, Number(target.value));
  askDimension[of] ??= ask(of);
  askDimension[of]([Number(target.dataset.dimension), Number(target.value)]);
});

// A code may lie beyond the slider's ends.
function sayDimension(slider, value) {
  const said = value.toFixed(2).replace("-", "−");
  slider.setAttribute("aria-valuetext", said);
  document.querySelector(`output[for="${slider.id}"]`).textContent = said;
}

const codes = {};

function setDimensions(of) {
  (codes[of] ?? []).forEach((value, dimension) => {
    const slider = document.getElementById(`${of}_${dimension}`);
    if (!slider || slider === document.activeElement) return;
    slider.value = value;
    sayDimension(slider, value);
  });
}

Shiny.addCustomMessageHandler("code", ({ of, values }) => {
  codes[of] = values;
  setDimensions(of);
});
$(document).on("shiny:value", ({ target }) => setTimeout(() => {
  const group = target.querySelector?.(".dimensions");
  if (group) setDimensions(group.id);
}));
Shiny.addCustomMessageHandler("point", ({ of, x, y }) => {
  marks[of] = [x, y];
  planes[of]?.mark(x, y);
});

$(document).on("shiny:disconnected", () => {
  const said = document.createElement("p");
  said.className = "trouble ended";
  said.setAttribute("role", "alert");
  said.textContent = "The explorer has ended. Start it again with make app, then reload this page.";
  document.querySelector("main").prepend(said);
});

// The pad.
const pad = document.getElementById("drawing_pad");
const ink = pad.getContext("2d", { willReadFrequently: true });
const tellDrawing = ask("drawing_pad");
let pen = null;
let isDown = false;

function clearPad() {
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, pad.width, pad.height);
  pen = null;
  isDown = false;
  tellDrawing("");
}

function drawTo(column, row) {
  ink.strokeStyle = "#fff";
  ink.lineWidth = PEN;
  ink.lineCap = "round";
  ink.beginPath();
  ink.moveTo(...(pen ?? [column, row]));
  ink.lineTo(column, row);
  ink.stroke();
  pen = [column, row];
  tellDrawing(pixels());
}

// The brightness of each second pixel of each second row.
function pixels() {
  const { data, width, height } = ink.getImageData(0, 0, pad.width, pad.height);
  const brightness = (at) => Math.round((data[at] + data[at + 1] + data[at + 2]) / 3);
  let text = "";
  for (let row = 0; row < height; row += 2) {
    for (let column = 0; column < width; column += 2) text += String.fromCharCode(brightness(4 * (row * width + column)));
  }
  return btoa(text);
}

const onPad = (event) => [event.offsetX * pad.width / pad.clientWidth, event.offsetY * pad.height / pad.clientHeight];
pad.addEventListener("pointerdown", (event) => {
  pad.setPointerCapture(event.pointerId);
  pen = null;
  drawTo(...onPad(event));
});
pad.addEventListener("pointermove", (event) => {
  if (event.buttons && pen) drawTo(...onPad(event));
});
pad.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0] }[event.key];
  if (!steps) return;
  event.preventDefault();
  pen ??= [pad.width / 2, pad.height / 2];
  if (event.key === " ") isDown = !isDown;
  const next = pen.map((at, axis) => Math.min(pad.width, Math.max(0, at + KEY * steps[axis])));
  if (isDown) drawTo(...next);
  pen = next;
});
document.querySelector("button.clear").addEventListener("click", clearPad);
Shiny.addCustomMessageHandler("pad", ({ image }) => {
  const shown = new Image();
  shown.onload = () => {
    clearPad();
    ink.imageSmoothingEnabled = false;
    ink.drawImage(shown, 0, 0, pad.width, pad.height);
    tellDrawing(pixels());
  };
  shown.src = image;
});
Shiny.initializedPromise.then(clearPad);
