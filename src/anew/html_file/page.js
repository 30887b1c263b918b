"use strict";
// The curves of the file, drawn as pixels below axes of SVG, and its parallel coordinates. All text is set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const by = (id) => document.getElementById(id);
const runs = data.runs.map(([label, prefix, result]) => ({ label, prefix, result, on: true, marks: [], rows: [], swatches: [] }));
const state = { x: "step", log: false, color: runs.length <= 24 ? "experiment" : "result", hi: -1 };

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Marks are copied from the page's own SVG.
const marks = by("marks").content.firstElementChild;
function mark(tag, attributes, text) {
  const element = (tag === "svg" ? marks : marks.querySelector(tag)).cloneNode(false);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const saved = matchMedia("(prefers-color-scheme: dark)");
root.classList.toggle("dark", saved.matches);
by("theme").onclick = () => { root.classList.toggle("dark"); recolor(); };

// -- numbers ---------------------------------------------------------------------------------------

function short(value) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString("en-US");
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(3).replace(/\.?0+e/, "e") : String(Number(value.toPrecision(4)));
}

function ticks(low, high, log, most) {
  if (log) {
    const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9);
    if (to - from >= 1) {
      const every = Math.ceil((to - from + 1) / most);
      return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => 10 ** (from + i * every));
    }
  }
  if (!(high > low)) return [low];
  const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((one) => one * power >= raw) * power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9 && found.length < 50; at++) found.push(Number((at * step).toPrecision(12)));
  return found;
}

function unpack(curves) {
  const raw = atob(curves.data), bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
  const all = curves.bytes === 4 ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
  const count = all.length / 3;
  let at = 0;
  return curves.runs.map((run, number) => {
    const from = at;
    at += curves.counts[number];
    return { run, step: all.subarray(from, at), time: all.subarray(count + from, count + at), y: all.subarray(2 * count + from, 2 * count + at) };
  });
}

// -- colours ---------------------------------------------------------------------------------------

const stops = [[59, 111, 212], [42, 157, 143], [199, 127, 18], [209, 73, 91]];
const dashes = ["", "7 3", "2 2", "8 3 2 3"];

function ramp(at) {
  const place = at * (stops.length - 1), low = Math.min(stops.length - 2, Math.floor(place)), rest = place - low;
  return `rgb(${stops[low].map((one, i) => Math.round(one + (stops[low + 1][i] - one) * rest)).join(" ")})`;
}

// Whether the main metric is better when it is larger. The best result is blue, the worst red.
const larger = () => data.curves.find((one) => one.name === data.main)?.better === "max";

function recolor() {
  const values = state.color === "result" ? runs.map((run) => run.result)
    : state.color === "experiment" ? null : data.fields[Number(state.color)].values;
  let scale = null;
  if (values) {
    const numbers = values.filter((one) => typeof one === "number");
    const texts = [...new Set(values.filter((one) => typeof one === "string"))].sort();
    const low = Math.min(...numbers), high = Math.max(...numbers), ofResult = state.color === "result";
    const log = low > 0 && high / low >= 50 && !(ofResult && larger());
    const part = (one) => (log ? Math.log(one / low) / Math.log(high / low) : (one - low) / (high - low));
    const place = (one) => (ofResult && larger() ? 1 - part(one) : part(one));
    scale = (one) => one === null ? null : texts.length ? [texts.indexOf(String(one)) % 7, dashes[Math.floor(texts.indexOf(String(one)) / 7) % 4]]
      : ramp(high > low ? place(one) : 0.3);
  }
  runs.forEach((run, number) => {
    run.dash = "";
    if (!scale) {
      run.color = `var(--c${number % 7})`;
      run.dash = dashes[Math.floor(number / 7) % 4];
    } else {
      const found = scale(values[number]);
      run.color = found === null ? "var(--muted)" : Array.isArray(found) ? `var(--c${Math.max(0, found[0])})` : found;
    }
    for (const one of run.marks) { one.style.stroke = run.color; one.style.strokeDasharray = run.dash; }
    for (const one of run.swatches) one.style.borderTop = `3px ${run.dash ? "dashed" : "solid"} ${run.color}`;
  });
  for (const panel of panels) if (!panel.stale) panel.paint();
}

function rgb(color) {
  const name = /^var\((.+)\)$/.exec(color), text = name ? getComputedStyle(root).getPropertyValue(name[1]).trim() : color;
  return text.startsWith("#") ? [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)) : text.match(/\d+/g).map(Number);
}

