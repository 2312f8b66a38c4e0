// The page: its state, its grids, and what the keys, the sliders and the buttons do to them.

const count = (rows, columns, from = 0) =>
  Array.from({length: rows}, (_, i) => Array.from({length: columns}, (_, j) => from + i * columns + j));
const edge = Array.from({length: 6}, () => [1, 1, 0, 0, 0, 0, 1, 1]);
const square = Array.from({length: 7}, (_, i) =>
  Array.from({length: 7}, (_, j) => i > 1 && i < 5 && j > 1 && j < 5 ? 1 : 0));

const PRESETS = {
  "First example": {},
  "Padding": {total: [2, 2]},
  "Stride": {total: [2, 2], stride: [3, 2]},
  "Edge detector": {X: edge, K: [[1, -1]]},
  "Blur": {X: edge, K: [[0, 0.125, 0], [0.125, 0.5, 0.125], [0, 0.125, 0]], total: [2, 2], mode: "replicate"},
  "Sobel": {X: square, K: [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]},
  "Dilation": {X: count(5, 5), dilation: [2, 2]},
  "Mirror": {X: count(4, 4, 1), K: [[0, 1, 0], [1, -4, 1], [0, 1, 0]], total: [2, 2], mode: "reflect"},
};
const FIRST = {X: count(3, 3), K: count(2, 2), stride: [1, 1], total: [0, 0], dilation: [1, 1], mode: "zeros",
               odd: "torch", g: null, at: [0, 0], chosen: [1, 1]};
const SLIDERS = [["Input size", "n", 1, 8], ["Kernel size", "k", 1, 5], ["Stride", "stride", 1, 4],
                 ["Padding", "total", 0, 8], ["Dilation", "dilation", 1, 3]];
const SPEEDS = [0.5, 1, 2, 4, 8];

let state, result, timer = null, growing = false, dialect = "torch";

const edit = (name) => (i, j, input) => {
  const x = input.valueAsNumber;
  input.setAttribute("aria-invalid", String(!Number.isFinite(x)));
  if (name === "g" && !state.g) state.g = result.g;
  state[name][i][j] = Number.isFinite(x) ? x : 0;
  preset = null;
  update();
};

function choose(i, j) {
  state.chosen = [i, j];
  if (result) showGradient();
  remember();
}

const grids = {
  x: new Grid("x", "X", {label: "Input X", input: edit("X"), frame: true, enter: choose}),
  k: new Grid("k", "K", {label: "Kernel K", input: edit("K")}),
  y: new Grid("y", "Y", {label: "Output Y", pick: (i, j) => { growing = false; stop(); moveTo(i, j); }}),
  g: new Grid("g", "g", {label: "Gradient g of the output", input: edit("g")}),
  flipped: new Grid("flipped", "K turned", {label: "Kernel K, turned by 180 degrees"}),
  dx: new Grid("dx", "dL/dX", {label: "Gradient of the input", pick: choose, frame: true}),
};
grids.dx.hover = true;

// ---- from the state to the page (page_show.js)

