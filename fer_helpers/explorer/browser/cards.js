// The clips of what is selected: pages of cards, each with frames, label, votes, probabilities, reply and marks.

const PAGE = 12; // clips

class Cards {
  constructor(explorer) {
    this.explorer = explorer;
    this.page = 0;
    this.unsaved = new Map(); // clip_id -> its mark as shown, until Python has kept it
    this.cards = new Map(); // position of a clip -> its card
    this.head = el("div", { class: "fer-head" });
    this.list = el("div", { class: "fer-cards", ...test("cards"), onkeydown: (event) => this.leave(event) });
    this.pane = el("div", { class: "fer-pane" }, this.head, this.list);
    this.status = el("div", { role: "status" }); // tells a screen reader what a click has found
  }

  get pages() { return Math.max(1, Math.ceil(this.found.length / PAGE)); }

  draw() {
    const { data, view, selected, marks, rows, kept } = this.explorer;
    this.found = positions(data, view, selected, marks, rows, kept);
    this.page = Math.min(this.page, this.pages - 1);
    const now = this.found.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.cards = new Map(now.map((clip) => [clip, this.card(clip)]));
    this.list.replaceChildren(...this.cards.values());
    this.drawHead();
    this.explorer.ask(now);
  }

  drawHead() {
    const { explorer } = this;
    const turn = (by, words, name) => {
      const goal = this.page + by;
      const go = () => { this.page = goal; explorer.keepingFocus(() => this.draw()); };
      return button(words, go, { ...test(name), disabled: goal < 0 || goal >= this.pages });
    };
    const pager = this.pages > 1 ? [turn(-1, "◀ previous", "previous"), turn(1, "next ▶", "next")] : [];
    const words = this.heading();
    this.head.replaceChildren(el("h3", test("heading"), words), ...pager, ...this.exports());
    this.status.textContent = words;
  }

  heading() {
    const { selected, view, data } = this.explorer;
    if (!selected.matrix) return "Choose a cell, or a pair, to see its clips";
    const page = this.pages > 1 ? `, page ${this.page + 1} of ${this.pages}` : "";
    const many = `${clipsWord(this.found.length)}${page}`;
    if (selected.matrix === "marked") return `Marked: ${many}`;
    if (selected.row == null) return `Different label: ${many}`;
    const which = { a: "", b: ` in ${data.series[view.b]?.title}`, change: ", in one of the two" }[selected.matrix];
    return `${selected.row} → ${selected.column}${which}: ${many}`;
  }

  exports() {
    const marks = Object.values(this.explorer.marks);
    if (!marks.length) return [];
    const save = (words, name, label, make, file, type) =>
      button(words, () => download(file, make(marks), type), { ...test(name), "aria-label": label });
    return [
      button(`Marked: ${marks.length}`, () => this.explorer.select({ matrix: "marked" }), test("marked")),
      save("CSV", "csv", "Export the marks as CSV", csv, "marks.csv", "text/csv"),
      save("Label Studio", "label-studio", "Export the marks as Label Studio tasks", labelStudio,
        "label_studio_tasks.json", "application/json"),
    ];
  }

  /** Escape leads back from the clips to the cell they belong to. */
  leave(event) {
    if (event.key === "Escape") this.explorer.matrices.focus();
  }

  card(clip) {
    const { data, view, series } = this.explorer;
    const id = data.clips[clip];
    const mark = this.markOf(id);
    const truth = labelsOf(data, view)[data.truth[taxonomyOf(data, view)][clip]] ?? NO_LABEL;
    const facts = Object.values(data.facets).map(({ values, codes }) => values[codes[clip]]).filter(Boolean);
    const marked = { "data-mark": essence(mark), class: mark?.verdict ? "fer-has-mark" : null };
    return el("article", { ...test("card"), "data-clip": clip, ...marked },
      el("header", {}, el("b", { class: "fer-id" }, id), " ", el("small", {}, facts.join(" · "))),
      el("div", { class: "fer-strip" }),
      el("p", {}, "label ", el("b", {}, truth), el("span", { class: "fer-original" })),
      ...series.map((of) => this.said(of, clip)),
      el("div", { class: "fer-about", ...test("about") }, el("p", { class: "fer-soft" }, "…")),
      this.marking(clip, id, mark));
  }

  /** What a series says of a clip, in a line. */
  said(of, clip) {
    const { data } = this.explorer;
    const { title, taxonomy, codes, confidence } = data.series[of];
    const label = data.labels[taxonomy][codes[clip]];
    const words = el("b", { class: label ? null : "fer-status" }, label ?? data.statuses[-1 - codes[clip]]);
    const sure = confidence[clip] < 0 ? "" : ` ${(confidence[clip] / 100).toFixed(2)}`;
    return el("p", {}, `${title}: `, words, sure);
  }

  // - what Python knows of a clip

  fill(clip, { item, url }) {
    const { explorer, explorer: { data } } = this;
    const card = this.cards.get(clip);
    if (!card) return;
    if (url) {
      const image = el("img", { src: url, alt: `key frames of ${shortened(data.clips[clip])}`, ...test("frames") });
      const open = { "aria-label": "Show the frames large", ...test(`large-${clip}`) };
      card.querySelector(".fer-strip").replaceChildren(button(image, () => explorer.large.open(clip, url), open));
    }
    const said = item.original && item.original !== data.labels.seven[data.truth.seven[clip]];
    card.querySelector(".fer-original").textContent = said ? ` (corpus: ${item.original})` : "";
    const about = explorer.series.map((of) => this.about(of, item.about[of]));
    card.querySelector(".fer-about").replaceChildren(...about);
    card.dataset.loaded = "true";
  }

