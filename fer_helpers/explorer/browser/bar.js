// Above the matrices: what this is about, what is shown, the filters, and a chip for each thing not as at first.

class Bar {
  constructor(explorer) {
    this.explorer = explorer;
    this.title = el("p", { class: "fer-soft", ...test("title") }, this.about());
    this.controls = el("div", { class: "fer-bar" });
    this.chips = el("div", { class: "fer-chips" });
  }

  draw() {
    this.controls.replaceChildren(...this.series(), ...this.beside(), ...this.filters(), ...this.reviewing());
    this.chips.replaceChildren(...this.deviations(), ...this.filtered());
  }

  /** Run, corpus and model, by name. */
  about() {
    const { data } = this.explorer;
    const one = ({ run, corpus, model }) => [
      `Run ${run}`, ...(corpus ? [`corpus ${corpus}`] : []), ...(model && model !== "none" ? [`model ${model}`] : [])];
    return [...data.about.flatMap(one), clipsWord(data.clips.length)].join(" · ");
  }

  /** Selects of the series shown, as far as there is a choice. */
  series() {
    const { data, view } = this.explorer;
    const a = data.series[view.a];
    const inQuestion = (one) => one.question === a.question && one.source === a.source;
    const select = (name, words, fits) => {
      const values = [...new Set(data.series.filter(fits).map((one) => one[name]))];
      if (values.length < 2) return [];
      const options = values.map((value) => [value, value]);
      return [choice(words, name, options, a[name], (value) => this.choose(this.closest(name, value)))];
    };
    return [
      ...select("question", "Question", () => true),
      ...select("run", "Run", () => true),
      ...select("strategy", "Strategy", inQuestion),
      ...select("model", "Model", (one) => inQuestion(one) && one.strategy === a.strategy),
    ];
  }

  /** What the series is compared with, what stands in rows, what shares are of. */
  beside() {
    const { explorer, explorer: { data, view, marks } } = this;
    const a = data.series[view.a];
    const peers = data.series.map((one, at) => [at, one])
      .filter(([, one]) => one !== a && one.taxonomy === a.taxonomy)
      .map(([at, one]) => [at, explorer.titleBeside(one, a)]);
    const rows = [["label", "the corpus's label"], ["corrected", "the label as you corrected it"], ...peers];
    const corrected = [...marks.own.values()].some((mark) => mark.suggested && mark.verdict === LOOKS_WRONG);
    if (!corrected && view.rows !== "corrected") rows.splice(1, 1);
    const shares = [["row", "the row (recall)"], ["column", "the column (precision)"]];
    const compare = [[-1, "nothing"], ...peers];
    return [
      ...(peers.length ? [choice("Compare with", "compare", compare, view.b, (b) => explorer.setView({ b }))] : []),
      choice("Rows", "rows", rows, view.rows, (value) => explorer.setView({ rows: value })),
      choice("Share of", "shares", shares, view.shares, (value) => explorer.setView({ shares: value })),
      this.box("diagonal", "hide_diagonal", "hide the diagonal"),
    ];
  }

  box(name, setting, words) {
    const { explorer } = this;
    const box = el("input", { type: "checkbox", ...test(name),
      onchange: () => explorer.setView({ [setting]: box.checked }) });
    box.checked = Boolean(explorer.view[setting]);
    return el("label", {}, box, ` ${words}`);
  }

  /** Whose marks these are, and whether predictions are hidden from them. */
  reviewing() {
    const { model } = this.explorer;
    const name = el("input", { type: "text", maxlength: 100, value: model.get("reviewer"), ...test("reviewer"),
      onchange: () => {
        model.set("reviewer", name.value.trim());
        model.save_changes();
      } });
    return [el("label", {}, "Reviewer ", name), this.box("blind", "blind", "blind: hide predictions until marked")];
  }

  filters() { return [...this.facets(), ...RANGES.map((name) => this.range(name))]; }

