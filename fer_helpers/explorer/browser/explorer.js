// The explorer: the model's state, drawn by its parts; requests to Python and its answers.
// All files of this folder are one ES module without imports, for JupyterLab, Voila and the file.

const KEPT = 600; // clips whose answers are kept in the browser
const PATIENCE_MS = 8000;
const NO_ANSWER = "No answer from the kernel: run the cell again to see frames and replies.";

class Explorer {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.data = JSON.parse(model.get("_columns"));
    this.asked = 0; // number of the latest request for clips; answers to others come too late
    this.answers = new Map(); // clip and series -> {item, url}
    this.alive = true;
    this.problem = el("div", { class: "fer-problem", role: "alert" });
    this.marks = new Marks(this);
    this.accuracies = new Accuracies(this);
    this.bar = new Bar(this);
    this.matrices = new Matrices(this);
    this.cards = new Cards(this);
    this.large = new Large(this);
    this.build();
    this.listeners = [
      ["change:view", () => this.later()],
      ["change:selected", () => this.later()],
      ["change:_marks", () => this.marked()],
      ["change:reviewer", () => { this.marks.forget(); this.later(); }],
      ["msg:custom", (message, buffers) => this.hear(message, buffers)],
    ];
    this.listeners.forEach(([event, listener]) => model.on(event, listener));
    this.draw();
  }

  get view() { return this.model.get("view"); }

  get selected() { return this.model.get("selected"); }

  /** The series shown: one, or two beside each other. */
  get series() { return this.view.b >= 0 ? [this.view.a, this.view.b] : [this.view.a]; }

  build() {
    const { root, bar, matrices, cards } = this;
    root.classList.add("fer-explorer");
    root.dataset.testid = "fer-explorer";
    // Or JupyterLab takes a letter typed on a cell for a command; its selectors match what has the focus before they
    // look at what stands around it. It keeps Enter from ending what is typed, too.
    root.addEventListener("focusin", (event) => { event.target.dataset.lmSuppressShortcuts = "true"; });
    root.dataset.lmSuppressShortcuts = "true";
    root.addEventListener("keydown", (event) => this.key(event));
    this.side = el("div", { class: "fer-side" }, matrices.figures, matrices.pairs);
    this.body = el("div", { class: "fer-body" }, this.side, cards.pane);
    const skip = button("Go to the clips", () => cards.focus(), { class: "fer-skip", ...test("skip") });
    root.append(el("div", { class: "fer-frame" },
      skip, bar.title, bar.controls, bar.chips, this.problem, cards.status, this.body));
  }

  /** Enter ends what is typed; other keys act on clips, but not while something is typed or chosen. */
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("dialog")) return;
    const isField = event.target.matches("select, input:not([type=checkbox])");
    if (event.key === "Enter" && event.target.matches("input[type=text], input[type=number]")) {
      event.target.dispatchEvent(new Event("change"));
    } else if ((isField && event.key !== "Escape") || !this.cards.key(event)) return;
    event.preventDefault();
  }

  setView(change) {
    this.cards.page = 0;
    this.model.set("view", { ...this.view, ...change });
    const { matrix, row, column } = this.selected;
    const names = [null, undefined, ...namesOf(this.data, this.view)];
    const gone = this.view.b < 0 && ["b", "change"].includes(matrix);
    if (gone || !(names.includes(row) && names.includes(column))) this.model.set("selected", this.mostConfused());
    this.model.save_changes();
  }

  setFilter(name, values) { this.setView({ filters: { ...this.view.filters, [name]: values } }); }

  /** What to look at first, as first_selected in Python; nothing where nothing is confused. */
  mostConfused() {
    const { data, view } = this;
    const names = labelsOf(data, view);
    const rows = rowCodes(data, view, this.marks.own);
    const counts = counted(rows, data.series[view.a].codes, passing(data, view), names.length);
    const [pair] = confusedPairs(counts, names.length);
    return pair ? { matrix: "a", row: names[pair[0]], column: names[pair[1]] } : {};
  }

  select(selected) {
    this.cards.page = 0;
    this.chosen = true;
    this.model.set("selected", selected);
    this.model.save_changes();
  }

  /** A series' title, with its question where that is not the one shown. */
  titleBeside(one, shown) { return one.question === shown.question ? one.title : `${one.title} (${one.question})`; }

  /** One drawing for all changes of a moment: a model tells of every key by itself. */
  later() {
    if (this.queued) return;
    this.queued = true;
    queueMicrotask(() => {
      this.queued = false;
      if (this.alive) this.draw();
    });
  }

  draw() {
    this.keepingFocus(() => {
      this.kept = passing(this.data, this.view);
      this.many = this.kept.reduce((x, y) => x + y, 0);
      this.rows = rowCodes(this.data, this.view, this.marks.own);
      this.body.classList.toggle("fer-comparing", this.view.b >= 0 || Boolean(this.view.blind));
      this.side.hidden = Boolean(this.view.blind); // a cell tells what was predicted
      this.bar.draw();
      this.matrices.draw();
      this.cards.draw();
    });
    this.accuracies.ask();
    if (this.chosen) this.cards.reveal();
    this.chosen = false;
  }

  /** What replaces the element that has the focus gets it. */
  keepingFocus(action) {
    const active = document.activeElement;
    const name = this.root.contains(active) && active.dataset.testid;
    action();
    if (!name || active.isConnected) return;
    this.root.querySelector(`[data-testid="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
  }

  marked() {
    this.marks.kept();
    if (this.view.rows === "corrected" || this.selected.matrix === "marked") return this.later();
    this.keepingFocus(() => {
      this.bar.draw();
      this.cards.drawHead();
    });
    this.cards.all.forEach((card) => card.drawMark());
  }

  // - Python

  keyOf(clip) { return `${this.series} ${clip}`; }

  /** Show what is known of these clips, and ask Python for the rest. */
  ask(clips) {
    this.asked++;
    const isKnown = (clip) => this.answers.has(this.keyOf(clip));
    clips.filter(isKnown).forEach((clip) => this.cards.cards.get(clip).fill(this.answers.get(this.keyOf(clip))));
    const missing = clips.filter((clip) => !isKnown(clip));
    if (!missing.length) return;
    const mine = this.asked;
    this.model.send({ type: "page", id: mine, series: this.series, clips: missing });
    setTimeout(() => {
      if (this.alive && mine === this.asked && !isKnown(missing[0])) this.problem.textContent = NO_ANSWER;
    }, PATIENCE_MS);
  }

  hear(message, buffers = []) {
    const url = (bytes) => (bytes?.byteLength ? URL.createObjectURL(new Blob([bytes], { type: "image/webp" })) : "");
    if (message.type === "problem") {
      this.problem.textContent = message.text;
      this.marks.forget();
      this.cards.all.forEach((card) => card.drawMark());
    } else if (message.type === "scored") this.accuracies.hear(message);
    else if (message.type === "large") this.large.hear({ ...message, url: message.url ?? url(buffers[0]) });
    else if (message.type === "page" && message.id === this.asked) {
      this.problem.textContent = "";
      message.items.forEach((item, at) => this.remember({ item, url: item.url ?? url(buffers[at]) }));
    }
  }

  remember(answer) {
    const { clip } = answer.item;
    this.answers.set(this.keyOf(clip), answer);
    for (const [key, old] of this.answers) {
      if (this.answers.size <= KEPT) break;
      URL.revokeObjectURL(old.url);
      this.answers.delete(key);
    }
    this.cards.cards.get(clip)?.fill(answer);
  }

  end() {
    this.alive = false;
    this.large.stop();
    this.listeners.forEach(([event, listener]) => this.model.off(event, listener));
    this.answers.forEach(({ url }) => URL.revokeObjectURL(url));
  }
}

function render({ model, el: root }) {
  const explorer = new Explorer(model, root);
  return () => explorer.end();
}

export default { render };