  about(of, { status, probabilities = [], tokens, tie, replies }) {
    const { title, taxonomy } = this.explorer.data.series[of];
    const facts = [
      this.explorer.series.length > 1 ? title : "",
      status === "ok" ? "" : status,
      tie ? "a tied vote" : "",
      tokens == null ? "" : `${tokens} tokens`,
    ];
    const names = this.explorer.data.labels[taxonomy];
    return el("section", {}, el("p", { class: "fer-soft" }, facts.filter(Boolean).join(" · ")), ...this.votes(replies),
      el("div", { class: "fer-bars" }, ...probabilities.map((share, at) => this.probability(names[at], share))));
  }

  probability(name, share) {
    const line = el("i");
    line.style.setProperty("--fer-share", `${100 * share}%`);
    const words = share.toFixed(2);
    return el("div", { class: "fer-probability" },
      el("span", {}, name), el("span", { class: "fer-track" }, line), el("span", {}, words));
  }

  /** The label of each reply, and what it says besides. */
  votes(replies) {
    if (!replies.length) return [];
    const frames = ({ frames: [first, ...more] }) =>
      (more.length ? `frames ${first}–${more.at(-1)}` : `frame ${first}`);
    const vote = (reply) =>
      el("li", { title: frames(reply), class: reply.label ? null : "fer-status" }, reply.label ?? reply.status);
    const words = (reply) =>
      el("p", { class: "fer-words", dir: "auto" }, el("small", {}, `${frames(reply)}: `), reply.words);
    const label = { class: "fer-votes", "aria-label": "label of each reply, in the order of frames" };
    return [el("ol", label, ...replies.map(vote)), ...replies.filter((reply) => reply.words).map(words)];
  }

  // - marks

  markOf(id) { return this.unsaved.get(id) ?? this.explorer.marks[id]; }

  marking(clip, id, mark) {
    const press = (verdict) => {
      this.mark(clip, { verdict: this.markOf(id)?.verdict === verdict ? null : verdict });
      this.drawMarkings();
    };
    const verdicts = VERDICTS.map((verdict, at) => button(verdict, () => press(verdict),
      { "aria-pressed": String(mark?.verdict === verdict), ...test(`verdict-${clip}-${at}`) }));
    if (!mark?.verdict) return el("div", { class: "fer-marking" }, ...verdicts);
    const note = el("input", {
      ...{ type: "text", maxlength: 2000, placeholder: "note", value: mark.note },
      ...{ "aria-label": `Note on ${shortened(id)}`, ...test(`note-${clip}`) },
      onchange: () => this.mark(clip, { note: note.value }, true),
    });
    const options = [[null, "no suggestion"], ...this.explorer.data.labels.seven.map((label) => [label, label])];
    const suggested = choice("better:", `suggested-${clip}`, options, mark.suggested,
      (label) => this.mark(clip, { suggested: label }, true));
    return el("div", { class: "fer-marking" }, ...verdicts, suggested, note);
  }

  /** Send a change of a clip's mark; with `shown` the page shows it already, and what is being clicked must stay. */
  mark(clip, change, shown = false) {
    const { data, view, selected, model } = this.explorer;
    const id = data.clips[clip];
    const one = data.series[selected.matrix === "b" ? view.b : view.a];
    const { verdict = null, suggested = null, note = "" } = { ...this.markOf(id), ...change };
    if (essence({ verdict, suggested, note }) === essence(this.markOf(id))) return;
    this.unsaved.set(id, { verdict, suggested, note });
    if (shown) this.cards.get(clip).dataset.mark = essence(this.unsaved.get(id));
    const label = data.labels.seven[data.truth.seven[clip]] ?? null;
    const predicted = data.labels[one.taxonomy][one.codes[clip]] ?? null;
    const { strategy, taxonomy, asked } = one;
    const about = { label, predicted, strategy, model: one.model, taxonomy, asked };
    model.send({ type: "mark", clip, mark: { clip_id: id, verdict, suggested, note, ...about } });
  }

  /** Python has kept a mark, or another explorer's: what somebody types into a note meanwhile stays. */
  kept() {
    for (const [id, mark] of this.unsaved) {
      if (essence(mark) === essence(this.explorer.marks[id])) this.unsaved.delete(id);
    }
  }

  /** A mark could not be kept: show those that are. */
  refused() {
    this.unsaved.clear();
    this.drawMarkings();
  }

  /** Draw the buttons of each clip whose mark is not the one shown. */
  drawMarkings() {
    this.explorer.keepingFocus(() => {
      for (const [clip, card] of this.cards) {
        const id = this.explorer.data.clips[clip];
        const mark = this.markOf(id);
        if (card.dataset.mark === essence(mark)) continue;
        card.dataset.mark = essence(mark);
        card.classList.toggle("fer-has-mark", Boolean(mark?.verdict));
        card.querySelector(".fer-marking").replaceWith(this.marking(clip, id, mark));
      }
    });
  }
}
