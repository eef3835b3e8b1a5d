// The matrices: one annotator's, or two and their difference; mouse and keyboard; all errors and the commonest pairs.

const PAIRS = 8;

class Matrices {
  constructor(explorer) {
    this.explorer = explorer;
    this.figures = el("div", { class: "fer-matrices" });
    this.pairs = el("div", { class: "fer-pairs" });
    this.tabStop = {}; // the cell used last: where Tab enters its matrix
  }

  draw() {
    const { data, view, rows, kept } = this.explorer;
    const n = labelsOf(data, view).length;
    this.places = this.findPlaces();
    const counts = (of) => counted(rows, data.series[of].codes, kept, n);
    const a = counts(view.a);
    const figures = [this.figure("a", a, view.a)];
    if (view.b >= 0) {
      const b = counts(view.b);
      const difference = b.map((row, i) => row.map((count, j) => count - a[i][j]));
      figures.push(this.figure("b", b, view.b), this.figure("change", difference, -1));
    }
    this.figures.replaceChildren(...figures);
    this.pairs.replaceChildren(...this.commonest(a, n));
  }

  /** Positions of the rows and columns shown: all labels, and answers outside them and clips without a label if any. */
  findPlaces() {
    const { data, view, rows, series } = this.explorer;
    const n = labelsOf(data, view).length;
    const isOutside = (of) => { // a series' codes never change
      const one = data.series[of];
      one.outside ??= one.codes.includes(n);
      return one.outside;
    };
    const shown = (some, last) => [...Array(n + 2).keys()].filter((at) => at < n || (at === n ? some : last));
    const rowsOutside = Number.isInteger(view.rows) && isOutside(view.rows);
    return { rows: shown(rowsOutside, rows.some((row) => row < 0)), columns: shown(series.some(isOutside), true) };
  }

  figure(which, counts, of) {
    const names = namesOf(this.explorer.data, this.explorer.view);
    const { places } = this;
    const caption = this.caption(which, of);
    const shades = this.shades(which, counts);
    const head = el("tr", {}, el("td", { class: "fer-corner" }, "row ╲ column"),
      ...places.columns.map((j) => this.heading(which, "column", names[j], "")));
    const total = (i) => (which === "change" ? "" : ` ${sum(counts[i].slice(0, -1))}`);
    const body = places.rows.map((i) => el("tr", {}, this.heading(which, "row", names[i], total(i)),
      ...places.columns.map((j) => this.cell({ which, counts, i, j, row: names[i], column: names[j], of }, shades))));
    const table = el("table", { role: "grid", "aria-label": caption, ...test(`matrix-${which}`),
      onkeydown: (event) => this.key(event, which) }, el("thead", {}, head), el("tbody", {}, ...body));
    this.oneTabStop(table, which);
    const words = el("figcaption", {}, el("b", {}, caption), el("br"), this.measure(which, counts));
    return el("figure", {}, words, table);
  }

  /** The head of a row or column, which chooses all its clips; of a difference it is only a name. */
  heading(which, side, name, total) {
    const head = el("th", { scope: side === "row" ? "row" : "col" }, name, total && el("small", {}, total));
    if (which === "change") return head;
    const place = { row: null, column: null, [side]: name };
    const words = `all clips of ${side} ${name}`;
    const properties = { tabindex: -1, title: words, ...test(`${which}-${side}-${name}`), "data-cell": "",
      "aria-selected": String(this.isSelected(which, place.row, place.column)), [`data-${side}`]: name };
    Object.entries(properties).forEach(([key, value]) => head.setAttribute(key, value));
    head.addEventListener("click", () => this.pick(head, which));
    return head;
  }

  caption(which, of) {
    const { explorer, explorer: { data: { series }, view } } = this;
    if (which === "change") return `Difference: ${series[view.b].title} − ${series[view.a].title}`;
    return `${explorer.titleBeside(series[of], series[view.a])} in columns`;
  }

