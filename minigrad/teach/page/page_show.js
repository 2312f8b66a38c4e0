// What one step shows: the window, its sum, its row of the matrix, its gradient; and what the settings say.

const spans = (parts, by) => parts.map((part) => `<span>${part}</span>`).join(by);
const padded = (a) => range(a.padded).map((i) => i >= a.pad[0] && i < a.pad[0] + a.n ? i - a.pad[0] : null);
const indexed = (name, i, j) => `${name}[${i},${j}]`;

function show() {
  const [i, j] = state.at, [rows, columns] = result.A, seen = result.windows[i][j];
  const at = i * columns.out + j;
  grids.x.mark("tap", Object.fromEntries(seen.map((t) => [`${t.row},${t.column}`, `×${number(t.k, 3)}`])));
  grids.x.moveFrame(i * rows.stride, j * columns.stride, rows.far, columns.far);
  grids.y.mark("here", {[`${i},${j}`]: ""});
  grids.y.focusable(i, j);
  grids.y.cells.flat().forEach((cell, n) => cell.classList.toggle("later", growing && n > at));
  $("count").textContent = `window ${at + 1} of ${rows.out * columns.out}`;
  $("sum").setAttribute("aria-live", timer ? "off" : "polite");
  $("sum").innerHTML = sumText(indexed("Y", i, j), seen.map((t) =>
    [t.real ? indexed("X", t.p, t.q) : "0", indexed("K", t.a, t.b), t.x, t.k]), result.Y[i][j]);
  showRow(i, j);
  showGradient();
  remember();
}

// Y[1,1] = X[1,1]·K[0,0] + ... = 4·0 + ... = 43; products: [name, name, number, number]
function sumText(left, products, total) {
  const names = spans(elided(products.map((p) => `${p[0]}·${p[1]}`)), " + ");
  const numbers = spans(elided(products.map((p) => `${factor(p[2])}·${factor(p[3])}`)), " + ");
  const [first, second] = signs(products.map((p) => p.slice(2)), total);
  return `<span class="part"><span>${left}</span> = ${names}</span>` +
    `<span class="part"> ${first} ${numbers} ${second} <b>${number(total)}</b></span>`;
}

// ---- the matrix

function showRow(i, j) {
  const row = matrixRow(result, i, j), m = result.A[1].n, X = state.X.flat(), r = i * result.A[1].out + j;
  const line = (name, text) => `<tr><th scope="row">${name}</th>` +
    row.map((e, q) => `<td class="${e.names.length ? "used" : "none"}">${text(e, q)}</td>`).join("") + "</tr>";
  const heads = row.map((e, q) => `<th scope="col">${indexed("X", Math.floor(q / m), q % m)}</th>`).join("");
  $("row").innerHTML = `<thead><tr><th scope="row">column of X</th>${heads}</tr></thead><tbody>` +
    line("its number", (e, q) => number(X[q])) +
    line("row of M", (e) => e.names.join(" + ") || "0") +
    line("its numbers", (e) => number(e.value)) +
    line("product", (e, q) => number(e.names.length ? e.value * X[q] : 0)) + "</tbody>";
  $("row-sum").innerHTML = `<span>${indexed("Y", i, j)}</span> = row ${r} of M times the column of X ` +
    `= <b>${number(result.Y[i][j])}</b>`;
  const box = $("row").parentElement, used = $("row").querySelector("td.used"), head = $("row").querySelector("th");
  if (used) box.scrollLeft = Math.max(0, used.offsetLeft - head.offsetWidth - 40);
  const bar = $("picture").querySelector(".bar");
  bar.setAttribute("y", Number(bar.dataset.top) + r * bar.getAttribute("height"));
}

