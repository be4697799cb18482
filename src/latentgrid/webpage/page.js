const facts = JSON.parse(element("facts").textContent);
const [channels, height, width] = facts.shape;
const pixels = channels * height * width;
const STEPS = 11;       // images of the strip
const PAUSE = 300;      // milliseconds without a change until it is said
const TOLERANCE = 1e-3; // of a grey value, between this browser and Python

function element(id) {
  return document.getElementById(id);
}

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

async function unpacked(name) {
  const text = atob(element(`pack-${name}`).textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function floats(name) {
  return new Float32Array(await unpacked(name));
}

async function startDecoder() {
  const source = new Blob([await unpacked("module")], { type: "text/javascript" });
  const ort = await import(URL.createObjectURL(source));
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = await unpacked("wasm");
  const session = await ort.InferenceSession.create(await unpacked("decoder"), { executionProviders: ["wasm"] });
  return async (codes) => {
    const given = new ort.Tensor("float32", Float32Array.from(codes.flat()), [codes.length, facts.latentDim]);
    const { images } = await session.run({ codes: given });
    return codes.map((_, at) => images.data.slice(at * pixels, (at + 1) * pixels));
  };
}

// Runs the latest of the wishes that came while another was at work, and skips the others.
function latestOnly(work) {
  let next = null;
  let busy = false;
  return async (wish) => {
    next = wish;
    if (busy) return;
    busy = true;
    try {
      while (next !== null) {
        const now = next;
        next = null;
        await work(now);
        await new Promise(requestAnimationFrame);
      }
    } finally {
      busy = false;
    }
  };
}

// Values from 0 to 1, channel by channel. White strokes on black are shown dark on white.
function paint(canvas, values) {
  canvas.width = width;
  canvas.height = height;
  const drawing = canvas.getContext("2d");
  const image = drawing.createImageData(width, height);
  const plane = width * height;
  for (let at = 0; at < plane; at++) {
    for (let colour = 0; colour < 3; colour++) {
      const value = 255 * values[(channels === 3 ? colour : 0) * plane + at];
      image.data[4 * at + colour] = facts.strokes ? 255 - value : value;
    }
    image.data[4 * at + 3] = 255;
  }
  drawing.putImageData(image, 0, 0);
}

function rows(flat) {
  return Array.from({ length: flat.length / facts.latentDim }, (_, at) =>
    Array.from(flat.subarray(at * facts.latentDim, (at + 1) * facts.latentDim)));
}

function shortNumber(value) {
  return value.toFixed(2).replace(/^-(?=.*[1-9])/, "−").replace("-", "");
}

function meanOf(codes) {
  return codes[0].map((_, axis) => codes.reduce((sum, code) => sum + code[axis], 0) / codes.length);
}

// The smallest and largest value of each dimension, a twentieth wider.
function rangesOf(codes) {
  return codes[0].map((_, axis) => {
    const low = codes.reduce((least, code) => Math.min(least, code[axis]), Infinity);
    const high = codes.reduce((most, code) => Math.max(most, code[axis]), -Infinity);
    const more = (high - low) / 20 || 1;
    return [low - more, high + more];
  });
}

function className(point) {
  return facts.classes.length ? facts.classes[labels[point]] : "";
}

// A slider with its name and its value.
function slider(name, [low, high], step, onInput) {
  const input = make("input", { type: "range", min: low, max: high, step });
  const output = make("output");
  const show = (value) => {
    input.value = value;
    output.textContent = shortNumber(value);
    input.setAttribute("aria-valuetext", shortNumber(value));
  };
  input.addEventListener("input", () => {
    show(Number(input.value));
    onInput(Number(input.value));
  });
  return { part: make("label", { className: "slider" }, make("span", { textContent: name }), input, output), show };
}

// A group of images of which one is chosen; each is called by its class and number.
function chooser(place, title, pictures, onChoose) {
  const inputs = [];
  const named = facts.classes.some((name) => name.length > 3);
  const group = make("div", { className: named ? "choices named" : "choices" });
  for (let at = 0; at < facts.choices; at++) {
    const input = make("input", { type: "radio", name: place, className: "visually-hidden" });
    input.addEventListener("change", () => onChoose(at));
    inputs.push(input);
    const drawn = pictures.map((images) => {
      const canvas = make("canvas", { className: "pixels" });
      canvas.setAttribute("aria-hidden", "true");
      paint(canvas, images[at]);
      return canvas;
    });
    const number = make("span", { className: "visually-hidden", textContent: ` image ${at + 1}` });
    group.append(make("label", {}, input, ...drawn, className(at), number));
  }
  element(place).append(make("fieldset", {}, make("legend", { textContent: title }), group));
  return (at) => inputs.forEach((input, place) => { input.checked = place === at; });
}

let labels;

async function start() {
  const [flatPoints, flatDraws, packedLabels, packedImages, expected, decode] = await Promise.all([
    floats("points"), floats("draws"), unpacked("labels"), unpacked("images"), floats("expected"), startDecoder(),
  ]);
  labels = new Uint8Array(packedLabels);
  const points = rows(flatPoints);
  const draws = rows(flatDraws);
  const ends = points.slice(0, facts.choices);
  const decoded = await decode(ends);
  const bytes = new Uint8Array(packedImages);
  const originals = bytes.length ? ends.map((_, at) => Array.from(bytes.subarray(at * pixels, (at + 1) * pixels), (value) => value / 255)) : null;

  say(checked(decoded[0], expected));
  element("live").hidden = false;
  explore(points, draws, ends, originals ? [originals, decoded] : [decoded], decode);
  between(ends, originals ?? decoded, decode);
  window.decode = decode; // for those who try it in the browser's console: await decode([[0, 0]])
}

function say(text) {
  element("state").textContent = text;
}

// Compares this browser's image with Python's; says nothing where they are the same.
function checked(found, expected) {
  const difference = found.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at])), 0);
  element("checked").textContent = `Just now, this browser decoded the first image’s code: no pixel differs from Python’s by more than ${(Math.ceil(difference * 1e7) / 1e7).toFixed(7)}.`;
  return difference <= TOLERANCE ? "" : "This browser decodes other images than the trained model does; do not trust what you see here.";
}

