// One clip as a card: frames, label, what annotators say of it, votes, probabilities, reply, and the reviewer's mark.

class Card {
  constructor(explorer, clip) {
    this.explorer = explorer;
    this.clip = clip;
    this.id = explorer.data.clips[clip];
    this.element = el("article", { ...test("card"), "data-clip": clip, tabindex: -1,
      "aria-label": `clip ${shortened(this.id)}` });
    this.draw();
  }

  draw() {
    const { explorer: { data, view, series, marks }, clip, id } = this;
    const mark = marks.of(id);
    const facts = Object.entries(data.facets)
      .map(([name, { values, codes }]) => [facetName(name), values[codes[clip]]]).filter(([, value]) => value);
    const truth = labelsOf(data, view)[data.truth[taxonomyOf(data, view)][clip]] ?? NO_LABEL;
    const said = marks.hides(id) ? [el("p", { class: "fer-soft" }, "The prediction is hidden until you mark the clip.")]
      : [...series.map((of) => this.said(of)), el("div", { class: "fer-about", ...test("about") }, "…")];
    this.shown = essence(mark);
    this.element.classList.toggle("fer-has-mark", Boolean(mark?.verdict));
    this.element.replaceChildren(
      el("header", {}, el("b", { class: "fer-id", ...scrolling(id, 120) }, id), " ",
        el("small", {}, facts.map(([name, value]) => `${name} ${value}`).join(" · "))),
      el("div", { class: "fer-strip" }),
      el("p", {}, "label ", el("b", {}, truth), el("span", { class: "fer-original" })),
      ...said, this.marking(mark));
    if (this.answer) this.fill(this.answer);
  }

  /** What a series says of the clip, in a line. */
  said(of) {
    const { data } = this.explorer;
    const { title, taxonomy, codes, confidence } = data.series[of];
    const [code, labels] = [codes[this.clip], data.labels[taxonomy]];
    const status = code < 0 ? data.statuses[-1 - code] : "a label outside the label set";
    const words = el("b", { class: labels[code] ? null : "fer-status" }, labels[code] ?? status);
    const sure = confidence[this.clip] < 0 ? "" : ` ${decimal(confidence[this.clip] / 100, 2)}`;
    return el("p", {}, `${title}: `, words, sure);
  }

  // - what Python knows of the clip

  fill(answer) {
    this.answer = answer;
    const { explorer, explorer: { data }, clip, id, element } = this;
    const { item, url } = answer;
    if (url) {
      const image = el("img", { src: url, alt: `key frames of ${shortened(id)}`, ...test("frames") });
      const open = { "aria-label": "Show the frames large", ...test(`large-${clip}`) };
      element.querySelector(".fer-strip").replaceChildren(button(image, () => explorer.large.open(clip, url), open));
    }
    const said = item.original && item.original !== data.labels.seven[data.truth.seven[clip]];
    element.querySelector(".fer-original").textContent = said ? ` (corpus: ${item.original})` : "";
    element.querySelector(".fer-about")
      ?.replaceChildren(...explorer.series.map((of) => this.about(of, item.about[of])));
    element.dataset.loaded = "true";
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
    return el("div", { class: "fer-probability" },
      el("span", {}, name), el("span", { class: "fer-track" }, line), el("span", {}, share.toFixed(2)));
  }

  /** The label of each reply, and what it says besides. */
  votes(replies) {
    if (!replies.length) return [];
    const frames = ({ frames: [first, ...more] }) =>
      (more.length ? `frames ${first}–${more.at(-1)}` : first ? `frame ${first}` : "the clip as a video");
    const vote = (reply) =>
      el("li", { title: frames(reply), class: reply.label ? null : "fer-status" }, reply.label ?? reply.status);
    const words = (reply) =>
      el("p", { class: "fer-words", dir: "auto", ...scrolling(reply.words, 600) }, el("small", {}, `${frames(reply)}: `), reply.words);
    const label = { class: "fer-votes", "aria-label": "label of each reply, in the order of frames" };
    return [el("ol", label, ...replies.map(vote)), ...replies.filter((reply) => reply.words).map(words)];
  }

  // - the reviewer's mark

  /** Give the clip this verdict, or take it back where it has it; null takes back whatever it has. */
  judge(verdict) {
    const { explorer: { marks }, id } = this;
    marks.change(this.clip, { verdict: marks.of(id)?.verdict === verdict ? null : verdict });
    this.drawMark();
  }

  /** Draw the card anew if its mark is not the one shown. */
  drawMark() {
    const mark = this.explorer.marks.of(this.id);
    if (this.shown === essence(mark)) return;
    this.explorer.keepingFocus(() => this.draw());
  }

  /** A change of suggestion or note: the page shows it already, and what is being clicked must stay. */
  amend(change) {
    this.explorer.marks.change(this.clip, change);
    this.shown = essence(this.explorer.marks.of(this.id));
  }

  marking(mark) {
    const { clip, id, explorer: { data } } = this;
    const verdicts = VERDICTS.map((verdict, at) => button(verdict, () => this.judge(verdict), {
      ...{ "aria-pressed": String(mark?.verdict === verdict), "aria-keyshortcuts": String(at + 1) },
      ...{ title: `key ${at + 1}; 0 takes it back`, ...test(`verdict-${clip}-${at}`) } }));
    if (!mark?.verdict) return el("div", { class: "fer-marking" }, ...verdicts);
    const note = el("input", {
      ...{ type: "text", maxlength: 2000, placeholder: "note", value: mark.note },
      ...{ "aria-label": `Note on ${shortened(id)}`, ...test(`note-${clip}`) },
      onchange: () => this.amend({ note: note.value }),
    });
    const options = [[null, "no suggestion"], ...data.labels.seven.map((label) => [label, label])];
    const suggested = choice("better:", `suggested-${clip}`, options, mark.suggested,
      (label) => this.amend({ suggested: label }));
    return el("div", { class: "fer-marking" }, ...verdicts, suggested, note);
  }
}