// -- lines as pixels ---------------------------------------------------------------------------------

const aside = 6; // as far as this a line may lead out of what is drawn before a gap of its dashes and be left out there

// Lines through points: in each column of pixels a line covers the stretch from its lowest to its highest place there, as a line through
// all its points does. A browser takes ten times as long to stroke them, and twice that with dashes.
class Raster {
  constructor(width, height, ratio) {
    this.ratio = ratio;
    this.image = new ImageData(Math.round(width * ratio), Math.round(height * ratio));
    this.words = new Uint32Array(this.image.data.buffer);
    this.low = new Float64Array(this.image.width);
    this.high = new Float64Array(this.image.width);
  }

  // Points are x and y by turns, and NaN where a line breaks; dashes are lengths of line and gap along x.
  line(points, color, dash, thick) {
    const there = (at) => at < points.length && points[at + 1] === points[at + 1];
    for (let begin = 0; begin < points.length; ) {
      let end = begin + 2;
      if (there(begin)) {
        while (there(end) && points[end] >= points[end - 2]) end += 2;
        this.stretch(points, begin, end, color, dash, thick);
        // One that turns back is a line of its own from there on.
        if (there(end)) this.stretch([points[end], points[end + 1], points[end - 2], points[end - 1]], 0, 4, color, dash, thick);
      }
      begin = end;
    }
  }

  stretch(points, begin, end, color, dash, thick) {
    const { low, high, ratio, image } = this, width = image.width;
    const alone = end - begin === 2 ? 1.5 : 0; // a point by itself is seen too
    const first = Math.max(0, Math.floor((points[begin] - alone) * ratio)), last = Math.min(width - 1, Math.floor((points[end - 2] + alone) * ratio));
    low.fill(Infinity, first, last + 1);
    high.fill(-Infinity, first, last + 1);
    const take = (column, y) => { if (y < low[column]) low[column] = y; if (y > high[column]) high[column] = y; };
    if (alone) for (let column = first; column <= last; column++) take(column, points[begin + 1] * ratio);
    for (let at = begin + 2; at < end; at += 2) {
      const x0 = points[at - 2] * ratio, y0 = points[at - 1] * ratio, x1 = points[at] * ratio, y1 = points[at + 1] * ratio;
      const from = Math.floor(x0), to = Math.floor(x1), slope = to > from ? (y1 - y0) / (x1 - x0) : 0;
      if (from >= first && from <= last) take(from, y0);
      for (let column = Math.max(first, from); column < Math.min(to, last + 1); column++) {
        const edge = y0 + slope * (column + 1 - x0);
        take(column, edge);
        if (column < last) take(column + 1, edge);
      }
      if (to >= first && to <= last) take(to, y1);
    }
    this.fill(first, last, color, dash, Math.max(thick / 2, alone) * ratio);
  }

  // No spike falls into a gap: what leads out of what is drawn just before it is drawn.
  fill(first, last, color, dash, half) {
    let part = 0, end = dash.length ? first + dash[0] * this.ratio : Infinity, top = Infinity, bottom = -Infinity;
    for (let column = first; column <= last; column++) {
      while (column >= end) {
        part = (part + 1) % dash.length;
        end += dash[part] * this.ratio;
        if (part % 2 === 0) { top = Infinity; bottom = -Infinity; }
      }
      const low = this.low[column], high = this.high[column];
      if (part % 2 === 0) { if (low < top) top = low; if (high > bottom) bottom = high; }
      else if (low >= top - aside * this.ratio && high <= bottom + aside * this.ratio) continue;
      if (low <= high) this.column(column, low - half, high + half, color);
    }
  }

  column(column, top, bottom, [red, green, blue]) {
    const { width, height, data } = this.image, whole = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    const stop = Math.min(height, Math.ceil(bottom));
    for (let row = Math.max(0, Math.floor(top)); row < stop; row++) {
      const cover = Math.min(row + 1, bottom) - Math.max(row, top), at = row * width + column;
      if (cover >= 1) { this.words[at] = whole; continue; }
      const byte = 4 * at, under = (data[byte + 3] / 255) * (1 - cover), alpha = cover + under;
      data[byte] = (red * cover + data[byte] * under) / alpha;
      data[byte + 1] = (green * cover + data[byte + 1] * under) / alpha;
      data[byte + 2] = (blue * cover + data[byte + 2] * under) / alpha;
      data[byte + 3] = 255 * alpha;
    }
  }
}

// -- panels ----------------------------------------------------------------------------------------

