// The explorer in the browser: counts, filters, pages, and shows; asks Python for what is behind a clip.
// One ES module without imports, for JupyterLab, Voila and the file. Text reaches the page as text nodes only.

const NO_LABEL = "no label";
const PAGE = 12; // clips
const KEPT = 600; // clips whose answers are kept in the browser
const PATIENCE_MS = 8000;
const VERDICTS = ["label looks wrong", "ambiguous", "model wrong"];
const EVERYTHING = [0, 100]; // per cent
const RANGES = ["confidence", "agreement"];

// --- pure: from columns to counts and lists -------------------------------------------------------------

const code = (names, name) => (name === NO_LABEL ? -1 : names.indexOf(name));
const taxonomyOf = (data, view) => data.series[view.a].taxonomy;
const labelsOf = (data, view) => data.labels[taxonomyOf(data, view)];

/** Which row of the matrix each clip is in; below 0: the row without a label. */
function rowCodes(data, view, marks) {
  if (Number.isInteger(view.rows)) return data.series[view.rows].codes;
  const truth = data.truth[taxonomyOf(data, view)];
  if (view.rows !== "corrected") return truth;
  const codes = [...truth];
  for (const mark of Object.values(marks)) {
    const at = data.clips.indexOf(mark.clip_id), seven = data.labels.seven.indexOf(mark.suggested);
    if (at < 0 || seven < 0 || mark.verdict !== VERDICTS[0]) continue;
    codes[at] = taxonomyOf(data, view) === "seven" ? seven : data.collapsed[seven];
  }
  return codes;
}

/** For each clip whether it passes the filters; confidence and agreement are those of the first annotator. */
function passing(data, view) {
  const kept = new Uint8Array(data.clips.length).fill(1);
  const drop = (test) => kept.forEach((_, at) => { if (!test(at)) kept[at] = 0; });
  for (const [name, wanted] of Object.entries(view.filters)) {
    if (RANGES.includes(name)) {
      const column = data.series[view.a][name], low = Math.max(wanted[0], 0);
      if (wanted[0] > EVERYTHING[0] || wanted[1] < EVERYTHING[1]) drop((at) => column[at] >= low && column[at] <= wanted[1]);
    } else if (wanted.length) {
      const { values, codes } = data.facets[name], good = new Set(wanted.map((value) => values.indexOf(value)));
      drop((at) => good.has(codes[at]));
    }
  }
  return kept;
}

/** counts[row][column]; the last row and column are the clips without a label. */
function counted(rows, columns, kept, n) {
  const counts = Array.from({ length: n + 1 }, () => new Array(n + 1).fill(0));
  for (let at = 0; at < rows.length; at++) {
    if (kept[at]) counts[rows[at] < 0 ? n : rows[at]][columns[at] < 0 ? n : columns[at]]++;
  }
  return counts;
}

/** Positions of the clips that are selected, the surest first. */
function positions(data, view, selected, marks, kept) {
  const names = labelsOf(data, view), matrix = selected.matrix;
  if (!matrix || ((matrix === "b" || matrix === "change") && view.b < 0)) return [];
  const a = data.series[view.a].codes, b = (data.series[view.b] ?? data.series[view.a]).codes;
  const rows = rowCodes(data, view, marks), same = (x, y) => Math.max(x, -1) === Math.max(y, -1);
  const row = code(names, selected.row), column = code(names, selected.column);
  const inCell = {
    a: (at) => same(rows[at], row) && same(a[at], column),
    b: (at) => same(rows[at], row) && same(b[at], column),
    change: (at) => !same(a[at], b[at]) &&
      (selected.row == null || (same(rows[at], row) && (same(a[at], column) || same(b[at], column)))),
    marked: (at) => data.clips[at] in marks,
  }[matrix];
  const found = [];
  for (let at = 0; at < rows.length; at++) if (kept[at] && inCell(at)) found.push(at);
  const sure = data.series[matrix === "b" ? view.b : view.a].confidence;
  return found.sort((x, y) => sure[y] - sure[x] || x - y);
}

/** Wrong pairs, the commonest first: [row, column, clips, share of the row]. */
function confusedPairs(counts, n) {
  const pairs = [];
  for (let i = 0; i < n; i++) {
    const total = sum(counts[i].slice(0, n));
    for (let j = 0; j < n; j++) if (i !== j && counts[i][j]) pairs.push([i, j, counts[i][j], counts[i][j] / total]);
  }
  return pairs.sort((x, y) => y[2] - x[2] || y[3] - x[3]);
}

/** 95 % interval of a share (Wilson 1927), which stays inside 0-1 for small numbers too. */
function wilson(hits, n) {
  const z = 1.96, share = hits / n, spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [share + (z * z) / (2 * n) - spread, share + (z * z) / (2 * n) + spread].map((end) => end / (1 + (z * z) / n));
}

/** What a mark says, to tell whether two say the same. */
const essence = (mark) => JSON.stringify(mark?.verdict ? [mark.verdict, mark.suggested, mark.note] : null);

const sum = (numbers) => numbers.reduce((x, y) => x + y, 0);
const percent = (share) => `${Math.round(100 * share)} %`;
const clipsWord = (n) => `${n} ${n === 1 ? "clip" : "clips"}`;

