// A grid of cells: numbers to edit, or to point at; padding around them; a frame that moves.

const $ = (id) => document.getElementById(id);
const ARROWS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
const range = (n) => Array.from({length: n}, (_, i) => i);
const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
const largest = (A) => Math.max(...A.flat().map(Math.abs));

// A colour for a number: red above 0, blue below, the stronger the larger; white is 0.
function tint(x, limit, least = 0) {
  const share = Math.round(least + 38 * Math.min(1, Math.abs(x) / (limit || 1)));
  return x === 0 ? "" : `color-mix(in srgb, var(--${x > 0 ? "above" : "below"}) ${share}%, var(--paper))`;
}

class Grid {
  constructor(id, name, {input, pick, frame, enter, label} = {}) {
    Object.assign(this, {host: $(id), name, input, pick, framed: frame, enter, tab: [0, 0]});
    this.host.setAttribute("role", "grid");
    this.host.setAttribute("aria-label", label);
    this.host.addEventListener("keydown", (event) => this.key(event));
  }

  // rows, columns: the index of each, null for padding.
  build(rows, columns) {
    const key = JSON.stringify([rows, columns]);
    if (key === this.key_built) return;
    this.key_built = key;
    Object.assign(this, {rows, columns, cells: []});
    this.host.style.gridTemplateColumns = `16px repeat(${columns.length}, var(--c))`;
    this.host.style.gridTemplateRows = `16px repeat(${rows.length}, var(--c))`;
    this.host.replaceChildren(...["", ...columns].map((c) => this.element("div", "index", c ?? "")));
    for (const [i, row] of rows.entries()) {
      const line = this.element("div");
      line.setAttribute("role", "row");
      line.append(this.element("div", "index", row ?? ""));
      this.cells.push(columns.map((column, j) => line.appendChild(this.make(i, j, row, column))));
      this.host.append(line);
    }
    for (const index of this.host.querySelectorAll(".index")) index.setAttribute("aria-hidden", "true");
    if (this.framed) this.frame = this.host.appendChild(this.element("div", "frame"));
    this.first = rows.findIndex((r) => r !== null);
    this.left = columns.findIndex((c) => c !== null);
    this.focusable(this.first, this.left);
  }

  element(tag, name = "", text = "") {
    const element = document.createElement(tag);
    element.className = name;
    element.textContent = text;
    return element;
  }

  make(i, j, row, column) {
    const cell = this.element("div", "cell"), real = row !== null && column !== null;
    cell.setAttribute("role", "gridcell");
    if (real && this.input) {
      const input = cell.appendChild(document.createElement("input"));
      Object.assign(input, {type: "number", step: "any", tabIndex: -1, autocomplete: "off"});
      input.setAttribute("aria-label", `${this.name}[${row},${column}]`);
      input.addEventListener("input", () => this.input(row, column, input));
      input.addEventListener("focus", () => { this.focusable(i, j); input.select(); this.enter?.(row, column); });
      input.addEventListener("blur", () => {  // what cannot be read counts as 0, and says so
        if (Number.isFinite(input.valueAsNumber)) return;
        input.value = "0";
        this.input(row, column, input);
      });
    } else {
      cell.append(this.element("span", "value"));
      if (!real) cell.classList.add("pad");
    }
    cell.append(this.element("span", "weight"));
    if (this.pick && real) {
      cell.classList.add("pick");
      const choose = () => { this.focusable(i, j); this.pick(row, column); };
      cell.addEventListener("click", choose);
      if (this.hover) cell.addEventListener("pointerenter", choose);
    }
    return cell;
  }

  target(i, j) { return this.cells[i][j].querySelector("input") ?? this.cells[i][j]; }

  // One cell of a grid is in the order of the Tab key; arrows go on from there.
  focusable(i, j) {
    if (!this.input && !this.pick) return;
    const old = this.cells[this.tab[0]]?.[this.tab[1]];
    if (old) this.target(...this.tab).tabIndex = -1;
    this.tab = [i, j];
    this.target(i, j).tabIndex = 0;
  }

  key(event) {
    const step = ARROWS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const i = this.tab[0] + step[0], j = this.tab[1] + step[1];
    if (this.rows[i] == null || this.columns[j] == null) return;
    this.focusable(i, j);
    this.target(i, j).focus();
    if (this.pick) this.pick(this.rows[i], this.columns[j]);
  }

  // Numbers into the cells; the inputs keep what is being typed.
  fill(value, limit) {
    this.rows.forEach((row, i) => this.columns.forEach((column, j) => {
      const cell = this.cells[i][j], x = value(i, j), input = cell.querySelector("input");
      const text = input ? String(x) : number(x);
      if (input && document.activeElement !== input) input.value = text;
      if (!input) {
        cell.querySelector(".value").textContent = text;
        cell.setAttribute("aria-label", row === null || column === null ? `padding ${text}` :
          `${this.name}[${row},${column}] = ${text}`);
      }
      cell.style.setProperty("--f", clamp(1.4 / text.length, 0.14, 0.36));  // long numbers in small letters
      cell.style.setProperty("--tint", cell.classList.contains("pad") ? "" : tint(x, limit));
    }));
  }

  // marks: a class for cells and the small number in them, {"i,j": text}
  mark(name, marks) {
    this.cells.forEach((row, i) => row.forEach((cell, j) => {
      const text = marks[`${i},${j}`];
      cell.classList.toggle(name, text !== undefined);
      const weight = cell.querySelector(".weight");
      weight.textContent = text ?? "";
      weight.style.setProperty("--w", Math.min(0.24, 1.3 / weight.textContent.length));
    }));
  }

  moveFrame(i, j, height, width) {
    const placed = this.frame.style.width !== "";  // a new frame starts at its place; only then it slides
    Object.assign(this.frame.style, {
      transition: placed ? "" : "none",
      width: `calc(${width} * var(--c))`, height: `calc(${height} * var(--c))`,
      transform: `translate(calc(16px + ${j} * var(--c)), calc(16px + ${i} * var(--c)))`});
    const box = this.host.parentElement, c = this.cells[0][0].offsetWidth;  // keep it in sight
    const left = 16 + j * c, right = left + width * c + 8;
    if (left < box.scrollLeft + 16) box.scrollLeft = left - 16;
    else if (right > box.scrollLeft + box.clientWidth) box.scrollLeft = right - box.clientWidth;
  }
}