const panels = [];
const left = 54, bottom = 20, top_ = 8, right = 8;

class Panel {
  constructor(curves, place) {
    this.curves = curves;
    this.chart = make("div", { className: "chart" });
    this.status = make("div", { className: "status" });
    place.append(make("div", {}, make("h3", {}, curves.name), this.chart, this.status));
    this.canvas = make("canvas");
    this.stale = true;
    this.seen = false;
    this.zoom = null;
    this.chart.onpointermove = (event) => this.hover(event);
    this.chart.onpointerleave = () => { tip(null); highlight(-1); this.cross?.remove(); this.from = null; this.box?.remove(); };
    this.chart.onpointerdown = (event) => { this.from = this.inside(event); };
    this.chart.onpointerup = (event) => {
      const to = this.inside(event), from = this.from;
      this.from = null;
      this.box?.remove();
      if (from !== null && Math.abs(to - from) > 6) {
        this.zoom = [this.unplace(Math.min(from, to)), this.unplace(Math.max(from, to))];
        this.draw();
      }
    };
    this.chart.ondblclick = () => { this.zoom = null; this.draw(); };
  }

  inside(event) {
    const box = this.chart.getBoundingClientRect();
    return Math.max(left, Math.min(box.width - right, event.clientX - box.left));
  }