/** A cell of a CSV; a spreadsheet must not take untrusted text for a formula. */
function csvCell(value) {
  let text = String(value ?? "");
  if (/^\s*[=+\-@]|^[\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(marks) {
  const columns = ["clip_id", "verdict", "suggested", "note", "label", "predicted", "strategy", "model", "taxonomy", "asked", "path", "marked_at"];
  return [columns, ...marks.map((mark) => columns.map((name) => mark[name]))].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

/** Tasks to import into Label Studio, for a config with <Video name="clip" value="$video"/> and <Choices name="expression" toName="clip">. */
function labelStudio(marks) {
  const choice = (label) => [{ from_name: "expression", to_name: "clip", type: "choices", value: { choices: [label] } }];
  return JSON.stringify(marks.map((mark) => ({
    data: { video: mark.path, clip_id: mark.clip_id, label: mark.label, verdict: mark.verdict, note: mark.note },
    predictions: mark.predicted ? [{ model_version: `${mark.model} ${mark.strategy}`, result: choice(mark.predicted) }] : [],
    annotations: mark.suggested ? [{ result: choice(mark.suggested) }] : [],
  })), null, 1);
}

// --- elements ---------------------------------------------------------------------------------------------

/** An element; `on…` are listeners, other properties attributes, children text or elements. */
function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const button = (words, onclick, more = {}) => el("button", { type: "button", onclick, ...more }, words);

/** A labelled select of [value, words]; values are JSON, so that numbers and null come back as such. */
function choice(words, id, options, chosen, onchange) {
  const select = el("select", { "data-testid": `fer-${id}`, onchange: () => onchange(JSON.parse(select.value)) });
  for (const [value, text] of options) {
    const option = el("option", { value: JSON.stringify(value) }, text);
    option.selected = JSON.stringify(value) === JSON.stringify(chosen);
    select.append(option);
  }
  return el("label", {}, `${words} `, select);
}

function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 5000);
}

// --- the explorer -----------------------------------------------------------------------------------------

class Explorer {
  constructor(model, root) {
    this.model = model;
    this.data = JSON.parse(model.get("_columns"));
    this.first = this.data.first; // what chips go back to
    this.page = 0;
    this.asked = 0; // number of the latest request for a page; answers to others come too late
    this.largeAsked = 0;
    this.answers = new Map(); // clip and series -> {item, url}
    this.unsaved = new Map(); // clip -> its mark as shown, until Python has kept it
    this.timers = new Set();
    this.alive = true;
    this.parts = Object.fromEntries(
      ["bar", "chips", "problem", "status", "body", "matrices", "pairs", "pane"].map((name) => [name, el("div", { class: `fer-${name}` })]));
    this.parts.problem.setAttribute("role", "alert");
    this.parts.status.setAttribute("role", "status"); // tells a screen reader what a click has found
    const side = el("div", { class: "fer-side" }, this.parts.matrices, this.parts.pairs);
    const frame = el("div", { class: "fer-frame" }, this.parts.bar, this.parts.chips, this.parts.problem, this.parts.status,
      this.parts.body);
    this.parts.body.append(side, this.parts.pane);
    root.classList.add("fer-explorer");
    // Or JupyterLab takes a letter typed on a cell for a command; its selectors match what has the focus before they
    // look at what stands around it.
    root.dataset.lmSuppressShortcuts = "true";
    root.addEventListener("focusin", (event) => { event.target.dataset.lmSuppressShortcuts = "true"; });
    root.addEventListener("keydown", (event) => { // JupyterLab keeps Enter from ending what is typed
      if (event.key !== "Enter" || !event.target.matches("input[type=text], input[type=number]")) return;
      event.preventDefault();
      event.target.dispatchEvent(new Event("change"));
    });
    root.dataset.testid = "fer-explorer";
    root.append(frame);
    this.root = root;
    this.listeners = [["change:view", () => this.later()], ["change:selected", () => this.later(true)],
      ["change:_marks", () => this.marked()], ["msg:custom", (message, buffers) => this.hear(message, buffers)]];
    this.listeners.forEach(([event, listener]) => model.on(event, listener));
    this.draw();
  }

  get view() { return this.model.get("view"); }
  get selected() { return this.model.get("selected"); }
  get marks() { return this.model.get("_marks"); }

  /** One drawing for all changes of a moment: a model tells of every key by itself. */
  later(newSelection = false) {
    if (newSelection) this.page = 0;
    if (this.queued) return;
    this.queued = true;
    queueMicrotask(() => { this.queued = false; if (this.alive) this.draw(); });
  }

  setView(change) {
    this.page = 0;
    this.model.set("view", { ...this.view, ...change });
    const { row, column } = this.selected, names = [...labelsOf(this.data, this.view), NO_LABEL];
    if (row != null && !(names.includes(row) && names.includes(column))) this.model.set("selected", {});
    this.model.save_changes();
  }

  setFilter(name, values) { this.setView({ filters: { ...this.view.filters, [name]: values } }); }

  select(selected) {
    this.page = 0;
    this.model.set("selected", selected);
    this.model.save_changes();
  }

  draw() { this.keepingFocus(() => this.drawAll()); }

  drawAll() {
    this.kept = passing(this.data, this.view);
    this.rows = rowCodes(this.data, this.view, this.marks);
    this.parts.bar.replaceChildren(...this.bar());
    this.parts.chips.replaceChildren(...this.chips());
    this.drawMatrices();
    this.drawPane();
  }

  /** What replaces the element that has the focus gets it. */
  keepingFocus(action) {
    const active = document.activeElement, name = this.root.contains(active) && active.dataset.testid;
    action();
    if (name && !active.isConnected) this.root.querySelector(`[data-testid="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
  }

  /** A mark has come, gone or changed: what somebody types into another clip's note stays. */
  marked() {
    for (const [id, mark] of this.unsaved) if (essence(mark) === essence(this.marks[id])) this.unsaved.delete(id);
    if (this.view.rows === "corrected" || this.selected.matrix === "marked") return this.later();
    this.keepingFocus(() => {
      this.parts.bar.replaceChildren(...this.bar());
      this.drawHead();
      this.drawMarkings();
    });
  }

  // - choosing what is shown

  bar() {
    const { data, view } = this, a = data.series[view.a];
    const among = (test) => data.series.map((one, at) => [at, one]).filter(([, one]) => test(one));
    const unique = (name, test) => [...new Map(among(test).map(([at, one]) => [one[name], [at, String(one[name])]])).values()];
    const inQuestion = (one) => one.question === a.question && one.source === a.source;
    const closest = (name, words) => this.closest(name, words);
    const pick = (name, words, options) => options.length < 2 ? null
      : choice(words, name, options.map(([, text]) => [text, text]), a[name], (value) => this.choose(closest(name, value)));
    const peers = among((one) => one.taxonomy === a.taxonomy && one !== a).map(([at, one]) => [at, this.nameBeside(one, a)]);
    const corrected = Object.values(this.marks).some((mark) => mark.suggested && mark.verdict === VERDICTS[0]);
    return [
      pick("question", "Question", unique("question", () => true)),
      pick("run", "Run", data.series.some((one) => one.source !== a.source) ? unique("run", () => true) : []),
      pick("strategy", "Strategy", unique("strategy", inQuestion)),
      pick("model", "Model", unique("model", (one) => inQuestion(one) && one.strategy === a.strategy)),
      peers.length ? choice("Compare with", "compare", [[-1, "nothing"], ...peers], view.b, (b) => this.setView({ b })) : null,
      choice("Rows", "rows", [["label", "the corpus's label"], ...(corrected || view.rows === "corrected" ? [["corrected", "the corrected label"]] : []), ...peers],
        view.rows, (rows) => this.setView({ rows })),
      choice("Share of", "shares", [["row", "the row (recall)"], ["column", "the column (precision)"]], view.shares, (shares) => this.setView({ shares })),
      this.diagonal(),
      this.facetChoice(),
      ...RANGES.map((name) => this.range(name)),
    ].filter(Boolean);
  }

  nameBeside(one, a) { return one.question === a.question ? one.title : `${one.title} (${one.question})`; }

  /** The series that has `value` as its `name` and else most in common with the one shown. */
  closest(name, value) {
    const a = this.data.series[this.view.a];
    const alike = (one) => sum([["question", 8], ["run", 4], ["strategy", 2], ["model", 1]].map(([key, weight]) => (one[key] === a[key]) * weight));
    const candidates = this.data.series.map((one, at) => [at, one]).filter(([, one]) => one[name] === value);
    return candidates.sort((x, y) => alike(y[1]) - alike(x[1]) || x[0] - y[0])[0][0];
  }

  /** Show series `a`; what is set beside it must be about the same labels, and not the same series. */
  choose(a) {
    const { series } = this.data, { b, rows } = this.view;
    const fits = (other) => other !== a && series[other].taxonomy === series[a].taxonomy;
    const peer = series.findIndex((one, at) => fits(at) && one.question === series[a].question);
    this.setView({
      a,
      b: b >= 0 && fits(b) ? b : -1,
      rows: !Number.isInteger(rows) || fits(rows) ? rows : peer >= 0 ? peer : "label",
    });
  }

  diagonal() {
    const box = el("input", { type: "checkbox", "data-testid": "fer-diagonal", onchange: () => this.setView({ hide_diagonal: box.checked }) });
    box.checked = this.view.hide_diagonal;
    return el("label", {}, box, " hide the diagonal");
  }

  facetChoice() {
    const facets = Object.entries(this.data.facets).filter(([, facet]) => facet.values.length > 1);
    if (!facets.length) return null;
    const select = el("select", { "data-testid": "fer-facet", onchange: () => {
      const [name, value] = JSON.parse(select.value);
      this.setFilter(name, [...new Set([...(this.view.filters[name] ?? []), value])]);
    } }, el("option", { value: "" }, "scene, split or subject …"));
    for (const [name, { values }] of facets) {
      const options = values.map((value) => el("option", { value: JSON.stringify([name, value]) }, value ?? "not known"));
      select.append(el("optgroup", { label: name }, ...options));
    }
    return el("label", {}, "Only ", select);
  }

  range(name) {
    const ends = this.view.filters[name] ?? EVERYTHING;
    const end = (which, words) => {
      const input = el("input", { type: "number", min: 0, max: 1, step: 0.05, value: ends[which] / 100, "aria-label": `${name} ${words}`,
        "data-testid": `fer-${name}-${words}`, onchange: () => {
          const limits = [...ends];
          limits[which] = Math.round(100 * Math.min(1, Math.max(0, Number(input.value) || 0)));
          this.setFilter(name, limits);
        } });
      return input;
    };
    return el("span", { class: "fer-range" }, `${name[0].toUpperCase()}${name.slice(1)} `, end(0, "from"), " – ", end(1, "to"));
  }

  /** Everything that is not as it was at first, each with a cross to take it back. */
  chips() {
    const { view, first, data } = this, chips = [];
    const chip = (words, remove) => chips.push(button(`${words} ✕`, remove, { class: "fer-chip", "data-testid": "fer-chip", "aria-label": `Remove: ${words}` }));
    const [a, initial] = [data.series[view.a], data.series[first.a]];
    for (const name of ["question", "run", "strategy", "model"]) {
      if (a[name] !== initial[name]) chip(`${name}: ${a[name]}`, () => this.choose(this.closest(name, initial[name])));
    }
    if (view.b >= 0) chip(`compared with ${this.nameBeside(data.series[view.b], a)}`, () => this.setView({ b: -1 }));
    for (const [name, wanted] of Object.entries(view.filters)) {
      if (RANGES.includes(name)) {
        const words = `${name} ${wanted.map((end) => (end / 100).toFixed(2)).join("–")}`;
        if (String(wanted) !== String(EVERYTHING)) chip(words, () => this.setFilter(name, EVERYTHING));
      } else {
        for (const value of wanted) chip(`${name}: ${value ?? "not known"}`, () => this.setFilter(name, wanted.filter((one) => one !== value)));
      }
    }
    return chips;
  }

  // - matrices

  drawMatrices() {
    const { data, view } = this, n = labelsOf(data, view).length;
    const counts = (of) => counted(this.rows, data.series[of].codes, this.kept, n);
    const a = counts(view.a);
    this.shown = { a };
    const figures = [this.matrix("a", a, view.a)];
    if (view.b >= 0) {
      const b = counts(view.b);
      this.shown = { a, b };
      figures.push(this.matrix("b", b, view.b), this.matrix("change", b.map((row, i) => row.map((count, j) => count - a[i][j])), -1));
    }
    this.parts.body.classList.toggle("fer-comparing", view.b >= 0);
    this.parts.matrices.replaceChildren(...figures);
    this.parts.pairs.replaceChildren(...this.pairs(a, n));
  }

  /** Names of rows: without the last where every clip has a row's label. */
  rowNames() {
    const names = labelsOf(this.data, this.view);
    return this.rows.some((one) => one < 0) ? [...names, NO_LABEL] : names;
  }

  matrix(which, counts, of) {
    const names = [...labelsOf(this.data, this.view), NO_LABEL], rowNames = this.rowNames();
    const scale = this.scale(which, counts);
    const head = el("tr", {}, el("td", { class: "fer-corner" }, "row ╲ column"), ...names.map((name) => el("th", { scope: "col" }, name)));
    const body = rowNames.map((row, i) => el("tr", {},
      el("th", { scope: "row" }, row, el("small", {}, which === "change" ? "" : ` ${sum(counts[i])}`)),
      ...names.map((column, j) => this.cell(which, counts, i, j, row, column, scale, of))));
    const table = el("table", { role: "grid", "data-testid": `fer-matrix-${which}`, "aria-label": this.caption(which, of), onkeydown: (event) => this.key(event, which) },
      el("thead", {}, head), el("tbody", {}, ...body));
    this.oneTabStop(table, which);
    return el("figure", {}, el("figcaption", {}, el("b", {}, this.caption(which, of)), el("br"), this.measure(which, counts)), table);
  }

  caption(which, of) {
    const { data, view } = this;
    if (which === "change") return `Difference: ${data.series[view.b].title} − ${data.series[view.a].title}`;
    return `${this.nameBeside(data.series[of], data.series[view.a])} in columns`;
  }

  /** What the matrix comes to, in one line, with its interval. */
  measure(which, counts) {
    const n = labelsOf(this.data, this.view).length;
    if (which === "change") return this.changed();
    const labelled = sum(counts.slice(0, n).map((row) => sum(row.slice(0, n))));
    const hits = sum(counts.slice(0, n).map((row, i) => row[i])), all = sum(counts.map(sum));
    const word = Number.isInteger(this.view.rows) ? "agreement" : "accuracy";
    if (!labelled) return `${clipsWord(all)}, none with a label in both row and column`;
    const [low, high] = wilson(hits, labelled);
    return `${word} ${percent(hits / labelled)} [${Math.round(100 * low)}, ${Math.round(100 * high)}] of ${clipsWord(labelled)}${all > labelled ? `; ${all - labelled} more without a label` : ""}`;
  }

  changed() {
    const { data, view, kept, rows } = this, [a, b] = [view.a, view.b].map((of) => data.series[of].codes);
    let all = 0, better = 0, worse = 0;
    for (let at = 0; at < a.length; at++) {
      if (!kept[at] || Math.max(a[at], -1) === Math.max(b[at], -1)) continue;
      all++;
      if (rows[at] >= 0) { better += b[at] === rows[at]; worse += a[at] === rows[at]; }
    }
    const words = `${clipsWord(all)} changed sides: ${better} to the row's label, ${worse} away from it`;
    return button(words, () => this.select({ matrix: "change" }), { "data-testid": "fer-changed" });
  }

  /** How much colour a cell of the matrix gets, from 0 to 1. */
  scale(which, counts) {
    const hidden = (i, j) => this.view.hide_diagonal && i === j;
    const columns = counts[0].map((_, j) => sum(counts.map((row) => row[j])));
    const share = (i, j) => {
      const total = which === "change" ? 1 : this.view.shares === "row" ? sum(counts[i]) : columns[j];
      return hidden(i, j) || !total ? 0 : counts[i][j] / total;
    };
    const most = Math.max(...counts.flatMap((row, i) => row.map((_, j) => Math.abs(share(i, j)))));
    const full = which === "change" || this.view.hide_diagonal ? most || 1 : 1;
    return { share, colour: (i, j) => Math.abs(share(i, j)) / full, hidden };
  }

  cell(which, counts, i, j, row, column, { share, colour, hidden }, of) {
    const count = counts[i][j], chosen = this.isSelected(which, row, column);
    const words = this.inWords(which, counts, i, j, row, column, of);
    const cell = el("td", { role: "gridcell", tabindex: -1, "aria-selected": String(chosen), "aria-label": words, title: words,
      "data-testid": `fer-${which}-${row}-${column}`, "data-row": row, "data-column": column, "data-count": count,
      onclick: () => { this.tabStop = { which, row, column }; this.select({ matrix: which, row, column }); cell.focus(); } });
    if (hidden(i, j)) cell.classList.add("fer-hidden");
    else if (which === "change") cell.append(count > 0 ? `+${count}` : count < 0 ? `−${-count}` : "·");
    else if (count) cell.append(String(count), el("small", {}, percent(share(i, j))));
    else cell.append("·");
    const part = Math.round(colour(i, j) * (which === "change" ? 70 : 100));
    cell.style.setProperty("--fer-part", `${part}%`);
    if (count < 0) cell.classList.add("fer-less");
    if (part >= 95) cell.classList.add("fer-full");
    return cell;
  }

  inWords(which, counts, i, j, row, column, of) {
    const place = `row ${row}, column ${column}`;
    if (which === "change") return `${place}: ${counts[i][j] > 0 ? "+" : ""}${counts[i][j]} clips`;
    const shareOf = (total) => (total ? percent(counts[i][j] / total) : "–");
    const ofColumn = sum(counts.map((line) => line[j]));
    const why = column === NO_LABEL ? this.statuses(i, of) : "";
    return `${place}: ${clipsWord(counts[i][j])}, ${shareOf(sum(counts[i]))} of the row, ${shareOf(ofColumn)} of the column${why}`;
  }

  /** Why clips of a row have no label: every status with its count. */
  statuses(i, of) {
    const n = labelsOf(this.data, this.view).length, found = {}, { codes } = this.data.series[of];
    for (let at = 0; at < codes.length; at++) {
      if (!this.kept[at] || codes[at] >= 0 || (this.rows[at] < 0 ? n : this.rows[at]) !== i) continue;
      const status = this.data.statuses[-1 - codes[at]];
      found[status] = (found[status] ?? 0) + 1;
    }
    const words = Object.entries(found).map(([status, count]) => `${status} ${count}`);
    return words.length ? ` (${words.join(", ")})` : "";
  }

  isSelected(which, row, column) {
    const { selected } = this;
    return selected.matrix === which && selected.row === row && selected.column === column;
  }

  /** Tab enters a matrix once, at the cell used last; arrows go on from there. */
  oneTabStop(table, which) {
    const last = this.tabStop?.which === which ? this.tabStop : { row: this.selected.row, column: this.selected.column };
    const cells = [...table.querySelectorAll("[role=gridcell]")];
    const stop = cells.find((one) => one.dataset.row === last.row && one.dataset.column === last.column) ?? cells[0];
    stop.tabIndex = 0;
  }

  key(event, which) {
    const cell = event.target.closest("[role=gridcell]");
    if (!cell) return;
    const rows = [...event.currentTarget.tBodies[0].rows], across = cell.parentElement.cells;
    const y = rows.indexOf(cell.parentElement), x = cell.cellIndex;
    const goals = { ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], Home: [y, 1], End: [y, across.length - 1] };
    if (event.key in goals) this.moveTo(rows[goals[event.key][0]]?.cells[goals[event.key][1]], cell, which);
    else if (event.key === "Enter" || event.key === " ") cell.click();
    else if (event.key === "Escape") this.select({});
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  moveTo(goal, from, which) {
    if (goal?.getAttribute("role") !== "gridcell") return;
    from.tabIndex = -1;
    goal.tabIndex = 0;
    this.tabStop = { which, row: goal.dataset.row, column: goal.dataset.column };
    goal.focus();
  }

  pairs(counts, n) {
    const names = labelsOf(this.data, this.view), found = confusedPairs(counts, n).slice(0, 8);
    const item = ([i, j, clips, share]) => el("li", {}, button(`${names[i]} → ${names[j]}`, () => this.select({ matrix: "a", row: names[i], column: names[j] }),
      { "data-testid": `fer-pair-${names[i]}-${names[j]}`, "aria-pressed": String(this.isSelected("a", names[i], names[j])) }), ` ${clips}, ${percent(share)}`);
    const words = Number.isInteger(this.view.rows) ? "Commonest disagreements" : "Most confused";
    return found.length ? [el("b", {}, words), el("ol", {}, ...found.map(item))] : [];
  }

  // - the clips of the selected cell

  drawPane() {
    const { selected } = this;
    this.found = positions(this.data, this.view, selected, this.marks, this.kept);
    const pages = Math.max(1, Math.ceil(this.found.length / PAGE));
    this.page = Math.min(this.page, pages - 1);
    const now = this.found.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.cards = new Map(now.map((clip) => [clip, this.card(clip)]));
    const list = el("div", { class: "fer-cards", "data-testid": "fer-cards", onkeydown: (event) => this.leave(event) }, ...this.cards.values());
    this.parts.head = el("div", { class: "fer-head" });
    this.parts.pane.replaceChildren(this.parts.head, list);
    this.drawHead();
    this.fill(now);
  }

  drawHead() {
    const pages = Math.max(1, Math.ceil(this.found.length / PAGE));
    const turn = (by, words, id) => button(words, () => { this.page += by; this.keepingFocus(() => this.drawPane()); },
      { "data-testid": `fer-${id}`, disabled: this.page + by < 0 || this.page + by >= pages });
    const pager = pages > 1 ? [turn(-1, "◀ previous", "previous"), turn(1, "next ▶", "next")] : [];
    const heading = el("h3", { "data-testid": "fer-heading" }, this.heading(pages));
    this.parts.head.replaceChildren(heading, ...pager, ...this.exports());
    this.parts.status.textContent = heading.textContent;
  }

  heading(pages) {
    const { selected } = this, page = pages > 1 ? `, page ${this.page + 1} of ${pages}` : "";
    const many = `${clipsWord(this.found.length)}${page}`;
    if (selected.matrix === "marked") return `Marked: ${many}`;
    if (selected.matrix === "change" && selected.row == null) return `Changed sides: ${many}`;
    if (!selected.matrix) return "Choose a cell, or a pair, to see its clips";
    const what = { a: "", b: ` in ${this.data.series[this.view.b]?.title}`, change: ", in one of the two" }[selected.matrix];
    return `${selected.row} → ${selected.column}${what}: ${many}`;
  }

  /** Escape leads back from the clips to the cell they belong to. */
  leave(event) {
    if (event.key !== "Escape" || event.target.closest("dialog")) return;
    (this.root.querySelector('[role=gridcell][aria-selected="true"]') ?? this.root.querySelector("[role=gridcell][tabindex='0']")).focus();
  }

  exports() {
    const marks = Object.values(this.marks);
    if (!marks.length) return [];
    return [
      button(`Marked: ${marks.length}`, () => this.select({ matrix: "marked" }), { "data-testid": "fer-marked" }),
      button("CSV", () => download("marks.csv", csv(marks), "text/csv"), { "data-testid": "fer-csv", "aria-label": "Export the marks as CSV" }),
      button("Label Studio", () => download("label_studio_tasks.json", labelStudio(marks), "application/json"),
        { "data-testid": "fer-label-studio", "aria-label": "Export the marks as Label Studio tasks" }),
    ];
  }

  series() { return this.view.b >= 0 ? [this.view.a, this.view.b] : [this.view.a]; }

  card(clip) {
    const { data, view } = this, id = data.clips[clip], mark = this.markOf(id);
    const truth = labelsOf(data, view)[data.truth[taxonomyOf(data, view)][clip]] ?? NO_LABEL;
    const said = this.series().map((of) => this.said(of, clip));
    const facts = Object.entries(data.facets).map(([, { values, codes }]) => values[codes[clip]]).filter((value) => value != null);
    return el("article", { "data-testid": "fer-card", "data-clip": clip, "data-mark": essence(mark), class: mark?.verdict ? "fer-has-mark" : null },
      el("header", {}, el("b", { class: "fer-id" }, id), " ", el("small", {}, facts.join(" · "))),
      el("div", { class: "fer-strip" }),
      el("p", {}, "label ", el("b", {}, truth), el("span", { class: "fer-original" }), ...said),
      el("div", { class: "fer-about", "data-testid": "fer-about" }, el("p", { class: "fer-soft" }, "…")),
      this.marking(clip, id, mark));
  }

  /** What a series says of a clip, in a line. */
  said(of, clip) {
    const one = this.data.series[of], label = this.data.labels[one.taxonomy][one.codes[clip]];
    const words = label ?? this.data.statuses[-1 - one.codes[clip]];
    const sure = one.confidence[clip] < 0 ? "" : ` ${(one.confidence[clip] / 100).toFixed(2)}`;
    return el("span", { class: "fer-said" }, `${one.title}: `, el("b", { class: label ? null : "fer-status" }, words), sure);
  }

  marking(clip, id, mark) {
    const verdicts = VERDICTS.map((verdict, at) => button(verdict, () => { this.mark(clip, { verdict: this.markOf(id)?.verdict === verdict ? null : verdict }); this.drawMarkings(); },
      { "aria-pressed": String(mark?.verdict === verdict), "data-testid": `fer-verdict-${clip}-${at}` }));
    if (!mark?.verdict) return el("div", { class: "fer-marking" }, ...verdicts);
    const note = el("input", { type: "text", maxlength: 2000, placeholder: "note", "aria-label": `Note on ${id.slice(0, 80)}`, "data-testid": `fer-note-${clip}`,
      value: mark.note, onchange: () => this.mark(clip, { note: note.value }, true) });
    const suggestions = [[null, "no suggestion"], ...this.data.labels.seven.map((label) => [label, label])];
    return el("div", { class: "fer-marking" }, ...verdicts,
      choice("better:", `suggested-${clip}`, suggestions, mark.suggested, (suggested) => this.mark(clip, { suggested }, true)), note);
  }

  markOf(id) { return this.unsaved.get(id) ?? this.marks[id]; }

  /** Send a change of a clip's mark; `shown`: the page shows it already, and what is being clicked must not be replaced. */
  mark(clip, change, shown = false) {
    const { data } = this, id = data.clips[clip], one = data.series[this.selected.matrix === "b" ? this.view.b : this.view.a];
    const { verdict = null, suggested = null, note = "" } = { ...this.markOf(id), ...change };
    if (essence({ verdict, suggested, note }) === essence(this.markOf(id))) return;
    this.unsaved.set(id, { verdict, suggested, note });
    if (shown) this.cards.get(clip).dataset.mark = essence(this.unsaved.get(id));
    const mark = { clip_id: id, verdict, suggested, note, label: data.labels.seven[data.truth.seven[clip]] ?? null,
      predicted: data.labels[one.taxonomy][one.codes[clip]] ?? null, strategy: one.strategy, model: one.model, taxonomy: one.taxonomy, asked: one.asked };
    this.model.send({ type: "mark", clip, mark });
  }

  /** Draw the buttons of each clip whose mark is not the one shown. */
  drawMarkings() {
    this.keepingFocus(() => {
      for (const [clip, card] of this.cards) {
        const id = this.data.clips[clip], mark = this.markOf(id);
        if (card.dataset.mark === essence(mark)) continue;
        card.dataset.mark = essence(mark);
        card.classList.toggle("fer-has-mark", Boolean(mark?.verdict));
        card.querySelector(".fer-marking").replaceWith(this.marking(clip, id, mark));
      }
    });
  }

  // - what only Python knows of a clip

  key_of(clip) { return `${this.series()} ${clip}`; }

  /** Show what is known of these clips, and ask for the rest. */
  fill(clips) {
    const missing = clips.filter((clip) => !this.answers.has(this.key_of(clip)));
    clips.filter((clip) => !missing.includes(clip)).forEach((clip) => this.fillCard(clip));
    this.asked++;
    if (!missing.length) return;
    const mine = this.asked;
    this.model.send({ type: "page", id: mine, series: this.series(), clips: missing });
    this.after(PATIENCE_MS, () => { if (mine === this.asked && !this.answers.has(this.key_of(missing[0]))) this.say("No answer from the kernel: run the cell again to see frames and replies."); });
  }

  after(milliseconds, action) {
    const timer = setTimeout(() => { this.timers.delete(timer); action(); }, milliseconds);
    this.timers.add(timer);
  }

  say(words) { this.parts.problem.textContent = words; }

  hear(message, buffers = []) {
    if (message.type === "problem") {
      this.say(message.text);
      this.unsaved.clear();
      this.drawMarkings();
    }
    else if (message.type === "large") this.showLarge(message, buffers[0]);
    else if (message.type === "page" && message.id === this.asked) {
      this.say("");
      message.items.forEach((item, at) => this.remember(item, item.url ?? this.objectUrl(buffers[at])));
      message.items.forEach((item) => this.fillCard(item.clip));
    }
  }

  objectUrl(bytes) { return bytes?.byteLength ? URL.createObjectURL(new Blob([bytes], { type: "image/webp" })) : ""; }

  remember(item, url) {
    this.answers.set(this.key_of(item.clip), { item, url });
    for (const [key, old] of this.answers) {
      if (this.answers.size <= KEPT) break;
      URL.revokeObjectURL(old.url);
      this.answers.delete(key);
    }
  }

  fillCard(clip) {
    const card = this.cards.get(clip), known = this.answers.get(this.key_of(clip));
    if (!card || !known) return;
    const { item, url } = known, id = this.data.clips[clip];
    const picture = () => el("img", { src: url, alt: `key frames of ${id.slice(0, 80)}`, "data-testid": "fer-frames" });
    card.querySelector(".fer-strip").replaceChildren(...(url ? [button(picture(), () => this.openLarge(clip, url), { "aria-label": "Show the frames large", "data-testid": `fer-large-${clip}` })] : []));
    const truth = this.data.labels.seven[this.data.truth.seven[clip]];
    card.querySelector(".fer-original").textContent = item.original && item.original !== truth ? ` (corpus: ${item.original})` : "";
    card.querySelector(".fer-about").replaceChildren(...this.series().map((of) => this.about(of, item.about[of])));
    card.dataset.loaded = "true";
  }

  about(of, { status, probabilities = [], tokens, tie, replies }) {
    const one = this.data.series[of], names = this.data.labels[one.taxonomy];
    const bars = probabilities.map((share, at) => {
      const bar = el("i", {});
      bar.style.setProperty("--fer-share", `${100 * share}%`);
      return el("div", { class: "fer-bar-line", title: `${names[at]} ${share.toFixed(2)}` }, el("span", {}, names[at]), el("span", { class: "fer-track" }, bar), el("span", {}, share.toFixed(2)));
    });
    const facts = [this.view.b >= 0 ? one.title : "", status === "ok" ? "" : status, tie ? "a tied vote" : "", tokens == null ? "" : `${tokens} tokens`].filter(Boolean);
    const frames = (reply) => (reply.frames.length > 1 ? `frames ${reply.frames[0]}–${reply.frames.at(-1)}` : `frame ${reply.frames[0]}`);
    const votes = replies.map((reply) => el("li", { title: frames(reply), class: reply.label ? null : "fer-status" }, reply.label ?? reply.status));
    const words = replies.filter((reply) => reply.words).map((reply) => el("p", { class: "fer-words", dir: "auto" }, el("small", {}, `${frames(reply)}: `), reply.words));
    return el("section", {}, el("p", { class: "fer-soft" }, facts.join(" · ")),
      votes.length ? el("ol", { class: "fer-votes", "aria-label": "reply to each request, in the order of frames" }, ...votes) : null,
      bars.length ? el("div", { class: "fer-bars" }, ...bars) : null, ...words);
  }

  // - one clip, large

  openLarge(clip, url) {
    const id = this.data.clips[clip], tile = el("div", { class: "fer-tile", role: "img", "aria-label": `key frame of ${id.slice(0, 80)}`, "data-testid": "fer-tile" });
    const place = el("span", { "aria-live": "polite" }), play = button("▶ play", () => this.play(), { "data-testid": "fer-play" });
    const step = (by) => () => { this.stop(); this.showTile(this.large.at + by); };
    const dialog = el("dialog", { class: "fer-dialog", "aria-label": `Frames of ${id.slice(0, 80)}`, onclose: () => { this.stop(); dialog.remove(); this.large = null; },
      onkeydown: (event) => { const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]; if (by) step(by)(); event.stopPropagation(); } },
      el("header", {}, el("b", { class: "fer-id" }, id), button("✕ close", () => dialog.close(), { "data-testid": "fer-close" })), tile,
      el("footer", {}, button("◀", step(-1), { "aria-label": "previous frame" }), play, button("▶", step(1), { "aria-label": "next frame" }), place));
    this.large = { clip, tile, place, play, at: 0, n: 1, id: ++this.largeAsked };
    this.root.append(dialog);
    dialog.showModal();
    this.showPicture(url);
    this.model.send({ type: "large", id: this.large.id, clip, series: this.view.a });
  }

  showLarge(message, bytes) {
    if (this.large?.id !== message.id) return;
    const url = message.url ?? this.objectUrl(bytes);
    if (url) this.showPicture(url);
  }

  /** Frames stand beside each other in one picture: as many as it is times wider than high. */
  async showPicture(url) {
    const picture = el("img", { src: url });
    await picture.decode().catch(() => {});
    if (!this.large || !picture.naturalHeight) return;
    this.large.n = Math.round(picture.naturalWidth / picture.naturalHeight);
    this.large.tile.style.backgroundImage = `url("${url}")`;
    this.large.tile.style.backgroundSize = `${100 * this.large.n}% 100%`;
    this.large.tile.dataset.height = picture.naturalHeight;
    this.showTile(this.large.at);
  }

  showTile(at) {
    const { n, tile, place } = this.large;
    this.large.at = (at + n) % n;
    tile.style.backgroundPosition = `${n > 1 ? (100 * this.large.at) / (n - 1) : 0}% 0`;
    place.textContent = `frame ${this.large.at + 1} of ${n}`;
  }

  play() {
    if (this.playing) return this.stop();
    this.large.play.textContent = "❚❚ pause";
    this.playing = setInterval(() => this.showTile(this.large.at + 1), 350);
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    if (this.large) this.large.play.textContent = "▶ play";
  }

  end() {
    this.alive = false;
    this.stop();
    this.timers.forEach(clearTimeout);
    this.listeners.forEach(([event, listener]) => this.model.off(event, listener));
    this.answers.forEach(({ url }) => URL.revokeObjectURL(url));
  }
}

function render({ model, el: root }) {
  const explorer = new Explorer(model, root);
  return () => explorer.end();
}

export default { render };