  facets() {
    const { explorer, explorer: { data, view } } = this;
    const facets = Object.entries(data.facets).filter(([, facet]) => facet.values.length > 1);
    if (!facets.length) return [];
    const select = el("select", { ...test("facet"), onchange: () => {
      const [name, value] = JSON.parse(select.value);
      explorer.setFilter(name, [...new Set([...(view.filters[name] ?? []), value])]);
    } }, el("option", { value: "" }, Object.keys(data.facets).map(facetName).join(", ")));
    for (const [name, { values }] of facets) {
      const option = (value) => el("option", { value: JSON.stringify([name, value]) }, value ?? "not known");
      select.append(el("optgroup", { label: facetName(name) }, ...values.map(option)));
    }
    return [el("label", {}, "Only ", select)];
  }

  range(name) {
    const { explorer } = this;
    const ends = explorer.view.filters[name] ?? EVERYTHING;
    const end = (which, words) => {
      const input = el("input", {
        ...{ type: "number", min: 0, max: 1, step: 0.05, value: ends[which] / 100 },
        ...{ "aria-label": `${name} ${words}`, ...test(`${name}-${words}`) },
        onchange: () => {
          const share = Math.min(1, Math.max(0, Number(input.value) || 0));
          explorer.setFilter(name, ends.with(which, Math.round(100 * share)));
        },
      });
      return input;
    };
    const words = name[0].toUpperCase() + name.slice(1);
    return el("span", { class: "fer-range" }, `${words} `, end(0, "from"), " – ", end(1, "to"));
  }

  /** The series that has `value` as its `name` and else most in common with the one shown. */
  closest(name, value) {
    const { series } = this.explorer.data;
    const a = series[this.explorer.view.a];
    const weights = Object.entries({ question: 8, run: 4, strategy: 2, model: 1 });
    const alike = (at) => sum(weights.map(([key, weight]) => (series[at][key] === a[key] ? weight : 0)));
    const candidates = [...series.keys()].filter((at) => series[at][name] === value);
    return candidates.sort((x, y) => alike(y) - alike(x) || x - y)[0];
  }

  /** Show series `a`; what is set beside it must be about the same labels, and not the same series. */
  choose(a) {
    const { series } = this.explorer.data;
    const { b, rows } = this.explorer.view;
    const fits = (other) => other !== a && series[other].taxonomy === series[a].taxonomy;
    const peer = series.findIndex((one, at) => fits(at) && one.question === series[a].question);
    const otherRows = peer >= 0 ? peer : "label";
    this.explorer.setView({
      a,
      b: b >= 0 && fits(b) ? b : -1,
      rows: !Number.isInteger(rows) || fits(rows) ? rows : otherRows,
    });
  }

  /** Everything that is not as it was at first, each with a cross to take it back. */
  deviations() {
    const { explorer, explorer: { data, view } } = this;
    const [a, first] = [data.series[view.a], data.series[data.first.a]];
    const chips = [];
    const chip = (words, remove) => chips.push(
      button(`${words} ✕`, remove, { class: "fer-chip", ...test("chip"), "aria-label": `Remove: ${words}` }));
    for (const name of ["question", "run", "strategy", "model"]) {
      if (a[name] !== first[name]) chip(`${name}: ${a[name]}`, () => this.choose(this.closest(name, first[name])));
    }
    if (view.b >= 0) {
      chip(`compared with ${explorer.titleBeside(data.series[view.b], a)}`, () => explorer.setView({ b: -1 }));
    }
    for (const [name, wanted] of Object.entries(view.filters).filter(isActive)) {
      if (!RANGES.includes(name)) {
        const without = (value) => wanted.filter((one) => one !== value);
        wanted.forEach((value) =>
          chip(`${facetName(name)}: ${value ?? "not known"}`, () => explorer.setFilter(name, without(value))));
      } else {
        const words = wanted.map((end) => (end / 100).toFixed(2)).join("–");
        chip(`${name} ${words}`, () => explorer.setFilter(name, EVERYTHING));
      }
    }
    return chips;
  }

  /** How many clips pass the filters, and a button that clears them all. */
  filtered() {
    const { explorer, explorer: { data, view, many } } = this;
    if (!Object.entries(view.filters).some(isActive)) return [];
    const words = `Filtered: ${many} of ${clipsWord(data.clips.length)}`;
    const clear = () => explorer.setView({ filters: {} });
    return [el("b", test("filtered"), words), button("Clear filters", clear, test("clear"))];
  }
}