  draw() {
    this.series ??= unpack(this.curves);
    this.stale = false;
    const width = this.chart.clientWidth, height = 240, shift = state.x === "step" ? this.curves.first : 0;
    const shown = this.series.filter((one) => runs[one.run].on);
    let low = Infinity, high = -Infinity, x0 = Infinity, x1 = -Infinity, odd = 0, hidden = 0, drawn = 0;
    const within = (x) => !this.zoom || (x >= this.zoom[0] && x <= this.zoom[1]);
    for (const one of shown) {
      const xs = one[state.x];
      for (let at = 0; at < xs.length; at++) {
        const x = xs[at] + shift, y = one.y[at];
        if (!within(x)) continue;
        drawn++;
        if (x < x0) x0 = x;
        if (x > x1) x1 = x;
        if (!Number.isFinite(y)) odd++;
        else if (state.log && y <= 0) hidden++;
        else { if (y < low) low = y; if (y > high) high = y; }
      }
    }
    if (this.zoom) [x0, x1] = this.zoom;
    if (!(high >= low)) { low = state.log ? 0.1 : 0; high = 1; }
    if (high === low) { low = state.log ? low / 1.1 : low - (Math.abs(low) || 1) * 0.1; high = state.log ? high * 1.1 : high + (Math.abs(high) || 1) * 0.1; }
    if (!(x1 > x0)) { x0 = (Number.isFinite(x0) ? x0 : 0) - 0.5; x1 = x0 + 1; }
    const log = state.log, f = log ? Math.log10 : (one) => one;
    const a = f(low), b = f(high), pad = (b - a) * 0.04;
    const kx = (width - left - right) / (x1 - x0), ky = (height - top_ - bottom) / (b - a + 2 * pad);
    this.px = (x) => left + (x - x0) * kx;
    this.py = (y) => height - bottom - (f(y) - a + pad) * ky;
    this.unplace = (px) => x0 + (px - left) / kx;
    const sheet = (more) => mark("svg", { height, viewBox: `0 0 ${width} ${height}`, ...more });
    const svg = sheet({ role: "img", "aria-label": this.curves.name });
    for (const one of ticks(low, high, log, 5)) {
      const y = this.py(one);
      svg.append(mark("line", { class: "grid", x1: left, x2: width - right, y1: y, y2: y }), mark("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, short(one)));
    }
    const unit = state.x === "time" ? [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([one]) => x1 >= 2 * one || one === 1) : [1, ""];
    for (const one of ticks(x0 / unit[0], x1 / unit[0], false, Math.max(2, Math.floor(width / 90)))) {
      svg.append(mark("text", { x: this.px(one * unit[0]), y: height - 5, "text-anchor": "middle" }, `${short(one)}${unit[1] && " " + unit[1]}`));
    }
    this.lines = shown.map((one) => {
      const xs = one[state.x], points = new Float64Array(2 * xs.length);
      for (let at = 0; at < xs.length; at++) {
        const y = one.y[at], x = xs[at] + shift;
        points[2 * at] = this.px(x);
        points[2 * at + 1] = !Number.isFinite(x + y) || (log && y <= 0) || !within(x) ? NaN : this.py(y);
      }
      return { run: one.run, points };
    });
    this.svg = sheet({ "aria-hidden": true }); // over the curves
    this.shown = shown;
    this.width = width;
    this.height = height;
    this.chart.replaceChildren(svg, this.canvas, this.svg);
    this.paint();
    this.stress(state.hi);
    const logged = this.curves.points, kept = this.series.reduce((sum, one) => sum + one.y.length, 0);
    const said = [`${shown.length} of ${runs.length} experiments`, kept < logged ? `thinned to ${short(kept)} of ${short(logged)} points` : `${short(drawn)} points · exact`];
    if (this.series.length < runs.length) said.push(`${runs.length - this.series.length} without it`);
    if (odd) said.push(`${short(odd)} NaN or infinite`);
    if (hidden) said.push(`log axis hides ${short(hidden)} ≤ 0`);
    if (this.zoom) said.push("double click to zoom out");
    this.status.textContent = said.join(" · ");
  }

  // The pixels of all curves, in the colours that they have now.
  paint(ratio = devicePixelRatio || 1) {
    const raster = new Raster(this.width, this.height, ratio);
    for (const { run, points } of this.lines) raster.line(points, rgb(runs[run].color), runs[run].dash.split(" ").filter(Boolean).map(Number), 1.4);
    this.canvas.width = raster.image.width;
    this.canvas.height = raster.image.height;
    this.canvas.dataset.curves = this.lines.length;
    this.canvas.getContext("2d").putImageData(raster.image, 0, 0);
  }

  // The curve of one experiment over all others; of none, where the number is -1.
  stress(number) {
    this.over?.remove();
    this.over = null;
    this.canvas.classList.toggle("dim", number >= 0);
    const line = this.lines?.find((one) => one.run === number);
    if (!line) return;
    const parts = [], { points } = line;
    for (let at = 0, pen = false; at < points.length; at += 2) {
      const there = points[at + 1] === points[at + 1];
      if (there) parts.push(`${pen ? "L" : "M"}${points[at].toFixed(1)} ${points[at + 1].toFixed(1)}${pen ? "" : "h.01"}`);
      pen = there;
    }
    this.over = mark("path", { class: "curve hi", d: parts.join(""), "stroke-linecap": "round" });
    this.over.style.stroke = runs[number].color;
    this.svg.append(this.over);
  }

  hover(event) {
    if (!this.shown) return;
    const box = this.chart.getBoundingClientRect(), mx = event.clientX - box.left, my = event.clientY - box.top;
    if (this.from !== null && this.from !== undefined) {
      const to = this.inside(event);
      this.box?.remove();
      this.box = mark("rect", { class: "zoom", x: Math.min(this.from, to), y: top_, width: Math.abs(to - this.from), height: 240 - top_ - bottom });
      this.svg.append(this.box);
      return;
    }
    const shift = state.x === "step" ? this.curves.first : 0;
    let near = Infinity, found = null;
    for (const one of this.shown) {
      const xs = one[state.x];
      for (let at = 0; at < xs.length; at++) {
        const y = one.y[at];
        if (!Number.isFinite(y) || (state.log && y <= 0)) continue;
        const dx = this.px(xs[at] + shift) - mx, dy = this.py(y) - my, far = dx * dx + dy * dy;
        if (far < near) { near = far; found = [one, at]; }
      }
    }
    this.cross?.remove();
    if (!found) return;
    const [one, at] = found, run = runs[one.run], x = this.px(one[state.x][at] + shift);
    this.cross = mark("line", { class: "cross", x1: x, x2: x, y1: top_, y2: 240 - bottom });
    this.svg.append(this.cross);
    highlight(one.run);
    const value = this.curves.bytes === 4 ? Number(one.y[at].toPrecision(7)) : one.y[at];
    const facts = data.fields.slice(0, 8).filter((field) => field.values[one.run] !== null)
      .map((field) => `${field.name} ${typeof field.values[one.run] === "number" ? short(field.values[one.run]) : field.values[one.run]}`);
    tip(event, `${run.label}\n${this.curves.name} ${value} at step ${short(one.step[at] + this.curves.first)}, after ${short(one.time[at])} s\n${facts.join(" · ")}`);
  }
}

function tip(event, text) {
  const box = by("tip");
  box.hidden = !event;
  if (!event) return;
  box.textContent = text;
  const width = box.offsetWidth, height = box.offsetHeight;
  box.style.left = `${Math.max(4, event.clientX + 14 + width > innerWidth ? event.clientX - width - 14 : event.clientX + 14)}px`;
  box.style.top = `${event.clientY + 14 + height > innerHeight ? event.clientY - height - 14 : event.clientY + 14}px`;
}

function highlight(number) {
  if (number === state.hi) return;
  state.hi = number;
  runs.forEach((run, at) => {
    for (const one of run.marks) {
      one.classList.toggle("hi", at === number);
      one.classList.toggle("dim", number >= 0 && at !== number);
    }
    for (const one of run.rows) one.classList.toggle("hi", at === number);
  });
  for (const panel of panels) if (!panel.stale) panel.stress(number);
}

function redraw() {
  for (const panel of panels) panel.stale = true;
  coordinates();
  recolor();
  for (const panel of panels) if (panel.seen) panel.draw();
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const panel = panels.find((one) => one.chart === entry.target);
    panel.seen = entry.isIntersecting;
    if (panel.seen && panel.stale) panel.draw();
  }
}, { rootMargin: "200px" });

