// Marks as text: to compare, for a spreadsheet, for Label Studio. Pure.

const CSV_COLUMNS = ["clip_id", "verdict", "suggested", "note", "label", "predicted", "strategy", "model", "taxonomy",
  "asked", "path", "marked_at"];

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
  const task = ({ path, clip_id, label, verdict, note, model, strategy, predicted, suggested }) => ({
    data: { video: path, clip_id, label, verdict, note },
    predictions: predicted ? [{ model_version: `${model} ${strategy}`, result: result(predicted) }] : [],
    annotations: suggested ? [{ result: result(suggested) }] : [],
  });
  return JSON.stringify(marks.map(task), null, 1);
}
