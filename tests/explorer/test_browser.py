"""The explorer in a browser: in JupyterLab, in Voila and as a file, with hostile text in every place there is."""

import contextlib
import csv
import io
import json
import re
import socket
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from fer_helpers.emotions import SEVEN, TAXONOMIES
from fer_helpers.evaluation import scores, summaries
from fer_helpers.explorer import ConfusionExplorer, marks
from fer_helpers.explorer._table import NO_LABEL
from fer_helpers.runs import people
from fer_helpers.statuses import OUTSIDE
from tests.support import jupyter as servers
from tests.support.browser import barriers, heading, loaded, matrix, open_file, option
from tests.support.explorer_runs import HOSTILE, make_run
from tests.support.jupyter import WAIT
from tests.support.labelling import drawn_run, enter, order_of, press

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(
        tmp_path_factory.mktemp("hostile") / "run", 120, hostile=True, taxonomies=("seven", "ternary"), outside=False
    )


def expected(run, strategy, taxonomy="seven", asked="seven", keep=None):
    """The same counts by scikit-learn, a status without a label as one more class."""
    predicted = run.read("predictions")
    chosen = (predicted["strategy"] == strategy) & (predicted["taxonomy"] == taxonomy) & (predicted["asked"] == asked)
    rows = predicted[chosen].merge(
        run.read("clips")[["clip_id", "label", "scene", "split"]], on="clip_id", suffixes=("", "_clip")
    )
    if keep:
        rows = rows[keep(rows)]
    names = [*TAXONOMIES[taxonomy], NO_LABEL]
    truth = rows["label_clip"] if taxonomy == "seven" else rows["label_clip"].map(TERNARY_OF)
    counts = confusion_matrix(truth, rows["label"].fillna(NO_LABEL), labels=names)
    return {(a, b): int(counts[i, j]) for i, a in enumerate(names[:-1]) for j, b in enumerate(names)}


TERNARY_OF = dict.fromkeys(SEVEN, "negative") | {"happy": "positive", "surprise": "positive", "neutral": "neutral"}


def busiest(counts):
    """The off-diagonal cell with most clips."""
    return max(
        ((row, column) for row, column in counts if row != column and NO_LABEL not in (row, column)), key=counts.get
    )


# --- the file -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(run, tmp_path_factory):
    (run.folder / marks.FILE).unlink(missing_ok=True)
    folder = tmp_path_factory.mktemp("files")
    explorer = ConfusionExplorer(run, strategy="soft_vote")
    return {frames: explorer.to_html(folder / f"{frames}.html", frames) for frames in ("none", "full")}


OFFLINE = pytest.mark.parametrize("page", [{"offline": True}], indirect=True)


@OFFLINE
def test_every_matrix_of_the_file_is_scikit_learns(run, files, page):
    open_file(page, files["none"])
    questions = {
        "seven classes": ("seven", "seven"),
        "three, collapsed from seven": ("ternary", "seven"),
        "three, asked directly": ("ternary", "ternary"),
    }
    for words, (taxonomy, asked) in questions.items():
        page.get_by_test_id("fer-question").select_option(words)
        for strategy in ("single_frame", "majority_vote", "soft_vote", "multi_frame"):
            page.get_by_test_id("fer-strategy").select_option(strategy)
            assert matrix(page) == expected(run, strategy, taxonomy, asked), (strategy, words)
    page.get_by_test_id("fer-question").select_option("seven classes")
    page.get_by_test_id("fer-strategy").select_option("soft_vote")
    page.get_by_test_id("fer-compare").select_option("single_frame")
    a, b = expected(run, "soft_vote"), expected(run, "single_frame")
    assert matrix(page, "b") == b
    assert matrix(page, "change") == {cell: b[cell] - a[cell] for cell in a}
    page.get_by_test_id("fer-rows").select_option("multi_frame")
    labels = (
        run.read("predictions")
        .query("taxonomy == 'seven'")
        .pivot(index="clip_id", columns=["strategy", "model"], values="label")
    )
    rows, columns = (labels[name, "fer2013-cnn"].fillna(NO_LABEL) for name in ("multi_frame", "soft_vote"))
    names = [*SEVEN, NO_LABEL]
    assert np.array_equal(
        np.array(list(matrix(page).values())).reshape(8, 8), confusion_matrix(rows, columns, labels=names)
    )


