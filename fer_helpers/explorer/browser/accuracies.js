// Accuracies with their intervals: in the words of the run's tables, or Python's of a selection. None is computed here.

const NEEDS_KERNEL = " (no interval: that of a selection needs a kernel)";

class Accuracies {
  constructor(explorer) {
    this.explorer = explorer;
    this.asked = 0; // number of the latest question, and what it was about
    this.about = "";
    this.words = {};
  }

  /** Against another annotator there is agreement, which has no interval in the report either. */
  get isAgreement() { return Number.isInteger(this.explorer.view.rows); }

  /** What the run's tables say of all its clips; nothing of a selection, or of other labels than the corpus's. */
  known(which) {
    const { data, view } = this.explorer;
    if (view.rows !== "label" || Object.entries(view.filters).some(isActive)) return null;
    return which === "change" ? data.differences[`${view.a} ${view.b}`] : data.accuracies[view[which]];
  }

  /** `share`, as the page counts it, of clips in `words`: with its interval as soon as that is known. */
  say(which, share, words) {
    const found = this.isAgreement ? null : this.known(which) ?? this.words?.[which];
    if (found) return `accuracy ${found}${words}`;
    const counted = which === "change" ? `${share < 0 ? "" : "+"}${decimal(share, 3)}` : decimal(share, 2);
    if (this.isAgreement) return `agreement ${counted}${words}`;
    return `accuracy ${counted}${this.words ? " …" : ""}${words}${this.words ? "" : NEEDS_KERNEL}`;
  }

  /** Ask Python for what no table says. */
  ask() {
    const { view, marks, model } = this.explorer;
    const shown = view.b < 0 ? ["a"] : ["a", "b", "change"];
    if (this.isAgreement || shown.every((which) => this.known(which) != null)) return;
    const corrected = view.rows === "corrected" ? [...marks.own.values()].map(essence) : [];
    const about = JSON.stringify([view.a, view.b, view.rows, view.filters, corrected]);
    if (about === this.about) return;
    this.about = about;
    this.words = {};
    this.asked++;
    model.send({ type: "scored", id: this.asked, view });
  }

  hear({ id, words }) {
    if (id !== this.asked) return;
    this.words = words;
    this.explorer.keepingFocus(() => this.explorer.matrices.draw());
  }
}