// The plane, the sliders, the decoded image and the images to choose: all show one code, which any of them sets.
function explore(points, draws, ends, pictures, decode) {
  const ranges = rangesOf([...points, ...draws]);
  const mean = meanOf(points);
  const plane = planeOf(points, ranges, (changed) => set(changed));
  let code = mean;
  let waiting;
  let lastDraw = -1;

  const sliders = ranges.map((range, axis) =>
    slider(`Dimension ${axis + 1}`, range, (range[1] - range[0]) / 500, (value) => set(code.with(axis, value))));
  element("sliders").append(...sliders.map(({ part }) => part));

  const title = pictures.length > 1 ? "Image and reconstruction" : "Image";
  const showChoice = chooser("shown", title, pictures, (at) => set(ends[at], `Image ${at + 1}. `, at));

  const show = latestOnly(async (wanted) => {
    const [image] = await decode([wanted]);
    paint(element("picture"), image);
  });

  function set(changed, about = "", choice = -1) {
    code = changed;
    showChoice(choice);
    sliders.forEach(({ show: showValue }, axis) => showValue(code[axis]));
    plane.show(code);
    show(code);
    clearTimeout(waiting);
    waiting = setTimeout(() => { element("said").textContent = about + nearest(points, code); }, PAUSE);
  }

  element("draw").hidden = draws.length === 0;
  element("draw").addEventListener("click", () => {
    lastDraw = (lastDraw + 1) % draws.length;
    set(draws[lastDraw], `New image ${lastDraw + 1} of ${draws.length}. `);
  });
  element("mean").addEventListener("click", () => set(mean, "The mean of all codes. "));
  set(mean, "The mean of all codes. ");
}

function nearest(points, code) {
  if (!facts.classes.length) return "The image is drawn.";
  const distances = points.map((point) => point.reduce((sum, value, axis) => sum + (value - code[axis]) ** 2, 0));
  const closest = distances.indexOf(Math.min(...distances));
  return `The nearest test image’s code is of class ${className(closest)}.`;
}

function planeOf(points, ranges, onChange) {
  if (facts.latentDim === 1) {
    element("plane-part").hidden = true;
    document.querySelector(".explore").classList.add("single");
    return { show() {} };
  }
  let axes = [0, 1];
  let code = points[0];
  const plane = planeIn(element("plane"), { onPoint: ([x, y]) => onChange(code.with(axes[0], x).with(axes[1], y)) });
  if (facts.latentDim > 2) element("axes").append(...["Across", "Up"].map(axisSelect));

  function axisSelect(name, which) {
    const select = make("select", {}, ...ranges.map((_, axis) => make("option", { value: axis, textContent: `dimension ${axis + 1}` })));
    select.value = axes[which];
    select.addEventListener("change", () => {
      axes = axes.with(which, Number(select.value));
      draw();
    });
    return make("label", {}, `${name}: `, select);
  }

  function draw() {
    plane.show({
      points: Float32Array.from(points.flatMap((point) => axes.map((axis) => point[axis]))),
      labels,
      names: facts.classes,
      colours: facts.colours,
      limits: axes.flatMap((axis) => ranges[axis]),
      axes: axes.map((axis) => `dimension ${axis + 1}`),
      about: "The plane of the codes. The sliders choose a code, too",
      marks: {},
      answers: true,
    });
    show(code);
  }

  function show(changed) {
    code = changed;
    plane.mark(code[axes[0]], code[axes[1]]);
  }

  draw();
  return { show };
}

// The strip from one image's code to another's, and one image on the way.
function between(ends, images, decode) {
  let chosen = [0, 1];
  const strip = Array.from({ length: STEPS }, () => make("canvas", { className: "pixels" }));
  element("strip").append(...strip.map((canvas, at) => make("span", {}, canvas, (at / (STEPS - 1)).toFixed(1))));
  const on = (share) => ends[chosen[0]].map((value, axis) => (1 - share) * value + share * ends[chosen[1]][axis]);
  const name = (at) => [className(at), `image ${at + 1}`].filter(Boolean).join(", ");

  const showStrip = latestOnly(async () => {
    const found = await decode(strip.map((_, at) => on(at / (STEPS - 1))));
    found.forEach((image, at) => paint(strip[at], image));
    element("strip").setAttribute("aria-label", `${STEPS} images from ${name(chosen[0])} to ${name(chosen[1])}`);
  });
  const showMiddle = latestOnly(async (share) => {
    const [image] = await decode([on(share)]);
    paint(element("middle"), image);
  });
  const way = slider("Part of the way", [0, 1], 0.01, showMiddle);
  element("way").append(way.part);

  const choosers = ["from", "to"].map((place, which) => chooser(place, which ? "To" : "From", [images], (at) => {
    chosen = chosen.with(which, at);
    update();
  }));
  function update() {
    choosers.forEach((show, which) => show(chosen[which]));
    way.show(0.5);
    showStrip(chosen);
    showMiddle(0.5);
  }
  update();
}

if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") {
  say("This browser has no WebAssembly or no DecompressionStream, which the model needs to run; a current Chrome, Edge, Firefox or Safari has both.");
} else {
  say("The model is starting …");
  start().catch((error) => {
    element("live").hidden = true;
    say(`The model could not be started in this browser: ${error.message ?? error}`);
  });
}