// All that follows from numbers and settings; the rest is show(), once for each step.
function update() {
  const wrong = problem(state), A = axes(state);
  result = wrong ? null : compute(state);
  for (const [d, n] of shape(state.X).entries()) state.chosen[d] = clamp(state.chosen[d], 0, n - 1);
  $("problem").hidden = !wrong;
  for (const id of ["sum", "matrix", "backward", "python", "pair-y"]) $(id).hidden = Boolean(wrong);
  $("stage").querySelector(".transport").hidden = Boolean(wrong);
  showSettings(A, wrong);
  grids.k.build(range(A[0].k), range(A[1].k));
  grids.k.fill((i, j) => state.K[i][j], largest(state.K));
  $("problem").querySelector("p").textContent = wrong?.text ?? "";
  $("problem").querySelector("code").textContent = wrong?.says ?? "";
  if (wrong) {
    stop();
    grids.x.build(range(A[0].n), range(A[1].n));  // without its padding: there may be none to show
    grids.x.fill((i, j) => state.X[i][j], largest(state.X));
    grids.x.mark("tap", {});
    grids.x.frame.hidden = true;
    cellSize();
    remember();
    return;
  }
  state.at = state.at.map((i, d) => clamp(i, 0, A[d].out - 1));
  const shown = A.map((a) => axis(a.n, a.pad, state.mode));
  grids.x.build(...A.map(padded));
  grids.x.frame.hidden = false;
  grids.x.fill((i, j) => shown[0][i] < 0 || shown[1][j] < 0 ? 0 : state.X[shown[0][i]][shown[1][j]], largest(state.X));
  grids.y.build(range(A[0].out), range(A[1].out));
  grids.y.fill((i, j) => result.Y[i][j], largest(result.Y));
  grids.g.build(range(A[0].out), range(A[1].out));
  grids.g.fill((i, j) => result.g[i][j], largest(result.g));
  grids.flipped.build(range(A[0].k), range(A[1].k));
  grids.flipped.fill((i, j) => state.K[A[0].k - 1 - i][A[1].k - 1 - j], largest(state.K));
  grids.dx.build(range(A[0].n), range(A[1].n));
  grids.dx.fill((i, j) => result.dX[i][j], largest(result.dX));
  cellSize();
  showPicture(A);
  $("code").textContent = python(A);
  show();
}

// Cells as large as the place allows.
function cellSize() {
  const wide = $("stage").clientWidth, [x, k, y] = ["x", "k", "y"].map((name) => grids[name].columns?.length ?? 0);
  const fits = (c) => 136 + (x + y) * c + Math.max(16 + k * c, 130) <= wide;  // all three side by side
  const c = range(25).map((n) => 56 - n).find(fits) ?? clamp(Math.floor((wide - 60) / Math.max(x, k, y)), 36, 44);
  document.documentElement.style.setProperty("--c", `${c}px`);
}

// ---- moving

function moveTo(i, j) {
  state.at = [i, j];
  show();
}

function step(by) {
  const [rows, columns] = result.A.map((a) => a.out), at = state.at[0] * columns + state.at[1] + by;
  if (at < 0 || at >= rows * columns) return false;
  moveTo(Math.floor(at / columns), at % columns);
  return true;
}

function stop() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "Play";
}

function play() {
  if (!result) return;
  if (timer) { stop(); show(); return; }
  const [rows, columns] = result.A.map((a) => a.out);
  if (!growing || state.at[0] * columns + state.at[1] === rows * columns - 1) state.at = [0, 0];
  growing = true;
  $("play").textContent = "Pause";
  timer = setInterval(() => {
    if (!step(1)) { growing = false; stop(); show(); }
  }, 1000 / SPEEDS[$("speed").value]);
  show();
}

// ---- the address holds the state

const matrixText = (M) => M.map((row) => row.join(",")).join(";");
let shown = "", preset = null;

function remember() {
  if (timer) return;  // browsers refuse an address that changes many times a second
  const s = state;
  shown = `#X=${matrixText(s.X)}&K=${matrixText(s.K)}&stride=${s.stride}&total=${s.total}&dilation=${s.dilation}` +
    `&mode=${s.mode}&odd=${s.odd}&at=${s.at}&chosen=${s.chosen}` + (s.g ? `&g=${matrixText(s.g)}` : "");
  try { history.replaceState(null, "", shown); } catch { /* a page from a file may not: it works without */ }
}

function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)), s = structuredClone(FIRST);
  const numbers = (text) => text.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
  for (const [name, text] of given) {
    if (name in {X: 0, K: 0, g: 0}) {
      const M = text.split(";").map(numbers);
      const small = Math.max(...shape(M)) <= 16;
      if (small && M.every((row) => row.length === M[0].length && row.every(Number.isFinite))) s[name] = M;
    } else if (name === "mode" && ["zeros", "replicate", "reflect"].includes(text)) s.mode = text;
    else if (name === "odd" && ["torch", "d2l"].includes(text)) s.odd = text;
    else if (Array.isArray(s[name])) {
      const low = {stride: 1, dilation: 1}[name] ?? 0, pair = numbers(text);
      if (pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= low && n <= 64)) s[name] = pair;
    }
  }
  load(s, location.hash.length > 1 ? null : "First example");
}