@OFFLINE
def test_filters_are_chips_that_can_be_taken_away(run, files, page):
    open_file(page, files["none"])
    whole = matrix(page)
    page.get_by_test_id("fer-facet").select_option(option("split", "test"))
    assert matrix(page) == expected(run, "soft_vote", keep=lambda rows: rows["split"] == "test")
    page.get_by_test_id("fer-facet").select_option(option("scene", HOSTILE[0]))
    page.get_by_test_id("fer-confidence-from").fill("0.3")
    page.get_by_test_id("fer-confidence-from").press("Enter")
    sure = expected(run, "soft_vote", keep=lambda rows: (rows["split"] == "test") & (rows["scene"] == HOSTILE[0])
                    & (rows["confidence"].astype(float).mul(100).round() >= 30))  # fmt: skip
    assert matrix(page) == sure
    assert page.get_by_test_id("fer-chip").all_text_contents() == [
        "split: test ✕",
        f"scene: {HOSTILE[0]} ✕",
        "confidence 0.30–1.00 ✕",
    ]
    assert page.get_by_test_id("fer-filtered").text_content() == f"Filtered: {sum(sure.values())} of 120 clips"
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert page.evaluate("document.querySelector('.fer-chips').getBoundingClientRect().top >= 0")
    page.get_by_test_id("fer-chip").first.click()
    page.get_by_test_id("fer-clear").click()
    assert matrix(page) == whole
    assert page.get_by_test_id("fer-filtered").count() == 0
    page.get_by_test_id("fer-strategy").select_option("multi_frame")
    page.get_by_test_id("fer-chip").click()
    assert page.get_by_test_id("fer-strategy").input_value() == '"soft_vote"'
    page.get_by_test_id("fer-diagonal").check()
    assert page.get_by_test_id("fer-a-happy-happy").text_content() == ""


@OFFLINE
def test_the_keyboard_does_what_the_mouse_does(run, files, page):
    """One tab stop for the matrix, arrows inside it, Enter to choose, Escape to go back; the focus can be seen."""
    open_file(page, files["none"])
    stops = page.locator("[data-testid=fer-matrix-a] [tabindex='0']")
    page.get_by_test_id("fer-a-angry-angry").click()
    assert stops.count() == 1
    stops.focus()
    for key in (
        "ArrowDown",
        "ArrowRight",
        "End",
        "ArrowLeft",
        "ArrowUp",
        "ArrowUp",
        "Home",
        "ArrowLeft",
        "ArrowDown",
        "ArrowLeft",
        "ArrowDown",
        "ArrowRight",
        "ArrowRight",
    ):
        page.keyboard.press(key)
    focused = "document.activeElement.dataset.testid"
    assert page.evaluate(focused) == "fer-a-disgust-disgust"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert heading(page).startswith("disgust → angry: ")
    assert page.evaluate(focused) == "fer-a-disgust-angry"
    assert page.get_by_test_id("fer-a-disgust-angry").get_attribute("aria-selected") == "true"
    assert stops.count() == 1
    page.keyboard.press("Escape")
    assert heading(page).startswith("Choose a cell")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    counts = matrix(page)
    of_row = sum(count for (row, _), count in counts.items() if row == "disgust")
    assert heading(page).startswith(f"disgust → any label: {of_row} clips")
    page.get_by_test_id("fer-a-column-sad").click()
    of_column = sum(count for (_, column), count in counts.items() if column == "sad")
    assert heading(page).startswith(f"any label → sad: {of_column} clips")
    assert page.evaluate(focused) == "fer-a-column-sad"
    row, column = busiest(matrix(page))
    page.get_by_test_id(f"fer-pair-{row}-{column}").click()
    page.get_by_test_id("fer-card").first.get_by_role("button", name="ambiguous").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(focused).startswith("fer-verdict-")
    page.keyboard.press("Escape")
    assert page.evaluate(focused) == f"fer-a-{row}-{column}"
    label = page.get_by_test_id(f"fer-a-{row}-{NO_LABEL}").get_attribute("aria-label")
    count = matrix(page)[row, NO_LABEL]
    assert label.startswith(f"row {row}, column no label: {count} clip")
    assert sum(map(int, re.findall(r"(?:refused|invalid) (\d+)", label))) == count