// -- parallel coordinates --------------------------------------------------------------------------

function coordinates() {
  const place = by("coordinates");
  if (!place) return;
  const axes = [...data.fields.slice(0, 9), { name: data.result, result: true, values: runs.map((run) => run.result) }].map((field) => {
    const numbers = field.values.filter((one) => typeof one === "number");
    const texts = [...new Set(field.values.filter((one) => typeof one === "string"))].sort();
    if (texts.length) {
      const all = [...new Set(field.values.filter((one) => one !== null).map(String))].sort();
      const at = (one) => (one === null ? null : all.length > 1 ? all.indexOf(String(one)) / (all.length - 1) : 0.5);
      return { name: field.name, at: field.values.map(at), ticks: all.length <= 14 ? all.map((one) => [at(one), one]) : [[0, all[0]], [1, all[all.length - 1]]] };
    }
    const low = Math.min(...numbers), high = Math.max(...numbers), log = low > 0 && high / low >= 50 && !(field.result && larger()), f = log ? Math.log : (one) => one;
    const at = (one) => (one === null ? null : high > low ? (f(one) - f(low)) / (f(high) - f(low)) : 0.5);
    const distinct = [...new Set(numbers)].sort((one, other) => one - other);
    const labels = distinct.length <= 6 ? distinct : [low, ...ticks(low, high, log, 5).filter((one) => at(one) > 0.07 && at(one) < 0.93), high];
    return { name: field.name, at: field.values.map(at), ticks: labels.map((one) => [at(one), short(one)]) };
  });
  const width = place.clientWidth, height = 300, from = 60, gap = (width - from - 90) / Math.max(1, axes.length - 1), foot = height - 34, head = 30;
  const y = (at) => (at === null ? foot + 18 : foot - at * (foot - head));
  const svg = mark("svg", { height, viewBox: `0 0 ${width} ${height}` });
  for (const run of runs) run.marks = [];
  const order = runs.map((_, number) => number).filter((number) => runs[number].on && runs[number].result !== null);
  for (const number of order) {
    const path = mark("path", { class: "curve", d: axes.map((axis, i) => `${i ? "L" : "M"}${(from + i * gap).toFixed(1)} ${y(axis.at[number]).toFixed(1)}`).join("") });
    path.style.strokeOpacity = order.length > 30 ? 0.6 : 1;
    path.onpointermove = (event) => { highlight(number); tip(event, `${runs[number].label}\n${data.result} ${runs[number].result}`); };
    path.onpointerleave = () => { highlight(-1); tip(null); };
    runs[number].marks.push(path);
    svg.append(path);
  }
  const most = Math.max(6, Math.floor(gap / 7));
  axes.forEach((axis, i) => {
    const x = from + i * gap;
    svg.append(mark("line", { class: "cross", x1: x, x2: x, y1: head, y2: foot }));
    const name = axis.name.length > most ? `…${axis.name.slice(1 - most)}` : axis.name;
    svg.append(mark("text", { x, y: i % 2 && gap < 90 ? 10 : 20, "text-anchor": i === axes.length - 1 ? "end" : i ? "middle" : "start" }, name));
    for (const [at, label] of axis.ticks) svg.append(mark("text", { x: x + 5, y: y(at) + 4 }, label.length > 14 ? `${label.slice(0, 13)}…` : label));
    if (axis.at.includes(null)) svg.append(mark("text", { x: x + 5, y: foot + 22 }, "none"));
  });
  place.replaceChildren(svg);
  const without = runs.filter((run) => run.result === null).length;
  const said = [`${order.length} of ${runs.length} experiments`];
  if (without) said.push(`${without} without a finite ${data.main}`);
  if (data.fields.length > 9) said.push(`the first 9 of ${data.fields.length} that differ`);
  place.append(make("div", { className: "status" }, said.join(" · ")));
}