  /** What the matrix comes to, in one line, with its interval. */
  measure(which, counts) {
    if (which === "change") return this.changed();
    const { accuracies } = this.explorer;
    const { hits, answered } = agreeing(counts, counts.length - 2);
    const all = sum(counts.map(sum));
    if (!answered) return `${clipsWord(all)}, none with a label in both row and column`;
    const rest = all > answered ? `, ${all - answered} more without a label` : "";
    const words = accuracies.say(which, hits / answered, `; ${clipsWord(answered)}${rest}`);
    return el("span", test(`accuracy-${which}`), words);
  }

  changed() {
    const { explorer, explorer: { data, data: { series }, view, rows, kept, accuracies } } = this;
    const [a, b] = [series[view.a].codes, series[view.b].codes];
    const { all, better, worse, n, won, lost } = changes(rows, a, b, kept, labelsOf(data, view).length);
    const sides = `${clipsWord(all)} with a different label: ${better} to the row's label, ${worse} away from it`;
    const difference = n ? accuracies.say("change", (won - lost) / n, ` on the ${clipsWord(n)} both answer`) : "";
    return el("span", {}, button(sides, () => explorer.select({ matrix: "change" }), test("changed")), " ",
      el("span", test("accuracy-change"), difference));
  }

  /**
   * Share and colour (0 to 1) of a cell; differences are shaded by their size. As recall and precision in the report,
   * shares are of the clips with a label in row and column: those without have none.
   */
  shades(which, counts) {
    const { view } = this.explorer;
    const last = counts.length - 1;
    const totals = this.totals(counts)[view.shares];
    const hidden = (i, j) => view.hide_diagonal && i === j;
    const share = (i, j) => {
      if (hidden(i, j)) return 0;
      if (which === "change") return counts[i][j];
      return i === last || j === last ? 0 : counts[i][j] / (totals[view.shares === "row" ? i : j] || 1);
    };
    const largest = Math.max(...counts.flatMap((row, i) => row.map((_, j) => Math.abs(share(i, j)))));
    const full = which === "change" || view.hide_diagonal ? largest || 1 : 1;
    return { share, hidden, colour: (i, j) => Math.abs(share(i, j)) / full };
  }

  /** Clips with a label in row and column, by row and by column. */
  totals(counts) {
    const answered = counts.slice(0, -1);
    return { row: counts.map((row) => sum(row.slice(0, -1))),
      column: counts[0].map((_, j) => sum(answered.map((row) => row[j]))) };
  }

  cell(place, { share, hidden, colour }) {
    const { which, counts, i, j, row, column } = place;
    const count = counts[i][j];
    const words = this.inWords(place);
    const cell = el("td", {
      ...{ role: "gridcell", tabindex: -1, "aria-selected": String(this.isSelected(which, row, column)) },
      ...{ "aria-label": words, title: words, ...test(`${which}-${row}-${column}`) },
      ...{ "data-cell": "", "data-row": row, "data-column": column, "data-count": count },
      onclick: () => this.pick(cell, which),
    });
    if (hidden(i, j)) cell.classList.add("fer-hidden");
    else if (!count) cell.append("·");
    else if (which === "change") cell.append(count > 0 ? `+${count}` : `−${-count}`);
    else if (counts.length - 1 === i || counts.length - 1 === j) cell.append(String(count));
    else cell.append(String(count), el("small", {}, percent(share(i, j))));
    const part = Math.round(colour(i, j) * (which === "change" ? 70 : 100)); // the colours' ends must bear text too
    cell.style.setProperty("--fer-part", `${part}%`);
    cell.classList.toggle("fer-less", count < 0);
    cell.classList.toggle("fer-full", part >= 95);
    return cell;
  }

  pick(cell, which) {
    const { row = null, column = null } = cell.dataset;
    this.tabStop = { which, row, column };
    cell.focus();
    this.explorer.select({ matrix: which, row, column });
  }

