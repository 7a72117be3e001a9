// A map of points: colour by group or by value, a label under the pointer, click to open, wheel and drag to move.

const GOLDEN_ANGLE = 137.508;
const REACH = 14; // pixels from a point within which the pointer is on it
const MAX_ZOOM = 40;

function colour(data, place, dark) {
  const light = dark ? 66 : 42;
  if (data.values) {
    const value = data.values[place]; // 0 to 1
    return `hsl(14 ${20 + 60 * value}% ${dark ? 34 + 38 * value : 82 - 40 * value}%)`;
  }
  const group = data.groups[place];
  return group < 0 ? `hsl(30 8% ${dark ? 40 : 72}%)` : `hsl(${(14 + group * GOLDEN_ANGLE) % 360} 52% ${light}%)`;
}

function isDark(element) {
  const [r, g, b] = (getComputedStyle(element).backgroundColor.match(/\d+/g) || [255, 255, 255]).map(Number);
  return r + g + b < 384;
}

class PointMap {
  constructor(canvas, tip) {
    this.canvas = canvas;
    this.tip = tip;
    this.view = { zoom: 1, x: 0, y: 0 };
    this.listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(data, report) {
    if (!this.data || this.data.key !== data.key) this.view = { zoom: 1, x: 0, y: 0 };
    this.data = data;
    this.report = report;
    this.draw();
  }

  place(index) {
    const { clientWidth: wide, clientHeight: high } = this.canvas;
    const scale = (Math.min(wide, high) / 2 - 18) * this.view.zoom;
    const stretch = Math.max(1, wide / high);
    return [
      wide / 2 + (this.data.x[index] * Math.min(stretch, 1.8) + this.view.x) * scale,
      high / 2 - (this.data.y[index] + this.view.y) * scale,
    ];
  }

  draw() {
    if (!this.data) return;
    const { canvas, data } = this;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const dark = isDark(canvas);
    const radius = Math.max(1.6, Math.min(5.5, 90 / Math.sqrt(data.x.length))) * Math.min(2, this.view.zoom ** 0.3);
    for (let index = 0; index < data.x.length; index++) {
      const [x, y] = this.place(index);
      if (x < -9 || y < -9 || x > canvas.clientWidth + 9 || y > canvas.clientHeight + 9) continue;
      context.beginPath();
      context.arc(x, y, index === this.near ? radius + 3 : radius, 0, 7);
      context.fillStyle = colour(data, index, dark);
      context.globalAlpha = this.near === undefined || index === this.near ? 0.9 : 0.7;
      context.fill();
    }
    context.globalAlpha = 1;
  }

  nearest(x, y) {
    let best;
    let least = REACH ** 2;
    for (let index = 0; index < this.data.x.length; index++) {
      const [px, py] = this.place(index);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [index, distance];
    }
    return best;
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  hover(x, y) {
    this.near = this.nearest(x, y);
    this.canvas.style.cursor = this.near === undefined ? "grab" : "pointer";
    this.tip.hidden = this.near === undefined;
    if (this.near !== undefined) {
      const { titles, texts, groups, legend, values } = this.data;
      const [title, text, kind] = this.tip.children;
      title.textContent = titles[this.near];
      text.textContent = texts[this.near];
      kind.textContent = values ? values[this.near].toFixed(2) : legend[groups[this.near]] || "";
      const [px, py] = this.place(this.near);
      this.tip.style.left = `${Math.max(4, Math.min(px + 14, this.canvas.clientWidth - this.tip.offsetWidth - 4))}px`;
      this.tip.style.top = `${py + 18 + this.tip.offsetHeight > this.canvas.clientHeight ? py - this.tip.offsetHeight - 12 : py + 14}px`;
    }
    this.draw();
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

  listen() {
    const { canvas } = this;
    let from;
    let moved = false;
    canvas.addEventListener("pointerdown", (event) => {
      from = this.point(event);
      moved = false;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = this.point(event);
      if (!from) return this.hover(x, y);
      if (Math.hypot(x - from[0], y - from[1]) < 4 && !moved) return;
      moved = true;
      const scale = (Math.min(canvas.clientWidth, canvas.clientHeight) / 2 - 18) * this.view.zoom;
      this.view.x += (x - from[0]) / scale;
      this.view.y -= (y - from[1]) / scale;
      from = [x, y];
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      const [x, y] = this.point(event);
      from = undefined;
      if (moved) return;
      this.hover(x, y);
      if (this.near !== undefined) this.report({ id: this.data.ids[this.near], at: Date.now() });
    });
    canvas.addEventListener("pointerleave", () => {
      this.near = undefined;
      this.tip.hidden = true;
      this.draw();
    });
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && this.view.zoom === 1 && event.deltaY > 0) return;
        event.preventDefault();
        this.zoomAt(...this.point(event), Math.exp(-event.deltaY / 400));
        this.draw();
      },
      { passive: false },
    );
    canvas.addEventListener("dblclick", () => {
      this.view = { zoom: 1, x: 0, y: 0 };
      this.draw();
    });
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let map = parentElement.pointMap;
  if (!map) {
    const canvas = document.createElement("canvas");
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    tip.append(...["b", "p", "small"].map((name) => document.createElement(name)));
    tip.childNodes.forEach((child) => (child.dir = "auto"));
    canvas.setAttribute("role", "img");
    const frame = document.createElement("div");
    frame.className = "frame";
    frame.append(canvas, tip);
    parentElement.append(frame);
    map = parentElement.pointMap = new PointMap(canvas, tip);
  }
  map.canvas.setAttribute("aria-label", data.label);
  map.show(data, (value) => setTriggerValue("chosen", value));
}
