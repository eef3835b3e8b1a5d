// The clips of what is selected: pages of cards, and the one that keys act on.

const PAGE = 12; // clips
const ENOUGH = 250; // pixels of a card by which one sees what it is

class Cards {
  constructor(explorer) {
    this.explorer = explorer;
    this.page = 0;
    this.cards = new Map(); // position of a clip -> its card
    this.head = el("div", { class: "fer-head" });
    this.list = el("div", { class: "fer-cards", ...test("cards"), onfocusin: (event) => this.entered(event) });
    this.pane = el("div", { class: "fer-pane" }, this.head, this.list);
    this.status = el("div", { role: "status" }); // tells a screen reader what a click has found
  }

  get pages() { return Math.max(1, Math.ceil(this.found.length / PAGE)); }

  draw() {
    const { explorer, explorer: { data, view, selected, marks, rows, kept } } = this;
    this.found = positions(data, view, selected, marks.own, rows, kept);
    this.page = Math.min(this.page, this.pages - 1);
    const now = this.found.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.cards = new Map(now.map((clip) => [clip, new Card(explorer, clip)]));
    this.list.replaceChildren(...[...this.cards.values()].map((card) => card.element));
    this.current = 0;
    this.oneTabStop();
    this.drawHead();
    explorer.ask(now);
  }

  drawHead() {
    const { explorer } = this;
    const turn = (by, words, name) => button(words, () => explorer.keepingFocus(() => this.turn(by)),
      { ...test(name), disabled: !this.has(by) });
    const pager = this.pages > 1 ? [turn(-1, "◀ previous", "previous"), turn(1, "next ▶", "next")] : [];
    const words = this.heading();
    this.head.replaceChildren(el("h2", test("heading"), words), ...pager,
      button(`All clips: ${explorer.many}`, () => explorer.select({ matrix: "all" }), test("all")),
      ...this.exports());
    this.status.textContent = words;
  }

  has(by) { return this.page + by >= 0 && this.page + by < this.pages; }

  turn(by) {
    this.page += by;
    this.draw();
  }

  heading() {
    const { selected, view, data, accuracies } = this.explorer;
    if (!selected.matrix) return "Choose a cell, or a pair, to see its clips";
    const page = this.pages > 1 ? `, page ${this.page + 1} of ${this.pages}` : "";
    const many = `${clipsWord(this.found.length)}${page}`;
    if (view.blind) return `Blind review: ${many}`;
    const errors = accuracies.isAgreement ? "All disagreements" : "All errors";
    const whole = { marked: "Marked", errors: `${errors}, surest first`, all: "All clips" }[selected.matrix];
    if (whole) return `${whole}: ${many}`;
    if (selected.row == null && selected.column == null) return `Different label: ${many}`;
    const which = { a: "", b: ` in ${data.series[view.b]?.title}`, change: ", in one of the two" }[selected.matrix];
    return `${selected.row ?? "any label"} → ${selected.column ?? "any label"}${which}: ${many}`;
  }

  exports() {
    const { marks } = this.explorer;
    if (!marks.all.length) return [];
    const save = (words, name, label, make, file, type) =>
      button(words, () => download(file, make(marks.all), type), { ...test(name), "aria-label": label });
    return [
      button(`Marked: ${marks.own.size}`, () => this.explorer.select({ matrix: "marked" }), test("marked")),
      save("CSV", "csv", "Export all marks as CSV", csv, "marks.csv", "text/csv"),
      save("Label Studio", "label-studio", "Export all marks as Label Studio tasks", labelStudio,
        "label_studio_tasks.json", "application/json"),
    ];
  }

  /** After a choice the clips chosen come into view, wherever the page has been scrolled. */
  reveal() {
    this.list.scrollTop = 0;
    const { top, bottom } = (this.list.firstElementChild ?? this.head).getBoundingClientRect();
    if (top < 0 || Math.min(bottom, top + ENOUGH) > window.innerHeight) this.head.scrollIntoView({ block: "start" });
  }

  // - the clip that keys act on

  get all() { return [...this.cards.values()]; }

  entered(event) {
    const at = this.all.findIndex((card) => card.element.contains(event.target));
    if (at >= 0) this.current = at;
    this.oneTabStop();
  }

  oneTabStop() { this.all.forEach((card, at) => { card.element.tabIndex = at === this.current ? 0 : -1; }); }

  /** To the clip `by` after the one that has the focus, on the next page if need be; to the current one if none has. */
  go(by) {
    const inside = this.list.contains(document.activeElement);
    const goal = inside ? this.current + by : this.current;
    if (goal < 0 || goal >= this.cards.size) {
      if (!this.has(by)) return;
      this.turn(by);
      this.current = by < 0 ? this.cards.size - 1 : 0;
    } else this.current = goal;
    this.focus();
  }

  focus() {
    this.oneTabStop();
    this.all[this.current]?.element.focus();
  }

  /** What a key does, wherever the focus is in the explorer but for fields that are typed into; whether anything. */
  key({ key, target }) {
    const card = this.all[this.current];
    const onCard = card?.element === target;
    const verdict = { 1: VERDICTS[0], 2: VERDICTS[1], 3: VERDICTS[2], 0: null }[key];
    const by = { n: 1, p: -1, ...(onCard ? { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 } : {}) }[key];
    if (verdict !== undefined && card) {
      card.judge(verdict);
      card.element.scrollIntoView({ block: "nearest" });
    } else if (by) this.go(by);
    else if (key === "Enter" && onCard) card.element.querySelector(".fer-strip button")?.click();
    else if (key === "Escape" && this.list.contains(target)) this.explorer.matrices.focus();
    else return false;
    return true;
  }
}