  inWords({ which, counts, i, j, row, column, of }) {
    const place = `row ${row}, column ${column}`;
    if (which === "change") return `${place}: ${counts[i][j] > 0 ? "+" : ""}${counts[i][j]} clips`;
    const many = `${place}: ${clipsWord(counts[i][j])}`;
    if (row === NO_LABEL || column === NO_LABEL) return `${many}${column === NO_LABEL ? this.why(row, of) : ""}`;
    const totals = this.totals(counts);
    const shareOf = (total) => (total ? percent(counts[i][j] / total) : "–");
    return `${many}, ${shareOf(totals.row[i])} of the row, ${shareOf(totals.column[j])} of the column`;
  }

  why(row, of) {
    const { data, view, rows, kept } = this.explorer;
    const found = failures(data, data.series[of].codes, rows, kept, codeOf(namesOf(data, view), row));
    return found.length ? ` (${found.map(([status, count]) => `${status} ${count}`).join(", ")})` : "";
  }

  isSelected(which, row, column) {
    const { selected } = this.explorer;
    return selected.matrix === which && (selected.row ?? null) === row && (selected.column ?? null) === column;
  }

  /** Tab enters a matrix once, at the cell used last; arrows go on from there. */
  oneTabStop(table, which) {
    const { row, column } = this.tabStop.which === which ? this.tabStop : this.explorer.selected;
    const cells = [...table.querySelectorAll("[data-cell]")];
    const last = cells.find((cell) => cell.dataset.row == row && cell.dataset.column == column);
    (last ?? table.querySelector("[role=gridcell]")).tabIndex = 0;
  }

  key(event, which) {
    const cell = event.target.closest("[data-cell]");
    if (!cell) return;
    const rows = [...event.currentTarget.rows];
    const [y, x, end] = [rows.indexOf(cell.parentElement), cell.cellIndex, cell.parentElement.cells.length - 1];
    const moves = { ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1],
      Home: [y, 1], End: [y, end] };
    if (event.key in moves) {
      const [down, across] = moves[event.key];
      this.moveTo(rows[down]?.cells[across], cell, which);
    } else if (event.key === "Enter" || event.key === " ") this.pick(cell, which);
    else if (event.key === "Escape") this.explorer.select({});
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  moveTo(goal, from, which) {
    if (goal?.dataset.cell == null) return;
    from.tabIndex = -1;
    goal.tabIndex = 0;
    this.tabStop = { which, row: goal.dataset.row ?? null, column: goal.dataset.column ?? null };
    goal.focus();
  }

  /** Escape in the clips leads back to the cell they belong to. */
  focus() {
    const selected = this.figures.querySelector('[data-cell][aria-selected="true"]');
    (selected ?? this.figures.querySelector("[data-cell][tabindex='0']")).focus();
  }

  commonest(counts, n) {
    const { explorer, explorer: { data, view } } = this;
    const names = labelsOf(data, view);
    const item = ([i, j, clips, share]) => {
      const [row, column] = [names[i], names[j]];
      const chosen = { "aria-pressed": String(this.isSelected("a", row, column)), ...test(`pair-${row}-${column}`) };
      const pair = button(`${row} → ${column}`, () => explorer.select({ matrix: "a", row, column }), chosen);
      return el("li", {}, pair, ` ${clips}, ${percent(share)}`);
    };
    const pairs = confusedPairs(counts, n).slice(0, PAIRS);
    const { hits, answered } = agreeing(counts, n);
    const [most, every] = explorer.accuracies.isAgreement ? ["Commonest disagreements", "All disagreements"]
      : ["Most confused", "All errors"];
    const errors = button(`${every}, surest first: ${answered - hits}`, () => explorer.select({ matrix: "errors" }),
      { "aria-pressed": String(explorer.selected.matrix === "errors"), ...test("errors") });
    return answered > hits ? [errors, el("b", {}, most), el("ol", {}, ...pairs.map(item))] : [];
  }
}
