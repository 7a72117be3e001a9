// A map of points: colour by group or by value, a label under the pointer, click to open, wheel and drag to move,
// and a loop drawn around points to choose them.

const GOLDEN_ANGLE = 137.508;
const REACH = 14; // pixels from a point within which the pointer is on it
const MAX_ZOOM = 40;
const SHADES = 24; // a value is drawn in one of so many colours
const MANY = 40_000; // more points are a pixel each: a million take a third of a second

function decoded(text, type) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new type(bytes.buffer);
}

function hsl(hue, saturation, lightness) {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const part = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

function shadeColour(value, dark) {
  return hsl(14, 0.2 + 0.6 * value, dark ? 0.34 + 0.38 * value : 0.82 - 0.4 * value);
}

function groupColour(group, dark) {
  if (group < 0) return hsl(30, 0.08, dark ? 0.4 : 0.72);
  return hsl((14 + group * GOLDEN_ANGLE) % 360, 0.52, dark ? 0.66 : 0.42);
}

function isDark(element) {
  const [r, g, b] = (getComputedStyle(element).backgroundColor.match(/\d+/g) || [255, 255, 255]).map(Number);
  return r + g + b < 384;
}

// The pixels of a dot around its middle, and how much of each it covers, 1 to 255.
function disc(radius) {
  const reach = Math.ceil(radius + 0.5);
  const found = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const cover = Math.round(255 * Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(x, y))));
      if (cover) found.push(x, y, cover);
    }
  }
  return Int16Array.from(found);
}

