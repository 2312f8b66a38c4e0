// What the page computes, in plain loops. Nothing in this file knows of the document; tests/test_teach_page.py
// holds every number that comes out of it against minigrad.

// A number as notation.number of Python writes it: an integer of up to three digits more exactly, else rounded as
// f"{x:.4g}" does, ties to even included.
function number(x, digits = 4) {
  x += 0;  // no -0
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (Number.isInteger(x) && Math.abs(x) < 10 ** (digits + 3)) return String(x);
  let [figures, exponent] = Math.abs(x).toExponential(digits - 1).split("e");
  const [exact] = Math.abs(x).toExponential(60).split("e");
  const rest = exact.replace(".", "").slice(digits);
  if (/^50*$/.test(rest)) {  // exactly between two: JavaScript takes the larger, Python the even one
    const below = exact.replace(".", "").slice(0, digits);
    if (Number(below) % 2 === 0) [figures, exponent] = [below[0] + "." + below.slice(1), exact_exponent(x)];
  }
  const e = Number(exponent), sign = x < 0 ? "-" : "";
  const plain = figures.replace(".", "");
  const strip = (text) => text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
  if (e < -4 || e >= digits) {
    return sign + strip(figures) + "e" + (e < 0 ? "-" : "+") + String(Math.abs(e)).padStart(2, "0");
  }
  if (e < 0) return sign + strip("0." + "0".repeat(-e - 1) + plain);
  return sign + strip(plain.slice(0, e + 1) + "." + plain.slice(e + 1));
}

function exact_exponent(x) {
  return Math.abs(x).toExponential(60).split("e")[1];
}

// A number inside a product or a sum: negative ones stand in brackets.
function factor(x) {
  const text = number(x);
  return text.startsWith("-") ? `(${text})` : text;
}

// The parts of a long sum that are shown: its ends, and how many there are between.
function elided(parts, most = 12) {
  return parts.length <= most ? parts : [...parts.slice(0, 4), `… ${parts.length - 6} more …`, ...parts.slice(-2)];
}

// The signs before the numbers and before the total of a sum of products: "≈" where rounding to what is shown
// changes what is written, else "=".
function signs(products, total) {
  const written = (x) => Number(number(x)), sum = (A) => A.reduce((a, b) => a + b, 0);
  const same = (shown, x, scale = 0) =>
    Math.abs(shown - x) <= 1e-6 * Math.max(Math.abs(shown), Math.abs(x), scale) ? "=" : "≈";
  const scale = sum(products.map(([x, k]) => Math.abs(x * k)));
  const paper = sum(products.map(([x, k]) => written(x) * written(k)));
  const exact = products.flat().every((x) => same(written(x), x) === "=");
  return [exact ? "=" : "≈", same(paper, written(total), 1e-3 * scale)];
}

// What each position of a padded axis shows: an index 0..n-1, or -1 for a zero of the padding.
function axis(n, [before, after], mode) {
  const shown = [];
  for (let i = -before; i < n + after; i++) {
    if (i >= 0 && i < n) shown.push(i);
    else if (mode === "zeros") shown.push(-1);
    else if (mode === "replicate") shown.push(Math.min(Math.max(i, 0), n - 1));
    else shown.push(i < 0 ? -i : 2 * (n - 1) - i);  // reflect: the edge itself is not repeated
  }
  return shown;
}

// d2l counts padding in total, torch on each side. An odd one goes below (torch's 'same') or on top (d2l's text).
function sides(total, odd) {
  const less = Math.floor(total / 2);
  return odd === "d2l" ? [total - less, less] : [less, total - less];
}

const reach = (k, d) => d * (k - 1) + 1;
const shape = (A) => [A.length, A[0].length];

// Everything about one axis: n inputs, a kernel of k, and where the windows start.
function geometry(n, k, stride, total, dilation, odd) {
  const pad = sides(total, odd), far = reach(k, dilation), padded = n + total;
  const room = padded - far;
  return {n, k, stride, total, dilation, pad, far, padded, out: Math.floor(room / stride) + 1,
          unused: room < 0 ? 0 : room % stride};
}

// The two axes of a setting.
function axes(s) {
  const n = shape(s.X), k = shape(s.K);
  return [0, 1].map((d) => geometry(n[d], k[d], s.stride[d], s.total[d], s.dilation[d], s.odd));
}

