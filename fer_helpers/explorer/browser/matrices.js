// The matrices: one annotator's, or two and their difference; mouse and keyboard; the commonest pairs.

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

  /** Column names; rows have the same, but no last one where every clip has a row's label. */
  names() {
    const { data, view, rows } = this.explorer;
    const columns = [...labelsOf(data, view), NO_LABEL];
    return { columns, rows: rows.some((row) => row < 0) ? columns : columns.slice(0, -1) };
  }

  figure(which, counts, of) {
    const names = this.names();
    const caption = this.caption(which, of);
    const shades = this.shades(which, counts);
    const head = el("tr", {}, el("td", { class: "fer-corner" }, "row ╲ column"),
      ...names.columns.map((name) => el("th", { scope: "col" }, name)));
    const body = names.rows.map((row, i) => el("tr", {},
      el("th", { scope: "row" }, row, el("small", {}, which === "change" ? "" : ` ${sum(counts[i])}`)),
      ...names.columns.map((column, j) => this.cell({ which, counts, i, j, row, column, of }, shades))));
    const table = el("table", { role: "grid", "aria-label": caption, ...test(`matrix-${which}`),
      onkeydown: (event) => this.key(event, which) }, el("thead", {}, head), el("tbody", {}, ...body));
    this.oneTabStop(table, which);
    const words = el("figcaption", {}, el("b", {}, caption), el("br"), this.measure(which, counts));
    return el("figure", {}, words, table);
  }

  caption(which, of) {
    const { explorer, explorer: { data: { series }, view } } = this;
    if (which === "change") return `Difference: ${series[view.b].title} − ${series[view.a].title}`;
    return `${explorer.titleBeside(series[of], series[view.a])} in columns`;
  }

  /** What the matrix comes to, in one line, with its interval. */
  measure(which, counts) {
    if (which === "change") return this.changed();
    const n = counts.length - 1;
    const square = counts.slice(0, n).map((row) => row.slice(0, n));
    const [all, labelled] = [sum(counts.map(sum)), sum(square.map(sum))];
    if (!labelled) return `${clipsWord(all)}, none with a label in both row and column`;
    const hits = sum(square.map((row, i) => row[i]));
    const ends = wilson(hits, labelled).map((end) => Math.round(100 * end)).join(", ");
    const word = Number.isInteger(this.explorer.view.rows) ? "agreement" : "accuracy";
    const rest = all > labelled ? `; ${all - labelled} more without a label` : "";
    return `${word} ${percent(hits / labelled)} [${ends}] of ${clipsWord(labelled)}${rest}`;
  }

  changed() {
    const { explorer, explorer: { data: { series }, view, rows, kept } } = this;
    const { all, better, worse, n, won, lost } = changes(rows, series[view.a].codes, series[view.b].codes, kept);
    const [difference, ...ends] = pairedDifference(won, lost, n).map((share) => Math.round(100 * share));
    const sign = difference > 0 ? "+" : "";
    const points = `${sign}${difference} points [${ends.join(", ")}] on the ${clipsWord(n)} both label`;
    const sides = `${clipsWord(all)} with a different label: ${better} to the row's label, ${worse} away from it`;
    const words = n ? `${sides}; ${points}` : sides;
    return button(words, () => explorer.select({ matrix: "change" }), test("changed"));
  }

  /** Share and colour (0 to 1) of a cell; differences are shaded by their size. */
  shades(which, counts) {
    const { view } = this.explorer;
    const columns = counts[0].map((_, j) => sum(counts.map((row) => row[j])));
    const hidden = (i, j) => view.hide_diagonal && i === j;
    const total = (i, j) => (view.shares === "row" ? sum(counts[i]) : columns[j]);
    const share = (i, j) => {
      if (hidden(i, j)) return 0;
      return which === "change" ? counts[i][j] : counts[i][j] / (total(i, j) || 1);
    };
    const largest = Math.max(...counts.flatMap((row, i) => row.map((_, j) => Math.abs(share(i, j)))));
    const full = which === "change" || view.hide_diagonal ? largest || 1 : 1;
    return { share, hidden, colour: (i, j) => Math.abs(share(i, j)) / full };
  }

  cell(place, { share, hidden, colour }) {
    const { which, counts, i, j, row, column } = place;
    const count = counts[i][j];
    const words = this.inWords(place);
    const cell = el("td", {
      ...{ role: "gridcell", tabindex: -1, "aria-selected": String(this.isSelected(which, row, column)) },
      ...{ "aria-label": words, title: words, ...test(`${which}-${row}-${column}`) },
      ...{ "data-row": row, "data-column": column, "data-count": count },
      onclick: () => this.pick(cell, which),
    });
    if (hidden(i, j)) cell.classList.add("fer-hidden");
    else if (!count) cell.append("·");
    else if (which === "change") cell.append(count > 0 ? `+${count}` : `−${-count}`);
    else cell.append(String(count), el("small", {}, percent(share(i, j))));
    const part = Math.round(colour(i, j) * (which === "change" ? 70 : 100)); // the colours' ends must bear text too
    cell.style.setProperty("--fer-part", `${part}%`);
    cell.classList.toggle("fer-less", count < 0);
    cell.classList.toggle("fer-full", part >= 95);
    return cell;
  }

  pick(cell, which) {
    this.tabStop = { which, row: cell.dataset.row, column: cell.dataset.column };
    cell.focus();
    this.explorer.select({ matrix: which, row: cell.dataset.row, column: cell.dataset.column });
  }

  inWords({ which, counts, i, j, row, column, of }) {
    const place = `row ${row}, column ${column}`;
    if (which === "change") return `${place}: ${counts[i][j] > 0 ? "+" : ""}${counts[i][j]} clips`;
    const shareOf = (total) => (total ? percent(counts[i][j] / total) : "–");
    const ofColumn = shareOf(sum(counts.map((line) => line[j])));
    const shares = `${shareOf(sum(counts[i]))} of the row, ${ofColumn} of the column`;
    return `${place}: ${clipsWord(counts[i][j])}, ${shares}${column === NO_LABEL ? this.why(row, of) : ""}`;
  }

  why(row, of) {
    const { data, view, rows, kept } = this.explorer;
    const found = failures(data, data.series[of].codes, rows, kept, codeOf(labelsOf(data, view), row));
    return found.length ? ` (${found.map(([status, count]) => `${status} ${count}`).join(", ")})` : "";
  }

  isSelected(which, row, column) {
    const { selected } = this.explorer;
    return selected.matrix === which && selected.row === row && selected.column === column;
  }

  /** Tab enters a matrix once, at the cell used last; arrows go on from there. */
  oneTabStop(table, which) {
    const { row, column } = this.tabStop.which === which ? this.tabStop : this.explorer.selected;
    const cells = [...table.querySelectorAll("[role=gridcell]")];
    const last = cells.find((cell) => cell.dataset.row === row && cell.dataset.column === column);
    (last ?? cells[0]).tabIndex = 0;
  }

  key(event, which) {
    const cell = event.target.closest("[role=gridcell]");
    if (!cell) return;
    const rows = [...event.currentTarget.tBodies[0].rows];
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
    if (goal?.getAttribute("role") !== "gridcell") return;
    from.tabIndex = -1;
    goal.tabIndex = 0;
    this.tabStop = { which, row: goal.dataset.row, column: goal.dataset.column };
    goal.focus();
  }

  /** Escape in the clips leads back to the cell they belong to. */
  focus() {
    const selected = this.figures.querySelector('[role=gridcell][aria-selected="true"]');
    (selected ?? this.figures.querySelector("[role=gridcell][tabindex='0']")).focus();
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
    const words = Number.isInteger(view.rows) ? "Commonest disagreements" : "Most confused";
    return pairs.length ? [el("b", {}, words), el("ol", {}, ...pairs.map(item))] : [];
  }
}