// The whole matrix: names where there is room, else squares.
function showPicture(A) {
  const wide = A[0].n * A[1].n, high = A[0].out * A[1].out, named = wide <= 25 && high <= 36;
  const c = named ? 34 : clamp(Math.floor(480 / high), 3, 9), left = named ? 56 : 4, top = named ? 22 : 4;
  const limit = largest(state.K), parts = [];
  const label = (x, y, text) => parts.push(`<text class="label" x="${x}" y="${y}">${text}</text>`);
  const box = (x, y, width, height, style, more = "") =>
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" style="${style}"${more}/>`;
  for (let r = 0; r < high; r++) {
    const i = Math.floor(r / A[1].out), j = r % A[1].out;
    if (named) label(left / 2, top + (r + 0.5) * c, indexed("Y", i, j));
    matrixRow(result, i, j).forEach((e, q) => {
      if (!e.names.length) return;
      const x = left + q * c, y = top + r * c, colour = tint(e.value, limit, named ? 0 : 30);
      parts.push(box(x, y, c, c, `fill:${colour || `var(--${named ? "paper" : "faint"})`};stroke:var(--line)`));
      if (named) parts.push(`<text x="${x + c / 2}" y="${y + c / 2}">${e.names[0]}${e.names[1] ? "+" : ""}</text>`);
    });
  }
  for (const q of named ? range(wide) : []) {
    label(left + (q + 0.5) * c, top / 2, `${Math.floor(q / A[1].n)},${q % A[1].n}`);
  }
  $("size-m").textContent = `${high} × ${wide}: ${high} cells of Y, ${wide} of X, and only ${A[0].k * A[1].k} weights`;
  $("picture").innerHTML = `<svg role="img" aria-label="The matrix M, ${high} rows and ${wide} columns" ` +
    `width="${left + wide * c + 4}" height="${top + high * c + 4}">` +
    box(left, top, wide * c, high * c, "fill:none;stroke:var(--line)") + parts.join("") +
    box(left, top, wide * c, c, "fill:none;stroke:var(--window);stroke-width:3", ` class="bar" data-top="${top}"`) +
    "</svg>";
}

// ---- backward

function showGradient() {
  const [p, q] = state.chosen, flows = result.flows[p][q], weights = {};
  for (const f of flows) weights[`${f.i},${f.j}`] = (weights[`${f.i},${f.j}`] ?? 0) + f.k;
  grids.g.mark("flow", Object.fromEntries(Object.entries(weights).map(([at, w]) => [at, `×${number(w, 3)}`])));
  grids.dx.mark("chosen", {[`${p},${q}`]: ""});
  grids.dx.focusable(p, q);
  const [[y, high], [x, wide]] = result.A.map((a, d) => {  // the part of the window that lies on the input
    const start = state.at[d] * a.stride - a.pad[0], inside = clamp(start, 0, a.n - 1);
    return [inside, Math.min(start + a.far, a.n) - inside];
  });
  grids.dx.frame.hidden = high < 1 || wide < 1;
  if (!grids.dx.frame.hidden) grids.dx.moveFrame(y, x, high, wide);
  const head = indexed("dL/dX", p, q);
  $("gradient").innerHTML = !flows.length ? `<span>${head}</span> = <b>0</b>: no window sees this cell` :
    sumText(head, flows.map((f) => [indexed("K", f.a, f.b), indexed("g", f.i, f.j), f.k, f.g]), result.dX[p][q]);
  $("flip").textContent = flipText(flows, result.A[1].k);
}

function flipText(flows, columns) {
  if (flows.length < 2) return "";
  const places = flows.map((f) => f.a * columns + f.b);
  if (places.some((n, i) => i && n >= places[i - 1])) {
    return "The padding shows this cell again, so that some windows see it more than once, and hand back each time.";
  }
  return `The weights, in the order of g: ${flows.map((f) => indexed("K", f.a, f.b)).join(", ")}. ` +
    "That is K from its end to its beginning: the kernel turned by 180° lies over g.";
}

// ---- the settings, in words

function showSettings(A, wrong) {
  const by = (name) => A.map((a) => a[name]).join(" × ");
  $("size-x").textContent = by("n") + (A.some((a) => a.total) && !wrong ? `, padded ${by("padded")}` : "");
  $("size-k").textContent = by("k") + (A.some((a) => a.far > a.k) ? `, reaches ${by("far")}` : "");
  $("size-y").textContent = wrong ? "" : by("out");
  $("size-dx").textContent = by("n");
  for (const [, name, , high] of SLIDERS) for (const d of [0, 1]) {
    const slider = $(`${name}-${d}`), torch = name === "total" && dialect === "torch";
    slider.max = torch ? 4 : high;
    slider.value = torch ? Math.floor(A[d].total / 2) : A[d][name];
    slider.nextElementSibling.textContent = torch ? A[d].total / 2 : A[d][name];
  }
  for (const [name, value] of [["dialect", dialect], ["odd", state.odd], ["mode", state.mode]]) {
    document.querySelector(`input[name=${name}][value=${value}]`).checked = true;
  }
  for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === preset));
  $("odd").hidden = !A.some((a) => a.total % 2);
  $("padding").innerHTML = paddingText(A);
  $("formula").innerHTML = A.map((a, d) => formula(a, ["rows", "columns"][d], "hw"[d])).join("");
  $("unused").textContent = wrong ? "" : unusedText(A);
}