// The terms of output cell (i, j): kernel element, the place in the padded input, and whose number stands there.
function terms(s, A, i, j) {
  const shown = A.map((a) => axis(a.n, a.pad, s.mode)), found = [];
  for (let a = 0; a < A[0].k; a++) {
    for (let b = 0; b < A[1].k; b++) {
      const row = i * A[0].stride + a * A[0].dilation, column = j * A[1].stride + b * A[1].dilation;
      const p = shown[0][row], q = shown[1][column], real = p >= 0 && q >= 0;
      found.push({a, b, row, column, p, q, real, x: real ? s.X[p][q] : 0, k: s.K[a][b]});
    }
  }
  return found;
}

const zeros = (rows, columns, fill = 0) => Array.from({length: rows}, () => Array(columns).fill(fill));

// All of it: outputs, and for each input cell the terms of its gradient (output cell, kernel element).
function compute(s) {
  const A = axes(s), [rows, columns] = A.map((a) => a.out);
  const Y = zeros(rows, columns), windows = zeros(rows, columns), dX = zeros(A[0].n, A[1].n);
  const flows = dX.map((row) => row.map(() => []));
  const g = s.g ?? zeros(rows, columns, 1);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      windows[i][j] = terms(s, A, i, j);
      for (const t of windows[i][j]) {
        if (!t.real) continue;
        Y[i][j] += t.x * t.k;
        dX[t.p][t.q] += g[i][j] * t.k;
        flows[t.p][t.q].push({i, j, a: t.a, b: t.b, g: g[i][j], k: t.k});
      }
    }
  }
  return {A, Y, windows, dX, flows, g};
}

// The row of the matrix that makes output cell (i, j) of the flattened input: which kernel elements, and their sum.
function matrixRow(result, i, j) {
  const [n, m] = result.A.map((a) => a.n), row = Array.from({length: n * m}, () => ({names: [], value: 0}));
  for (const t of result.windows[i][j]) {
    if (!t.real) continue;
    row[t.p * m + t.q].names.push(`k${t.a}${t.b}`);
    row[t.p * m + t.q].value += t.k;
  }
  return row;
}

// What is wrong with a setting, or null: a sentence that teaches, and what minigrad says.
function problem(s) {
  const A = axes(s), names = ["rows", "columns"];
  if (s.mode === "reflect") {
    for (const d of [0, 1]) {
      const side = Math.max(...A[d].pad);
      if (side < A[d].n) continue;
      const [left, top] = [A[1].pad, A[0].pad];
      return {
        text: `Reflecting looks back from the edge without repeating it: of ${A[d].n} ${names[d]} there are ` +
          `only ${A[d].n - 1} to look back at, but the padding asks for ${side} on one side. ` +
          `Pad by at most ${A[d].n - 1} on each side, make the input larger, or replicate the edge instead.`,
        says: `RuntimeError: pad=[${[...left, ...top].join(", ")}] with mode 'reflect' for an input of shape ` +
          `[1, 1, ${A[0].n}, ${A[1].n}]: padding size should be less than the corresponding input dimension`,
      };
    }
  }
  for (const d of [0, 1]) {
    const a = A[d];
    if (a.out >= 1) continue;
    const holes = a.far > a.k ? ` (${a.k} with ${a.dilation - 1} between them: ${a.dilation}·(${a.k} − 1) + 1)` : "";
    const list = (name) => A.map((axis) => axis[name]).join(", ");
    const two = s.mode !== "zeros" || A.some((axis) => axis.total % 2);  // padded first: conv2d sees that as input
    return {
      text: `The window does not fit: it reaches over ${a.far} ${names[d]}${holes}, but the padded input has only ` +
        `${a.n} + ${a.total} = ${a.padded}. ` +
        `⌊(${a.padded} − ${a.far}) / ${a.stride}⌋ + 1 = ${a.out}: no output is left. ` +
        `Take a smaller kernel or dilation, a larger input, or ${a.far - a.padded} more of padding in all.`,
      says: `RuntimeError: conv2d(): Given groups=1, weight of size [1, 1, ${list("k")}], input of size ` +
        `[1, 1, ${list(two ? "padded" : "n")}]: Calculated output size [${list("out")}] is too small. Padded input ` +
        `size per channel: [${list("padded")}]. Kernel size: [${list("far")}] ([${list("k")}] with dilation ` +
        `[${list("dilation")}])`,
    };
  }
  return null;
}