@OFFLINE
def test_hostile_text_is_text(run, files, page):
    """Names, scenes, corpus words and replies with markup, formulas and 100 kB: shown as they are, nothing runs."""
    open_file(page, files["full"])
    shown = set()
    for row, column in [cell for cell, count in matrix(page).items() if count]:
        page.get_by_test_id(f"fer-a-{row}-{column}").click()
        shown |= set(page.locator(".fer-id").all_text_contents())
    assert {text for text in HOSTILE if len(text) < 1000} <= {text.replace("\ufffd", "\u0000") for text in shown}
    row, column = busiest(matrix(page))
    page.get_by_test_id(f"fer-a-{row}-{column}").click()
    loaded(page, min(12, matrix(page)[row, column]))
    assert page.locator("[data-testid=fer-about] :is(script, img)").count() == 0
    words = "".join(page.locator(".fer-words").all_text_contents())
    assert any(text in words for text in HOSTILE[:3])
    page.wait_for_function(
        "[...document.querySelectorAll('.fer-strip img')].every(one => one.complete && one.naturalWidth === 560)"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@OFFLINE
def test_marks_of_the_file_are_exported(run, files, page):
    open_file(page, files["none"])
    at = 3  # a formula for a name
    label = run.read("clips")["label"][at]
    predicted = run.read("predictions").query("taxonomy == 'seven' and strategy == 'soft_vote'")["label"].iloc[at]
    page.get_by_test_id(f"fer-a-{label}-{predicted if isinstance(predicted, str) else NO_LABEL}").click()
    page.get_by_test_id(f"fer-verdict-{at}-0").click()
    page.get_by_test_id(f"fer-suggested-{at}").select_option("fear")
    page.get_by_test_id(f"fer-note-{at}").fill('=1+1, "so"')
    page.get_by_test_id(f"fer-note-{at}").press("Tab")
    with page.expect_download() as download:
        page.get_by_test_id("fer-csv").click()
    text = Path(download.value.path()).read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 1
    assert rows[0]["clip_id"] == "'" + HOSTILE[at]
    assert (rows[0]["verdict"], rows[0]["suggested"], rows[0]["note"]) == ("label looks wrong", "fear", '\'=1+1, "so"')
    assert not [cell for row in rows for cell in row.values() if cell.strip()[:1] in tuple("=+-@")]
    with page.expect_download() as download:
        page.get_by_test_id("fer-label-studio").click()
    task = json.loads(Path(download.value.path()).read_bytes())[0]
    assert task["data"]["clip_id"] == HOSTILE[at]
    assert task["annotations"][0]["result"][0] == {
        "from_name": "expression",
        "to_name": "clip",
        "type": "choices",
        "value": {"choices": ["fear"]},
    }
    page.get_by_test_id("fer-rows").select_option("the label as you corrected it")
    page.get_by_test_id("fer-marked").click()
    assert heading(page) == "Marked: 1 clip"


@pytest.mark.parametrize(
    "page",
    [
        {"offline": True, "color_scheme": scheme, "viewport": {"width": width, "height": 900}}
        for scheme, width in [("light", 700), ("dark", 1400)]
    ],
    indirect=True,
)  # fmt: skip
def test_it_can_be_read_narrow_zoomed_and_dark(files, page):
    """700 px, as 1400 px at 200 %: nothing is cut off; numbers have a contrast of 4.5 (WCAG 2.2, 1.4.3)."""
    open_file(page, files["full"])
    page.get_by_test_id("fer-compare").select_option("multi_frame")
    page.locator(f"[data-testid=fer-a-{'-'.join(busiest(matrix(page)))}]").click()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    contrasts = page.evaluate("""() => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const light = (colour) => {
        canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255)
          .map((value) => (value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4));
        return .2126 * r + .7152 * g + .0722 * b;
      };
      return [...document.querySelectorAll("[role=gridcell], button")].map((one) => {
        const style = getComputedStyle(one);
        const [x, y] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
        return style.backgroundColor === "rgba(0, 0, 0, 0)" || one.disabled ? 21 : (y + .05) / (x + .05);
      });
    }""")
    assert min(contrasts) >= 4.5


def test_the_browser_lists_what_python_selects(run, page):
    """Filters, rows and cells are counted in both; here for views drawn at random, by name and in order."""
    explorer = ConfusionExplorer(run, strategy="soft_vote")
    data, rng = explorer._data, np.random.default_rng(7)
    marks = [
        {"clip_id": id_, "verdict": "label looks wrong", "suggested": "fear", "reviewer": who}
        for at, id_ in enumerate(data.clip_ids[:9])
        for who in ("ana", "ben")[: 1 + at % 2]
    ]
    page.set_content("<div id=place></div>")
    page.evaluate(
        """async (source) => {
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          window.explorer = (await import(url)).default;
        }""",
        str(explorer._esm),
    )
    for _ in range(40):
        a = int(rng.integers(len(data.series)))
        peers = [n for n, one in enumerate(data.series) if n != a and one.taxonomy == data.series[a].taxonomy]
        names = [*TAXONOMIES[data.series[a].taxonomy], OUTSIDE, NO_LABEL]
        filters = {"confidence": sorted(rng.integers(0, 101, 2).tolist()), "scene": rng.choice(HOSTILE, 9).tolist()}
        view = explorer.view | {
            "a": a,
            "b": int(rng.choice([-1, *peers])),
            "rows": rng.choice(["label", "corrected", *peers]).item(),
            "filters": {name: filters[name] for name in rng.choice(list(filters), rng.integers(3), replace=False)},
        }
        view["rows"] = int(view["rows"]) if view["rows"].isdigit() else view["rows"]
        view["blind"] = bool(rng.random() < 0.2)
        kind = str(rng.choice(["a", "b", "change", "marked", "errors", "all"]))
        row, column = (str(rng.choice(names)) for _ in "ab")
        selected = {"matrix": kind}
        if rng.random() < 0.8:
            selected |= {"row": None if rng.random() < 0.2 else row, "column": None if rng.random() < 0.2 else column}
        if kind in "ab" and not {selected.get("row"), selected.get("column")} - {None}:
            continue
        reviewer = str(rng.choice(["ana", "ben"]))
        state = {"_columns": explorer._columns, "view": view, "selected": selected, "_marks": marks}
        state["reviewer"] = reviewer
        shown = page.evaluate("""state => {
          const place = document.getElementById("place");
          place.replaceChildren(document.createElement("div"));
          const model = { get: name => state[name], on() {}, off() {}, send() {}, set() {}, save_changes() {} };
          const end = window.explorer.render({ model, el: place.firstChild });
          const cards = [...place.querySelectorAll("[data-testid=fer-card]")].map(card => Number(card.dataset.clip));
          const heading = place.querySelector("[data-testid=fer-heading]").textContent;
          end();
          return [cards, heading];
        }""", state)  # fmt: skip
        marked = {mark["clip_id"]: mark["suggested"] for mark in marks if mark["reviewer"] == reviewer}
        found = data.where(view, selected, marked)
        assert shown[0] == found[:12].tolist(), (view, selected)
        if kind != "b" or view["b"] >= 0:
            assert f": {len(found)} clip" in shown[1], (view, selected)


def test_the_browser_rounds_as_python(page):
    """Every share of up to 200 clips, and halves, which Python rounds to the even digit."""
    page.set_content("")
    source = f"{ConfusionExplorer._esm}\nexport {{ decimal, percent }};"
    read = """async ([source, shares]) => {
      const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      return shares.map((share) => [module.decimal(share, 2), module.decimal(share, 3), module.percent(share)]);
    }"""
    shares = [k / n for n in range(1, 201) for k in range(n + 1)] + [-k / 16 for k in range(16)]
    words = [[f"{share:.2f}", f"{share:.3f}", f"{share:.0%}".replace("%", " %")] for share in shares]
    found = page.evaluate(read, [source, shares])
    assert [[one.replace("-0 ", "0 ") for one in three] for three in found[: len(words) - 16]] == words[:-16]
    assert [three[1] for three in found[-15:]] == [three[1] for three in words[-15:]]


# --- JupyterLab -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with servers.lab(tmp_path_factory.mktemp("lab")) as started:
        yield started


def test_in_jupyterlab(run, lab, page):
    """Click, keyboard, filter, compare, mark, export; what was clicked is a DataFrame in the next cell."""
    (run.folder / marks.FILE).unlink(missing_ok=True)
    start = f"""from pathlib import Path
from fer_helpers.explorer import ConfusionExplorer
from fer_helpers.runs import open_run
explorer = ConfusionExplorer(open_run(Path({str(run.folder)!r})), strategy="soft_vote")
explorer"""
    servers.open_notebook(page, lab, "explorer.ipynb", [start])
    page.get_by_test_id("fer-matrix-a").wait_for(timeout=WAIT)
    counts = matrix(page)
    assert counts == expected(run, "soft_vote")
    row, column = busiest(counts)
    page.get_by_test_id(f"fer-a-{row}-{column}").click()
    loaded(page, min(12, counts[row, column]))
    frames = page.get_by_test_id("fer-frames")
    assert frames.evaluate_all(
        "all => Promise.all(all.map(one => one.decode())).then(() => all.every(one => one.naturalWidth === 560))"
    )

    asked = "shown = explorer.selection; print(explorer.selected, len(shown), set(shown['truth']), set(shown['label']))"
    said = page.evaluate(servers.IN_KERNEL, asked)
    assert (
        said.strip()
        == f"{{'matrix': 'a', 'row': '{row}', 'column': '{column}'}} {counts[row, column]} {{'{row}'}} {{'{column}'}}"
    )

    cell = page.get_by_test_id(f"fer-a-{row}-{column}")
    cell.focus()
    cells = page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length")
    for letter in "ab":  # JupyterLab's shortcuts for a new cell above and below
        page.keyboard.press(letter)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length") == cells
    page.keyboard.press("ArrowLeft" if column != SEVEN[0] else "ArrowRight")
    page.keyboard.press("Enter")
    assert heading(page).startswith(f"{row} → ")
    assert not heading(page).startswith(f"{row} → {column}:")

    page.get_by_test_id("fer-facet").select_option('["split","train"]')
    assert matrix(page) == expected(run, "soft_vote", keep=lambda rows: rows["split"] == "train")
    clips, predicted = run.read("clips").query("split == 'train'"), run.read("predictions")
    drawing = {"n_resamples": run.params.n_resamples, "seed": run.params.seed}
    scored = scores.score(predicted.query("strategy == 'soft_vote' and taxonomy == 'seven'"), clips, **drawing)
    war = scored[(scored["metric"] == "WAR") & (scored["strategy"] == "soft_vote")]
    words = f"accuracy {summaries.with_interval(war).iloc[0]} over clips; {war['n_clips'].iloc[0]} clips"
    page.get_by_text(words).wait_for(timeout=WAIT)  # as soon as the kernel has computed it
    page.get_by_test_id("fer-chip").click()
    page.get_by_test_id("fer-compare").select_option("multi_frame")
    page.get_by_test_id("fer-changed").click()
    a, b = (
        run.read("predictions")
        .query(f"taxonomy == 'seven' and strategy == '{name}'")
        .set_index("clip_id")["label"]
        .fillna("")
        for name in ("soft_vote", "multi_frame")
    )
    changed = int((a != b).sum())
    assert heading(page).startswith(f"Different label: {changed} clips, page 1 of ")
    page.get_by_test_id("fer-next").click()
    loaded(page, min(12, changed - 12))

    first = page.get_by_test_id("fer-card").first
    clip = int(first.get_attribute("data-clip"))
    first.get_by_role("button", name="label looks wrong").click()
    page.get_by_test_id(f"fer-suggested-{clip}").select_option("sad", timeout=WAIT)
    page.get_by_test_id(f"fer-note-{clip}").fill("inner brows raised")
    page.get_by_test_id(f"fer-note-{clip}").press("Enter")
    page.get_by_test_id("fer-marked").wait_for(timeout=WAIT)
    until = time.monotonic() + 20
    while [one.note for one in marks.read(run.folder)] != ["inner brows raised"]:
        assert time.monotonic() < until, "the note was not kept"
        time.sleep(0.1)
    kept = marks.read(run.folder)
    assert [(one.clip_id, one.verdict, one.suggested, one.note) for one in kept] == [
        (ConfusionExplorer(run)._id(clip), "label looks wrong", "sad", "inner brows raised")
    ]
    said = page.evaluate(servers.IN_KERNEL, "print(len(explorer.marks), explorer.marks['suggested'][0])")
    assert said.split() == ["1", "sad"]
    with page.expect_download() as download:
        page.get_by_test_id("fer-csv").click()
    assert "inner brows raised" in Path(download.value.path()).read_text()

    page.get_by_test_id(f"fer-large-{clip}").click()
    page.wait_for_function("document.querySelector('[data-testid=fer-tile]').dataset.height === '384'", timeout=WAIT)
    page.get_by_test_id("fer-play").click()
    page.wait_for_function(
        "document.querySelector('[data-testid=fer-tile]').style.backgroundPosition.startsWith('50%')"
    )
    page.keyboard.press("Escape")
    page.get_by_test_id("fer-tile").wait_for(state="detached")

    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'", timeout=WAIT)
    ink = page.evaluate("getComputedStyle(document.querySelector('.fer-explorer')).color")
    assert ink == "rgb(255, 255, 255)"

    page.evaluate(servers.IN_KERNEL, "explorer.selected = {'matrix': 'a', 'row': 'sad', 'column': 'sad'}")
    page.get_by_text(f"sad → sad: {counts['sad', 'sad']} clip").first.wait_for(timeout=WAIT)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    path = lab.folder / "explorer.ipynb"
    until = time.monotonic() + 30
    while not nbformat.read(path, as_version=4).cells[0].get("outputs"):
        assert time.monotonic() < until, "the notebook was not saved"
        time.sleep(0.2)
    saved = path.read_text()
    assert len(saved) < 1_000_000
    assert "UklGR" not in saved  # how a WebP begins in base64, and
    assert "/9j/" not in saved  # how a JPEG does
    assert "brows raised" not in saved


@pytest.mark.slow
def test_labelling_in_jupyterlab(lab, page, tmp_path):
    """Keys label clips and are no commands of JupyterLab; no face enters the notebook's file."""
    run = drawn_run(tmp_path / "drawn", 5)
    cell = f"""from pathlib import Path
from fer_helpers.explorer import LabellingView
from fer_helpers.runs import open_run
LabellingView(open_run(Path({str(run.folder)!r})), "core")"""
    servers.open_notebook(page, lab, "labelling.ipynb", [cell])
    enter(page, "bb")
    cells = "window.jupyterapp.shell.currentWidget.content.widgets.map(one => one.model.sharedModel.source)"
    press(page, "1", "c", "s", "2", "u", "3")
    assert page.evaluate(cells) == [cell]
    place = order_of(run)
    kept = people.read(run.folder)
    assert [(place.index(row.clip_id), row.rater, row.label) for row in kept.itertuples()] == [
        (0, "bb", "angry"),
        (1, "bb", "cannot tell"),
        (2, "bb", "skip"),
        (3, "bb", "fear"),
    ]
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=WAIT)
    saved = (lab.folder / "labelling.ipynb").read_text()
    assert "LabellingView(core, 5 clips)" in saved
    assert "UklGR" not in saved  # how a WebP begins in base64, and
    assert "/9j/" not in saved  # how a JPEG does