function paddingText(A) {
  const [h, w] = A, odd = A.some((a) => a.total % 2);
  const where = `Rows: ${h.pad[0]} above and ${h.pad[1]} below; columns: ${w.pad[0]} left and ${w.pad[1]} right.`;
  return `${h.total || w.total ? where : "None."} ` +
    `torch: ${odd ? "no number can say it, each side gets the same" : `padding=(${h.total / 2}, ${w.total / 2})`}; ` +
    `d2l: p<sub>h</sub> = ${h.total}, p<sub>w</sub> = ${w.total}.`;
}

function unusedText(A) {
  const names = [["row", "bottom"], ["column", "right"]];
  const lost = A.map((a, d) => `${a.unused} ${names[d][0]}${a.unused > 1 ? "s" : ""} at the ${names[d][1]}`)
    .filter((text, d) => A[d].unused);
  if (!lost.length) return "";
  return `The stride does not come out even: no window reaches the last ${lost.join(" and the last ")}.`;
}

// The size of the output along one axis, in torch's and in d2l's words.
function formula(a, name, letter) {
  const [n, k, p, s] = ["n", "k", "p", "s"].map((x) => `${x}<sub>${letter}</sub>`);
  const [before, after] = a.pad;
  const [word, pads] = before === after ? ["2·padding", `2·${before}`] : ["before + after", `${before} + ${after}`];
  const size = `<b>${a.out}</b>`, reaches = a.dilation > 1;
  const torch = [`⌊(${n} + ${word} − dilation·(${k} − 1) − 1) / stride⌋ + 1`,
                 `⌊(${a.n} + ${pads} − ${a.dilation}·(${a.k} − 1) − 1) / ${a.stride}⌋ + 1`, size];
  const d2l = [`⌊(${n} − ${reaches ? "reach" : k} + ${p} + ${s}) / ${s}⌋`,
               `⌊(${a.n} − ${a.far} + ${a.total} + ${a.stride}) / ${a.stride}⌋`, size];
  const more = reaches ? `, with reach = dilation·(${k} − 1) + 1 = ${a.far}` : "";
  return `<p><b>${name}</b>, torch: ${spans(torch, " = ")}<br>d2l: ${spans(d2l, " = ")}${more}</p>`;
}

// The setting as code, which runs in minigrad and, with its names, in PyTorch.
function python(A) {
  const float = (x) => /^-?\d+$/.test(String(x)) ? `${x}.` : String(x);
  const tensor = (M) => `torch.tensor([${M.map((row) => `[${row.map(float).join(", ")}]`).join(", ")}])`;
  const plain = state.mode === "zeros" && !A.some((a) => a.total % 2);  // conv2d itself can pad so
  const mode = state.mode === "zeros" ? "" : `, mode="${state.mode}"`;
  const pad = `x = F.pad(x, (${[...A[1].pad, ...A[0].pad].join(", ")})${mode})  # left, right, top, bottom`;
  const option = (name, pair, usual) => pair.every((n) => n === usual) ? "" : `, ${name}=(${pair.join(", ")})`;
  const options = option("stride", state.stride, 1) + option("dilation", state.dilation, 1) +
    (plain ? option("padding", A.map((a) => a.total / 2), 0) : "");
  return ["import minigrad as torch", "from minigrad.nn import functional as F", `X = ${tensor(state.X)}`,
          `K = ${tensor(state.K)}`, "x, k = X[None, None], K[None, None]  # (batch, channel, row, column)",
          ...(plain ? [] : [pad]), `Y = F.conv2d(x, k${options})[0, 0]`].join("\n");
}
