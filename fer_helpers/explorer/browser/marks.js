// The reviewer's marks, and marks as text: to compare, for a spreadsheet, for Label Studio.

const CSV_COLUMNS = ["clip_id", "verdict", "suggested", "note", "label", "predicted", "strategy", "model", "taxonomy",
  "asked", "path", "marked_at", "reviewer", "blind"];

/** What a mark says, to tell whether two say the same. */
const essence = (mark) => JSON.stringify(mark?.verdict ? [mark.verdict, mark.suggested, mark.note] : null);

/** A cell of a CSV; a spreadsheet must not take untrusted text for a formula. */
function csvCell(value) {
  let text = String(value ?? "");
  if (/^\s*[=+\-@]|^[\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(marks) {
  const rows = [CSV_COLUMNS, ...marks.map((mark) => CSV_COLUMNS.map((name) => mark[name]))];
  return rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

/**
 * Tasks to import into Label Studio, for a labelling config with
 * <Video name="clip" value="$video"/> and <Choices name="expression" toName="clip">.
 */
function labelStudio(marks) {
  const result = (label) =>
    [{ from_name: "expression", to_name: "clip", type: "choices", value: { choices: [label] } }];
  const task = ({ path, clip_id, label, verdict, note, model, strategy, predicted, suggested, reviewer }) => ({
    data: { video: path, clip_id, label, verdict, note },
    predictions: predicted ? [{ model_version: `${model} ${strategy}`, result: result(predicted) }] : [],
    annotations: suggested ? [{ result: result(suggested), meta: { reviewer } }] : [],
  });
  return JSON.stringify(marks.map(task), null, 1);
}

/** The marks of one reviewer: as Python has kept them, and as shown until it has. */
class Marks {
  constructor(explorer) {
    this.explorer = explorer;
    this.unsaved = new Map(); // clip_id -> its mark as shown
  }

  get all() { return this.explorer.model.get("_marks"); }

  /** By clip_id. Nobody is shown another reviewer's marks, so that raters stay independent. */
  get own() {
    const [all, reviewer] = [this.all, this.explorer.model.get("reviewer")];
    if (this.seen !== all || this.reviewer !== reviewer) {
      [this.seen, this.reviewer] = [all, reviewer];
      this.mine = new Map(all.filter((mark) => mark.reviewer === reviewer).map((mark) => [mark.clip_id, mark]));
    }
    return this.mine;
  }

  of(id) { return this.unsaved.get(id) ?? this.own.get(id); }

  /** Whether the clip's prediction is hidden from the reviewer. */
  hides(id) { return Boolean(this.explorer.view.blind && !this.of(id)?.verdict); }

  /** Change a clip's mark, and have it kept. */
  change(clip, change) {
    const { data, view, selected, model } = this.explorer;
    const id = data.clips[clip];
    const before = this.of(id);
    const { verdict = null, suggested = null, note = "" } = { ...before, ...change };
    const blind = before?.verdict ? before.blind : Boolean(view.blind);
    const mark = { clip_id: id, verdict, suggested, note, blind, reviewer: model.get("reviewer") };
    if (essence(mark) === essence(before)) return;
    this.unsaved.set(id, mark);
    const one = data.series[selected.matrix === "b" ? view.b : view.a];
    const label = data.labels.seven[data.truth.seven[clip]] ?? null;
    const predicted = data.labels[one.taxonomy][one.codes[clip]] ?? null;
    const { strategy, taxonomy, asked } = one;
    const about = { label, predicted, strategy, model: one.model, taxonomy, asked };
    model.send({ type: "mark", clip, mark: { ...mark, ...about } });
  }

  /** Python has kept a mark, or another explorer's: what somebody types into a note meanwhile stays. */
  kept() {
    for (const [id, mark] of this.unsaved) if (essence(mark) === essence(this.own.get(id))) this.unsaved.delete(id);
  }

  /** A mark could not be kept, or the reviewer is another: those that are kept are shown. */
  forget() { this.unsaved.clear(); }
}
