// A plane of codes: points coloured by class below, and what moves above them. The explorer and the
// page of a run show codes with it.

const MARGIN = { left: 50, right: 12, top: 10, bottom: 42 };
const REACH = 14;     // pixels from a point at which a mouse is over it
const KEY_STEP = 0.02; // of the plane's width, for an arrow key
const FEW = 800;      // points, which are drawn larger
const UNKNOWN = "#8c8c8c"; // the colour of points without a class
const FADED = "#d9dce2";   // of classes beside the one that is chosen

// Fills an element. `onPoint([x, y])` is called where the visitor chooses a point, and `onOver(number)`
// where the mouse comes over one.
export function planeIn(host, { onPoint, onOver }) {
  const frame = made("div", "plane-frame");
  const below = made("canvas", "plane-points");
  const above = made("canvas", "plane-marks");
  const legend = made("div", "plane-legend");
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Highlight a class");
  frame.append(below, above);
  host.append(frame, legend);

  let data = null;
  let point = null;
  let highlighted = null;
  let over = -1;

  const width = () => frame.clientWidth - MARGIN.left - MARGIN.right;
  const height = () => frame.clientHeight - MARGIN.top - MARGIN.bottom;
  const toScreen = (x, y) => {
    const [left, right, bottom, top] = data.limits;
    return [
      MARGIN.left + (x - left) / (right - left) * width(),
      MARGIN.top + (top - y) / (top - bottom) * height(),
    ];
  };
  const toPlane = (column, row) => {
    const [left, right, bottom, top] = data.limits;
    return [
      left + (column - MARGIN.left) / width() * (right - left),
      top - (row - MARGIN.top) / height() * (top - bottom),
    ];
  };

  function show(changed) {
    const sameClasses = data && JSON.stringify(data.names) === JSON.stringify(changed.names);
    data = changed;
    over = -1;
    above.setAttribute("aria-label", data.about + (data.answers ? ". Arrow keys move the point that is decoded." : ""));
    above.setAttribute("role", data.answers ? "application" : "img");
    above.tabIndex = data.answers ? 0 : -1;
    if (!sameClasses) {
      highlighted = null;
      legend.replaceChildren(...data.names.map(legendButton));
    }
    draw();
  }

  function legendButton(name, label) {
    const button = made("button", "plane-class");
    button.type = "button";
    const sample = made("canvas", "plane-sample");
    [sample.width, sample.height] = [28, 28];
    sample.setAttribute("aria-hidden", "true");
    const drawing = sample.getContext("2d");
    drawing.fillStyle = colourOf(label);
    drawing.beginPath();
    outline(drawing, 14, 14, 9, label);
    drawing.fill();
    button.append(sample, name);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      highlighted = highlighted === label ? null : label;
      [...legend.children].forEach((other, at) => other.setAttribute("aria-pressed", String(at === highlighted)));
      draw();
    });
    return button;
  }

  const colourOf = (label) => label === null ? UNKNOWN : data.colours[label % data.colours.length];

  function draw() {
    if (!data || !frame.clientWidth) return;
    const drawing = cleared(below, frame);
    drawAxes(drawing);
    drawPoints(drawing);
    drawMarks();
  }

  function drawAxes(drawing) {
    const style = getComputedStyle(frame);
    drawing.font = "12px system-ui, sans-serif";
    drawing.fillStyle = style.color;
    drawing.strokeStyle = style.getPropertyValue("--plane-line") || "#ccc";
    const [left, right, bottom, top] = data.limits;
    const [start, low] = [MARGIN.left, MARGIN.top + height()];
    drawing.textAlign = "center";
    for (const tick of ticksBetween(left, right)) {
      const [column] = toScreen(tick, 0);
      line(drawing, column, MARGIN.top, column, low);
      drawing.fillText(written(tick), column, low + 16);
    }
    drawing.fillText(data.axes[0], start + width() / 2, low + 34);
    drawing.textAlign = "right";
    for (const tick of ticksBetween(bottom, top)) {
      const [, row] = toScreen(0, tick);
      line(drawing, start, row, start + width(), row);
      drawing.fillText(written(tick), start - 6, row + 4);
    }
    drawing.save();
    drawing.translate(13, MARGIN.top + height() / 2);
    drawing.rotate(-Math.PI / 2);
    drawing.textAlign = "center";
    drawing.fillText(data.axes[1], 0, 0);
    drawing.restore();
  }

  function drawPoints(drawing) {
    drawing.save();
    drawing.beginPath();
    drawing.rect(MARGIN.left, MARGIN.top, width(), height());
    drawing.clip();
    const classes = data.names.length ? [...data.names.keys()] : [null];
    const behind = classes.filter((label) => highlighted !== null && label !== highlighted);
    behind.forEach((label) => drawClass(drawing, label, FADED));
    classes.filter((label) => !behind.includes(label)).forEach((label) => drawClass(drawing, label, colourOf(label)));
    drawing.restore();
  }

  function drawClass(drawing, label, colour) {
    const radius = data.points.length > 2 * FEW ? 2 : 3;
    drawing.fillStyle = colour;
    drawing.beginPath();
    for (let at = 0; at < data.points.length / 2; at++) {
      if (label !== null && data.labels[at] !== label) continue;
      outline(drawing, ...toScreen(data.points[2 * at], data.points[2 * at + 1]), radius, label ?? 0);
    }
    drawing.fill();
  }

  // The first ten classes have circles, the next ten triangles, then squares, and so on.
  function outline(drawing, column, row, radius, label) {
    const corners = Math.floor(label / data.colours.length) + 2;
    if (corners === 2) {
      drawing.moveTo(column + radius, row);
      drawing.arc(column, row, radius, 0, 2 * Math.PI);
      return;
    }
    for (let corner = 0; corner <= corners; corner++) {
      const turn = 2 * Math.PI * corner / corners - Math.PI / 2;
      const place = [column + 1.2 * radius * Math.cos(turn), row + 1.2 * radius * Math.sin(turn)];
      if (corner) drawing.lineTo(...place);
      else drawing.moveTo(...place);
    }
  }

  function drawMarks() {
    const drawing = cleared(above, frame);
    const ink = getComputedStyle(frame).color;
    if (over >= 0) ring(drawing, data.points[2 * over], data.points[2 * over + 1], 6, ink);
    for (const [name, [x, y]] of Object.entries(data.marks)) {
      ring(drawing, x, y, 8, ink);
      const [column, row] = toScreen(x, y);
      drawing.font = "bold 12px system-ui, sans-serif";
      drawing.fillStyle = ink;
      drawing.textAlign = column > MARGIN.left + width() / 2 ? "right" : "left";
      drawing.fillText(name, column + (drawing.textAlign === "left" ? 12 : -12), row + 4);
    }
    if (point) cross(drawing, ...point);
  }

  function ring(drawing, x, y, radius, ink) {
    const [column, row] = toScreen(x, y);
    for (const [colour, thick] of [["#fff", 5], [ink, 2.5]]) {
      drawing.strokeStyle = colour;
      drawing.lineWidth = thick;
      drawing.beginPath();
      drawing.arc(column, row, radius, 0, 2 * Math.PI);
      drawing.stroke();
    }
  }

  function cross(drawing, x, y) {
    const [column, row] = toScreen(x, y);
    for (const [colour, thick] of [["#fff", 6], ["#000", 3]]) {
      drawing.strokeStyle = colour;
      drawing.lineWidth = thick;
      line(drawing, column - 10, row, column + 10, row);
      line(drawing, column, row - 10, column, row + 10);
    }
  }

  function nearest(column, row) {
    let [found, least] = [-1, REACH ** 2];
    for (let at = 0; at < data.points.length / 2; at++) {
      const [left, top] = toScreen(data.points[2 * at], data.points[2 * at + 1]);
      const distance = (left - column) ** 2 + (top - row) ** 2;
      if (distance < least) [found, least] = [at, distance];
    }
    return found;
  }

  function move(x, y) {
    const [left, right, bottom, top] = data.limits;
    point = [Math.min(right, Math.max(left, x)), Math.min(top, Math.max(bottom, y))];
    drawMarks();
    onPoint(point);
  }

  above.addEventListener("pointerdown", (event) => {
    if (!data?.answers) return;
    above.setPointerCapture(event.pointerId);
    move(...toPlane(event.offsetX, event.offsetY));
  });
  above.addEventListener("pointermove", (event) => {
    if (!data) return;
    if (data.answers && event.buttons) {
      move(...toPlane(event.offsetX, event.offsetY));
    } else if (onOver) {
      const found = nearest(event.offsetX, event.offsetY);
      if (found === over) return;
      over = found;
      drawMarks();
      if (over >= 0) onOver(over);
    }
  });
  above.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!steps || !data?.answers) return;
    event.preventDefault();
    const [left, right, bottom, top] = data.limits;
    const [x, y] = point ?? [(left + right) / 2, (bottom + top) / 2];
    move(x + steps[0] * KEY_STEP * (right - left), y + steps[1] * KEY_STEP * (top - bottom));
  });
  new ResizeObserver(draw).observe(frame);

  return {
    show,
    mark(x, y) {
      point = [x, y];
      if (data) drawMarks();
    },
  };
}

function made(tag, name) {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

function cleared(canvas, frame) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = frame.clientWidth * scale;
  canvas.height = frame.clientHeight * scale;
  const drawing = canvas.getContext("2d");
  drawing.scale(scale, scale);
  return drawing;
}

function line(drawing, fromColumn, fromRow, toColumn, toRow) {
  drawing.beginPath();
  drawing.moveTo(fromColumn, fromRow);
  drawing.lineTo(toColumn, toRow);
  drawing.stroke();
}

function ticksBetween(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}

const written = (tick) => String(tick).replace("-", "−");