# --- Voila ----------------------------------------------------------------------------------------------------


@pytest.mark.slow  # a server, and notebook 05 as a whole
def test_in_voila(run, page, tmp_path):
    """`fer-helpers explore` serves on loopback with a token, keeps marks in the run's folder, and ends on Ctrl-C."""
    (run.folder / marks.FILE).unlink(missing_ok=True)
    before = {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    port = servers.free_port()
    code = "from fer_helpers.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "explore", str(run.folder), "--port", str(port)]
    with servers.serving(command, tmp_path) as process:
        address = process.stdout.readline().strip()
        assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/\?token=[\w-]{{32,}}", address), (
            tmp_path / "log"
        ).read_text()[-2000:]
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < until
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            assert "login" in answer.url  # without the token there is nothing to see
        page.goto(address, timeout=WAIT)
        page.get_by_test_id("fer-matrix-a").wait_for(timeout=WAIT)
        counts = matrix(page)
        assert counts == expected(run, "soft_vote")
        row, column = busiest(counts)
        page.get_by_test_id(f"fer-a-{row}-{column}").click()
        loaded(page, min(12, counts[row, column]))
        assert (
            page.get_by_test_id("fer-frames").first.evaluate("image => image.decode().then(() => image.naturalWidth)")
            == 560
        )
        page.get_by_test_id("fer-card").first.get_by_role("button", name="model wrong").click()
        page.get_by_test_id("fer-marked").wait_for(timeout=WAIT)
        assert [one.verdict for one in marks.read(run.folder)] == ["model wrong"]
        assert page.locator("script[src*='//'], .jp-CodeCell .jp-InputArea:visible").count() == 0
        assert barriers(page) == []
        page.emulate_media(color_scheme="dark")
        ink, paper = (
            page.evaluate(f"getComputedStyle(document.querySelector('{where}')).{what}")
            for where, what in ((".fer-explorer", "color"), ("body", "backgroundColor"))
        )
        assert (ink, paper) == ("rgb(255, 255, 255)", "rgb(17, 17, 17)")
        assert barriers(page) == []
    assert process.returncode == 0
    after = {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir() if path.name != marks.FILE}
    assert after == before
