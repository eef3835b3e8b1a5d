// From columns to counts and lists: pure. Columns.where in Python selects by the same rules.

const NO_LABEL = "no label";
const LOOKS_WRONG = "label looks wrong";
const VERDICTS = [LOOKS_WRONG, "ambiguous", "model wrong"];
const EVERYTHING = [0, 100]; // per cent
const RANGES = ["confidence", "agreement"];

const sum = (numbers) => numbers.reduce((x, y) => x + y, 0);
const percent = (share) => `${Math.round(100 * share)} %`;
const clipsWord = (n) => `${n} ${n === 1 ? "clip" : "clips"}`;

const taxonomyOf = (data, view) => data.series[view.a].taxonomy;
const labelsOf = (data, view) => data.labels[taxonomyOf(data, view)];
const codeOf = (names, name) => (name === NO_LABEL ? -1 : names.indexOf(name));
const same = (x, y) => Math.max(x, -1) === Math.max(y, -1); // codes below 0 say why there is no label

/** Which row of the matrix each clip is in; below 0: the row without a label. */
function rowCodes(data, view, marks) {
  if (Number.isInteger(view.rows)) return data.series[view.rows].codes;
  const truth = data.truth[taxonomyOf(data, view)];
  if (view.rows !== "corrected") return truth;
  const codes = [...truth];
  for (const mark of Object.values(marks)) {
    const at = data.clips.indexOf(mark.clip_id);
    const seven = data.labels.seven.indexOf(mark.suggested);
    if (at < 0 || seven < 0 || mark.verdict !== LOOKS_WRONG) continue;
    codes[at] = taxonomyOf(data, view) === "seven" ? seven : data.collapsed[seven];
  }
  return codes;
}

/** For each clip whether it passes the filters; confidence and agreement are those of the first annotator. */
function passing(data, view) {
  const kept = new Uint8Array(data.clips.length).fill(1);
  const keep = (test) => kept.forEach((_, at) => { if (!test(at)) kept[at] = 0; });
  for (const [name, wanted] of Object.entries(view.filters)) {
    if (RANGES.includes(name)) {
      const column = data.series[view.a][name];
      const [low, high] = [Math.max(wanted[0], 0), wanted[1]];
      if (String(wanted) !== String(EVERYTHING)) keep((at) => column[at] >= low && column[at] <= high);
    } else if (wanted.length) {
      const { values, codes } = data.facets[name];
      const good = new Set(wanted.map((value) => values.indexOf(value)));
      keep((at) => good.has(codes[at]));
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
function positions(data, view, selected, marks, rows, kept) {
  const { matrix } = selected;
  if (!matrix || ((matrix === "b" || matrix === "change") && view.b < 0)) return [];
  const names = labelsOf(data, view);
  const a = data.series[view.a].codes;
  const b = (data.series[view.b] ?? data.series[view.a]).codes;
  const [row, column] = [codeOf(names, selected.row), codeOf(names, selected.column)];
  const isIn = (codes, at) => same(rows[at], row) && same(codes[at], column);
  const chosen = {
    a: (at) => isIn(a, at),
    b: (at) => isIn(b, at),
    change: (at) => !same(a[at], b[at]) && (selected.row == null || isIn(a, at) || isIn(b, at)),
    marked: (at) => data.clips[at] in marks,
  }[matrix];
  const found = [];
  for (let at = 0; at < rows.length; at++) if (kept[at] && chosen(at)) found.push(at);
  const sure = data.series[matrix === "b" ? view.b : view.a].confidence;
  return found.sort((x, y) => sure[y] - sure[x] || x - y);
}

/**
 * What changed between two annotators: clips with a different label, how many of them to and from the row's label, and, of
 * the n clips that both label, how many only the second (won) and only the first (lost) labels as the row does.
 */
function changes(rows, a, b, kept) {
  const found = { all: 0, better: 0, worse: 0, n: 0, won: 0, lost: 0 };
  for (let at = 0; at < rows.length; at++) {
    if (!kept[at]) continue;
    const both = rows[at] >= 0 && a[at] >= 0 && b[at] >= 0;
    const [better, worse] = [b[at] === rows[at] && rows[at] >= 0, a[at] === rows[at] && rows[at] >= 0];
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

/** Difference of two shares of the same n clips, with its 95 % interval (Agresti & Min 2005). */
function pairedDifference(won, lost, n) {
  const difference = (won - lost) / (n + 2);
  const error = Math.sqrt(won + lost + 1 - (won - lost) ** 2 / (n + 2)) / (n + 2);
  return [(won - lost) / n, difference - 1.96 * error, difference + 1.96 * error];
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

/** Wrong pairs, the commonest first: [row, column, clips, share of the row's clips with a label]. */
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
  const z = 1.96;
  const share = hits / n;
  const spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  const middle = share + (z * z) / (2 * n);
  return [middle - spread, middle + spread].map((end) => end / (1 + (z * z) / n));
}