function isInside(x, y, loop) {
  let inside = false;
  for (let here = 0, before = loop.length - 1; here < loop.length; before = here++) {
    const [ax, ay] = loop[here];
    const [bx, by] = loop[before];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

class PointMap {
  constructor(canvas, above, tip, lasso) {
    Object.assign(this, { canvas, above, tip, lasso });
    this.view = { zoom: 1, x: 0, y: 0 };
    this.listen();
    new ResizeObserver(() => this.drawSoon()).observe(canvas);
    lasso.addEventListener("click", () => this.setLasso(!this.choosing));
  }

  show(data, report) {
    if (!this.data || this.data.key !== data.key) this.view = { zoom: 1, x: 0, y: 0 };
    this.data = data;
    this.x = decoded(data.x, Int16Array);
    this.y = decoded(data.y, Int16Array);
    this.kinds = decoded(data.kinds, Int16Array);
    this.chosen = new Set(data.chosen);
    this.report = report;
    this.lasso.textContent = data.words.lasso;
    this.drawSoon();
  }

  setLasso(on) {
    this.choosing = on;
    this.lasso.setAttribute("aria-pressed", on);
    this.above.style.cursor = on ? "crosshair" : "grab";
  }

  colour(kind, dark) {
    return this.data.shaded ? shadeColour(kind / SHADES, dark) : groupColour(kind, dark);
  }

  // What turns a point's coordinates into pixels: worked out once a drawing.
  lens() {
    const { clientWidth: wide, clientHeight: high } = this.canvas;
    const scale = (Math.min(wide, high) / 2 - 18) * this.view.zoom;
    const stretch = Math.min(Math.max(1, wide / high), 1.8);
    return {
      ax: (stretch * scale) / 32767,
      bx: wide / 2 + this.view.x * scale,
      ay: -scale / 32767,
      by: high / 2 - this.view.y * scale,
    };
  }

  place(index) {
    const { ax, bx, ay, by } = this.lens();
    return [this.x[index] * ax + bx, this.y[index] * ay + by];
  }

  drawSoon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = undefined;
      this.draw();
    });
  }

  draw() {
    const { canvas } = this;
    if (!this.data || !canvas.clientWidth || !canvas.clientHeight) return; // on a tab that is not shown
    const ratio = window.devicePixelRatio || 1;
    for (const layer of [canvas, this.above]) {
      layer.width = canvas.clientWidth * ratio;
      layer.height = canvas.clientHeight * ratio;
    }
    const began = performance.now();
    this.drawPoints(ratio);
    canvas.dataset.milliseconds = (performance.now() - began).toFixed(1);
    this.drawAbove();
  }

  radius() {
    return Math.max(1.6, Math.min(5.5, 90 / Math.sqrt(this.x.length))) * Math.min(2, this.view.zoom ** 0.3);
  }

  // Straight into the pixels: 20,000 dots take some 20 ms so, and most of a second as arcs or pictures.
  drawPoints(ratio) {
    const { canvas } = this;
    const context = canvas.getContext("2d");
    const { width: wide, height: high } = canvas;
    const image = context.createImageData(wide, high);
    const pixels = new Uint32Array(image.data.buffer);
    const dark = isDark(canvas);
    const dots = this.x.length > MANY ? [0, 0, 255] : disc(this.radius() * ratio);
    const { ax, bx, ay, by } = this.lens();
    const colours = new Map();
    for (let index = 0; index < this.x.length; index++) {
      const x = Math.round((this.x[index] * ax + bx) * ratio);
      const y = Math.round((this.y[index] * ay + by) * ratio);
      if (x < -9 || y < -9 || x >= wide + 9 || y >= high + 9) continue;
      const kind = this.kinds[index];
      let colour = colours.get(kind);
      if (colour === undefined) {
        const [r, g, b] = this.colour(kind, dark);
        colours.set(kind, (colour = (b << 16) | (g << 8) | r));
      }
      for (let part = 0; part < dots.length; part += 3) {
        const px = x + dots[part];
        const py = y + dots[part + 1];
        const cover = dots[part + 2];
        if (px < 0 || py < 0 || px >= wide || py >= high) continue;
        const at = py * wide + px;
        if (cover >= pixels[at] >>> 24) pixels[at] = (cover << 24) | colour;
      }
    }
    context.putImageData(image, 0, 0);
  }

  // What changes while the pointer moves: rings and the loop. The points below stay as they are.
  drawAbove() {
    const ratio = window.devicePixelRatio || 1;
    const context = this.above.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.above.clientWidth, this.above.clientHeight);
    const style = getComputedStyle(this.canvas);
    context.strokeStyle = style.color;
    const radius = this.radius();
    const ring = (index, wider, width) => {
      const [x, y] = this.place(index);
      context.lineWidth = width;
      context.beginPath();
      context.arc(x, y, radius + wider, 0, 7);
      context.stroke();
    };
    this.chosen.forEach((index) => ring(index, 1.5, 1.2));
    this.drawHits(context, ring);
    if (this.near !== undefined) ring(this.near, 3, 2);
    if (this.loop) {
      context.lineWidth = 1.5;
      context.setLineDash([5, 4]);
      context.beginPath();
      this.loop.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
      context.stroke();
      context.setLineDash([]);
    }
  }

  // The last question in the middle of what it found, and a line to each of its passages, the first ones heavier.
  drawHits(context, ring) {
    const hits = this.data.hits;
    if (!hits.length) return;
    const weights = hits.map((_, rank) => 1 / (rank + 1));
    const total = weights.reduce((sum, weight) => sum + weight);
    const middle = [0, 1].map((axis) =>
      hits.reduce((sum, index, rank) => sum + (weights[rank] / total) * this.place(index)[axis], 0),
    );
    hits.forEach((index, rank) => {
      context.globalAlpha = 0.2 + 0.6 * weights[rank];
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(...middle);
      context.lineTo(...this.place(index));
      context.stroke();
      context.globalAlpha = 1;
      ring(index, 2.5, rank < 3 ? 2.4 : 1.4);
    });
    context.font = "600 13px system-ui, sans-serif";
    context.lineWidth = 4;
    context.strokeStyle = getComputedStyle(this.canvas).backgroundColor;
    context.fillStyle = getComputedStyle(this.canvas).color;
    const words = this.data.words.question;
    const shown = words.length > 48 ? `${words.slice(0, 47)}…` : words;
    context.textAlign = middle[0] > this.above.clientWidth / 2 ? "right" : "left";
    context.strokeText(shown, middle[0], middle[1] - 10);
    context.fillText(shown, middle[0], middle[1] - 10);
    context.beginPath();
    context.rect(middle[0] - 4, middle[1] - 4, 8, 8);
    context.fill();
    context.strokeStyle = context.fillStyle;
  }

  nearest(x, y) {
    const { ax, bx, ay, by } = this.lens();
    let best;
    let least = REACH ** 2;
    for (let index = 0; index < this.x.length; index++) {
      const distance = (this.x[index] * ax + bx - x) ** 2 + (this.y[index] * ay + by - y) ** 2;
      if (distance < least) [best, least] = [index, distance];
    }
    return best;
  }

  point(event) {
    const box = this.above.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  hover(x, y) {
    const near = this.nearest(x, y);
    if (!this.choosing) this.above.style.cursor = near === undefined ? "grab" : "pointer";
    if (near === this.near) return;
    this.near = near;
    const { titles, texts, notes } = this.data;
    this.tip.hidden = near === undefined || !titles.length;
    if (!this.tip.hidden) {
      const [title, text, note] = this.tip.children;
      title.textContent = titles[near];
      text.textContent = texts[near];
      note.textContent = notes[near];
      const [px, py] = this.place(near);
      const { clientWidth: wide, clientHeight: high } = this.canvas;
      const below = py + 18 + this.tip.offsetHeight > high ? py - this.tip.offsetHeight - 12 : py + 14;
      this.tip.style.left = `${Math.max(4, Math.min(px + 14, wide - this.tip.offsetWidth - 4))}px`;
      this.tip.style.top = `${below}px`;
    }
    this.drawAbove();
  }

  zoomAt(x, y, factor) {
    const { clientWidth: wide, clientHeight: high } = this.canvas;
    const before = (Math.min(wide, high) / 2 - 18) * this.view.zoom;
    this.view.zoom = Math.max(1, Math.min(MAX_ZOOM, this.view.zoom * factor));
    const after = (Math.min(wide, high) / 2 - 18) * this.view.zoom;
    this.view.x += (x - wide / 2) * (1 / after - 1 / before);
    this.view.y -= (y - high / 2) * (1 / after - 1 / before);
    if (this.view.zoom === 1) this.view = { zoom: 1, x: 0, y: 0 };
  }

  closeLoop() {
    const { ax, bx, ay, by } = this.lens();
    const found = [];
    for (let index = 0; index < this.x.length; index++) {
      if (isInside(this.x[index] * ax + bx, this.y[index] * ay + by, this.loop)) found.push(index);
    }
    this.loop = undefined;
    this.setLasso(false);
    this.chosen = new Set(found);
    this.drawAbove();
    this.report({ chosen: found, at: Date.now() });
  }

  listen() {
    const { above } = this;
    let from;
    let moved = false;
    above.addEventListener("pointerdown", (event) => {
      from = this.point(event);
      moved = false;
      if (this.choosing || event.shiftKey) this.loop = [from];
      above.setPointerCapture(event.pointerId);
    });
    above.addEventListener("pointermove", (event) => {
      const [x, y] = this.point(event);
      if (!from) return this.hover(x, y);
      if (Math.hypot(x - from[0], y - from[1]) < 4 && !moved) return;
      moved = true;
      if (this.loop) {
        this.loop.push([x, y]);
        return this.drawAbove();
      }
      const scale = (Math.min(this.canvas.clientWidth, this.canvas.clientHeight) / 2 - 18) * this.view.zoom;
      this.view.x += (x - from[0]) / scale;
      this.view.y -= (y - from[1]) / scale;
      from = [x, y];
      this.drawSoon();
    });
    above.addEventListener("pointerup", (event) => {
      const [x, y] = this.point(event);
      from = undefined;
      if (this.loop && moved) return this.closeLoop();
      this.loop = undefined;
      if (moved) return;
      this.hover(x, y);
      if (this.near !== undefined) this.report({ place: this.near, at: Date.now() });
    });
    above.addEventListener("pointerleave", () => {
      this.near = undefined;
      this.tip.hidden = true;
      this.drawAbove();
    });
    above.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && this.view.zoom === 1 && event.deltaY > 0) return;
        event.preventDefault();
        this.zoomAt(...this.point(event), Math.exp(-event.deltaY / 400));
        this.drawSoon();
      },
      { passive: false },
    );
    above.addEventListener("dblclick", () => {
      this.view = { zoom: 1, x: 0, y: 0 };
      this.drawSoon();
    });
  }
}

function element(name, className) {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let map = parentElement.pointMap;
  if (!map) {
    const [canvas, above] = [element("canvas", "points"), element("canvas", "above")];
    const tip = element("div", "tip");
    tip.hidden = true;
    tip.append(...["b", "p", "small"].map((name) => document.createElement(name)));
    tip.childNodes.forEach((child) => (child.dir = "auto"));
    above.setAttribute("role", "img");
    const lasso = element("button", "lasso");
    lasso.type = "button";
    lasso.setAttribute("aria-pressed", false);
    const frame = element("div", "frame");
    frame.append(canvas, above, tip, lasso);
    parentElement.append(frame);
    map = parentElement.pointMap = new PointMap(canvas, above, tip, lasso);
  }
  map.above.setAttribute("aria-label", data.label);
  map.show(data, (value) => setTriggerValue("acted", value));
}