// -- the list, the table, the controls ---------------------------------------------------------------

function show(number, on) {
  runs[number].on = on;
  for (const one of runs[number].rows) {
    if (one.box) one.box.checked = on;
    else one.classList.toggle("off", !on);
  }
}

function list() {
  const search = make("input", { placeholder: "find", "aria-label": "Find experiments by name" });
  const set = (on) => () => { runs.forEach((run, number) => { if (!run.label_.hidden) show(number, on); }); redraw(); };
  by("runs").append(make("div", { className: "bar" }, search, make("button", { onclick: set(true) }, "all"), make("button", { onclick: set(false) }, "none")));
  const order = runs.map((_, number) => number);
  const sign = larger() ? -1 : 1;
  const worth = (number) => (runs[number].result === null ? Infinity : sign * runs[number].result);
  order.sort((one, other) => (worth(one) === worth(other) ? one - other : worth(one) - worth(other)));
  for (const number of order) {
    const run = runs[number], box = make("input", { type: "checkbox", checked: true });
    const swatch = make("i", { className: "key" }), label = make("label", { title: `${run.prefix}\ndouble click: this one alone` }, box, swatch, make("span", {}, run.label), make("small", {}, short(run.result)));
    label.box = box;
    run.label_ = label;
    run.rows.push(label);
    run.swatches.push(swatch);
    box.onchange = () => { show(number, box.checked); redraw(); };
    label.onpointerenter = () => highlight(number);
    label.onpointerleave = () => highlight(-1);
    label.ondblclick = () => { runs.forEach((_, other) => show(other, other === number)); redraw(); };
    by("runs").append(label);
  }
  search.oninput = () => {
    const text = search.value.toLowerCase();
    for (const run of runs) { run.label_.hidden = !`${run.label} ${run.prefix}`.toLowerCase().includes(text); run.label_.style.display = run.label_.hidden ? "none" : ""; }
  };
}

function table() {
  for (const element of document.querySelectorAll("[data-run]")) {
    const run = runs[Number(element.dataset.run)];
    run.rows.push(element);
    const swatch = element.querySelector(".key");
    if (swatch) run.swatches.push(swatch);
    element.onpointerenter = () => highlight(Number(element.dataset.run));
    element.onpointerleave = () => highlight(-1);
  }
  const body = document.querySelector("#runs-table tbody");
  for (const button of document.querySelectorAll("#runs-table [data-column]")) {
    button.onclick = () => {
      const head = button.parentElement, at = Number(button.dataset.column), up = head.getAttribute("aria-sort") !== "ascending";
      for (const one of head.parentElement.children) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => { const cell = row.children[at]; return cell.dataset.v === undefined ? cell.textContent : cell.dataset.v === "" ? null : Number(cell.dataset.v); };
      const rows = [...body.children].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null) : (up ? 1 : -1) * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true })));
      body.append(...rows.map(([, row]) => row));
    };
  }
}

function controls() {
  const choice = (name, options, value, change) => {
    const select = make("select", { onchange: () => { change(select.value); } }, ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
    return make("label", {}, `${name} `, select);
  };
  const colors = [["experiment", "experiment"], ...(data.main ? [["result", data.result]] : []), ...data.fields.map((field, at) => [String(at), field.name])];
  const log = make("input", { type: "checkbox", onchange: () => { state.log = log.checked; redraw(); } });
  by("controls").append(
    choice("x", [["step", "step"], ["time", "time since start"]], "step", (value) => { state.x = value; for (const one of panels) one.zoom = null; redraw(); }),
    choice("colour", colors, state.color, (value) => { state.color = value; recolor(); }),
    make("label", {}, log, " log y"),
  );
}

list();
table();
controls();
recolor();
if (by("panels")) for (const curves of data.curves) panels.push(new Panel(curves, by("panels")));
for (const panel of panels) watcher.observe(panel.chart);
coordinates();
recolor();
let waiting = 0;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(redraw, 100); });
addEventListener("beforeprint", () => { for (const panel of panels) { if (panel.stale) panel.draw(); panel.paint(4); } }); // as fine as paper
addEventListener("afterprint", () => { for (const panel of panels) panel.paint(); });
