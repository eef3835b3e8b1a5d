// From columns to counts and lists: pure. Columns.where in Python selects by the same rules.

const NO_LABEL = "no label";
const OUTSIDE = "outside"; // an answer outside the labels: wrong, not missing
const LOOKS_WRONG = "label looks wrong";
const VERDICTS = [LOOKS_WRONG, "ambiguous", "model wrong"];
const EVERYTHING = [0, 100]; // per cent
const RANGES = ["confidence", "agreement"];

const sum = (numbers) => numbers.reduce((x, y) => x + y, 0);

/** The nearest integer, of two as near the even one, as Python rounds. */
function rounded(x) {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 ? near - 1 : near;
}

/** `x` with so many digits, rounded as Python does: only multiples of 2 ** -(digits + 1) can be half way. */
function decimal(x, digits) {
  const half = Number.isInteger(x * 2 ** (digits + 1));
  return (half ? rounded(x * 10 ** digits) / 10 ** digits : x).toFixed(digits);
}

const percent = (share) => `${rounded(100 * share)} %`;
const clipsWord = (n) => `${n} ${n === 1 ? "clip" : "clips"}`;

const taxonomyOf = (data, view) => data.series[view.a].taxonomy;
const labelsOf = (data, view) => data.labels[taxonomyOf(data, view)];
const namesOf = (data, view) => [...labelsOf(data, view), OUTSIDE, NO_LABEL];
const codeOf = (names, name) => (name === NO_LABEL ? -1 : names.indexOf(name));
const same = (x, y) => Math.max(x, -1) === Math.max(y, -1); // codes below 0 say why there is no label

/** Which row of the matrix each clip is in; below 0: the row without a label. */
function rowCodes(data, view, marks) {
  if (Number.isInteger(view.rows)) return data.series[view.rows].codes;
  const truth = data.truth[taxonomyOf(data, view)];
  if (view.rows !== "corrected") return truth;
  const codes = [...truth];
  data.at ??= new Map(data.clips.map((id, at) => [id, at]));
  for (const mark of marks.values()) {
    const at = data.at.get(mark.clip_id);
    const seven = data.labels.seven.indexOf(mark.suggested);
    if (at === undefined || seven < 0 || mark.verdict !== LOOKS_WRONG) continue;
    codes[at] = taxonomyOf(data, view) === "seven" ? seven : data.collapsed[seven];
  }
  return codes;
}

/** Whether a filter leaves any clip out. */
const isActive = ([name, wanted]) =>
  (RANGES.includes(name) ? String(wanted) !== String(EVERYTHING) : wanted.length > 0);

/** For each clip whether it passes the filters; confidence and agreement are those of the first annotator. */
function passing(data, view) {
  const kept = new Uint8Array(data.clips.length).fill(1);
  const keep = (test) => kept.forEach((_, at) => { if (!test(at)) kept[at] = 0; });
  for (const [name, wanted] of Object.entries(view.filters).filter(isActive)) {
    if (RANGES.includes(name)) {
      const column = data.series[view.a][name];
      const [low, high] = [Math.max(wanted[0], 0), wanted[1]];
      keep((at) => column[at] >= low && column[at] <= high);
    } else {
      const { values, codes } = data.facets[name];
      const good = new Set(wanted.map((value) => values.indexOf(value)));
      keep((at) => good.has(codes[at]));
    }
  }
  return kept;
}

/** counts[row][column] of n labels, of answers outside them, and of the clips without a label. */
function counted(rows, columns, kept, n) {
  const counts = Array.from({ length: n + 2 }, () => new Array(n + 2).fill(0));
  for (let at = 0; at < rows.length; at++) {
    if (kept[at]) counts[rows[at] < 0 ? n + 1 : rows[at]][columns[at] < 0 ? n + 1 : columns[at]]++;
  }
  return counts;
}

/** Of the n labels' clips with an answer in row and column, how many have the same, and how many there are. */
function agreeing(counts, n) {
  const answered = counts.slice(0, n + 1).map((row) => row.slice(0, n + 1));
  return { hits: sum(answered.slice(0, n).map((row, i) => row[i])), answered: sum(answered.map(sum)) };
}

/** Positions of the clips that are selected, the surest first; in a blind view in the order of the table. */
function positions(data, view, selected, marks, rows, kept) {
  const { matrix } = selected;
  if (!matrix || ((matrix === "b" || matrix === "change") && view.b < 0)) return [];
  const names = namesOf(data, view);
  const n = names.indexOf(OUTSIDE);
  const a = data.series[view.a].codes;
  const b = (data.series[view.b] ?? data.series[view.a]).codes;
  const [row, column] = [codeOf(names, selected.row), codeOf(names, selected.column)];
  const isIn = (codes, at) => (selected.row == null || same(rows[at], row))
    && (selected.column == null || same(codes[at], column));
  const chosen = {
    a: (at) => isIn(a, at),
    b: (at) => isIn(b, at),
    change: (at) => !same(a[at], b[at]) && (selected.row == null || isIn(a, at) || isIn(b, at)),
    errors: (at) => rows[at] >= 0 && a[at] >= 0 && (rows[at] !== a[at] || a[at] === n),
    marked: (at) => marks.has(data.clips[at]),
    all: () => true,
  }[matrix];
  const found = [];
  for (let at = 0; at < rows.length; at++) if (kept[at] && chosen(at)) found.push(at);
  if (view.blind) return found;
  const sure = data.series[matrix === "b" ? view.b : view.a].confidence;
  return found.sort((x, y) => sure[y] - sure[x] || x - y);
}

/**
 * What changed between two annotators: clips with a different label, how many of them to and from the row's label, and, of
 * the clips that both answer, how many only the second (won) and only the first (lost) labels as the row does.
 */
function changes(rows, a, b, kept, n) {
  const found = { all: 0, better: 0, worse: 0, n: 0, won: 0, lost: 0 };
  for (let at = 0; at < rows.length; at++) {
    if (!kept[at]) continue;
    const both = rows[at] >= 0 && a[at] >= 0 && b[at] >= 0;
    const [better, worse] = [b, a].map((codes) => codes[at] === rows[at] && rows[at] >= 0 && rows[at] < n);
    found.n += both;
    if (same(a[at], b[at])) continue;
    found.all++;
    found.better += better;
    found.worse += worse;
    found.won += both && better;
    found.lost += both && worse;
  }
  return found;
}

/** Why the clips of a row have no label: [status, clips]. */
function failures(data, codes, rows, kept, row) {
  const found = new Map();
  for (let at = 0; at < codes.length; at++) {
    if (!kept[at] || codes[at] >= 0 || !same(rows[at], row)) continue;
    const status = data.statuses[-1 - codes[at]];
    found.set(status, (found.get(status) ?? 0) + 1);
  }
  return [...found];
}

/** Wrong pairs of n labels, the commonest first: [row, column, clips, share of the row's clips with an answer]. */
function confusedPairs(counts, n) {
  const pairs = [];
  for (let i = 0; i < n; i++) {
    const total = sum(counts[i].slice(0, n + 1));
    for (let j = 0; j < n; j++) if (i !== j && counts[i][j]) pairs.push([i, j, counts[i][j], counts[i][j] / total]);
  }
  return pairs.sort((x, y) => y[2] - x[2] || y[3] - x[3]);
}