function load(s, name) {
  stop();
  [state, growing, preset] = [s, false, name];
  if (s.total.some((n) => n % 2)) dialect = "d2l";
  const A = axes(s);
  if (s.g && (s.g.length !== A[0].out || s.g[0].length !== A[1].out)) s.g = null;
  update();
}

// ---- what one can do

function resize(M, rows, columns) {
  const counts = M.flat().every((x, i, all) => x === all[0] + i) && M.flat().length > 1;
  if (counts) return count(rows, columns, M[0][0]);  // 0, 1, 2 ... goes on counting
  return zeros(rows, columns).map((row, i) => row.map((x, j) => M[i]?.[j] ?? 0));
}

function slide(name, d, value) {
  stop();
  [growing, preset] = [false, null];
  if (name === "n" || name === "k") {
    const matrix = name === "n" ? "X" : "K", size = shape(state[matrix]);
    size[d] = value;
    state[matrix] = resize(state[matrix], ...size);
  } else state[name][d] = name === "total" && dialect === "torch" ? 2 * value : value;
  state.g = null;
  update();
}

for (const [label, name, low, high] of SLIDERS) {
  const row = $("sliders").insertRow();
  row.innerHTML = `<th scope="row">${label}</th>` + ["rows", "columns"].map((axis, d) => `<td><span><input type="range"
    id="${name}-${d}" min="${low}" max="${high}" aria-label="${label}, ${axis}"><output></output></span></td>`).join("");
  for (const d of [0, 1]) {
    $(`${name}-${d}`).addEventListener("input", (event) => slide(name, d, event.target.valueAsNumber));
  }
}
const buttons = Object.fromEntries(Object.entries(PRESETS).map(([name, setting]) => {
  const button = $("presets").appendChild(document.createElement("button"));
  button.textContent = name;
  button.addEventListener("click", () => load({...structuredClone(FIRST), ...structuredClone(setting)}, name));
  return [name, button];
}));
document.querySelectorAll("input[type=radio]").forEach((radio) => radio.addEventListener("change", () => {
  if (radio.name === "dialect") {
    dialect = radio.value;
    if (dialect === "torch") state.total = state.total.map((n) => n - n % 2);  // torch has no word for the odd one
  } else [state[radio.name], preset] = [radio.value, null];
  growing = false;
  state.g = null;
  update();
}));
$("play").addEventListener("click", play);
$("next").addEventListener("click", () => { stop(); step(1) || show(); });
$("back").addEventListener("click", () => { stop(); step(-1) || show(); });
$("first").addEventListener("click", () => { stop(); growing = true; moveTo(0, 0); });
$("speed").addEventListener("input", () => {
  const speed = SPEEDS[$("speed").value];
  $("speed").setAttribute("aria-valuetext", `${speed} steps a second`);
  if (timer) { play(); growing = true; play(); }
});
$("ones").addEventListener("click", () => { state.g = null; update(); });
$("copy").addEventListener("click", async () => {
  try { await navigator.clipboard.writeText(location.href); $("copied").textContent = "copied"; }
  catch { $("copied").textContent = "not allowed here: copy it from the address bar"; }
});
document.addEventListener("keydown", (event) => {
  if (!result || event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, pre")) return;
  if (event.key === " " && !event.target.closest("button")) { event.preventDefault(); play(); }
  const by = ARROWS[event.key];
  if (!by) return;
  event.preventDefault();
  stop();
  growing = false;
  moveTo(...state.at.map((i, d) => clamp(i + by[d], 0, result.A[d].out - 1)));
});
window.addEventListener("hashchange", () => { if (location.hash !== shown) fromAddress(); });
window.addEventListener("resize", cellSize);
fromAddress();
