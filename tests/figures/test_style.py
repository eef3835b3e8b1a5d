"""What is printed: widths and sizes, text as text, and colours that everybody and a grey print can tell apart."""

from itertools import combinations

import cv2
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.colors import to_rgb

from fer_helpers import figures
from fer_helpers.emotions import LABELS, TAXONOMIES
from fer_helpers.evaluation import confidence
from fer_helpers.figures.corpus import _bins
from fer_helpers.figures.style import LABEL_COLOURS, LABEL_HATCHES, contrast, text_on
from fer_helpers.params import Params
from fer_helpers.runs.run import Run
from tests.support.predictions import MODEL, joined


@pytest.fixture(autouse=True)
def _styled():
    mpl.use("Agg")
    with plt.rc_context():
        figures.set_style()
        yield
    plt.close("all")


# What a person without one kind of cones sees (Machado, Oliveira & Fernandes 2009, severity 1), of linear RGB.
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colour, by):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    mixed = np.clip(np.array(SEEN[by]) @ linear, 0, 1)
    as_shown = np.where(mixed <= 0.0031308, mixed * 12.92, 1.055 * mixed ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(np.float32([[as_shown]]), cv2.COLOR_RGB2LAB)[0, 0]


@pytest.mark.parametrize("by", SEEN)
def test_every_two_labels_have_colours_that_are_told_apart(by):
    """A difference of 10 in CIELAB is seen at a glance."""
    near = {pair: np.linalg.norm(np.subtract(*(seen(LABEL_COLOURS[one], by) for one in pair)))
            for pair in combinations(LABELS, 2)}  # fmt: skip
    assert min(near.values()) > 10, min(near, key=near.get)


def drawn(folder):
    """The files of a figure, as a notebook saves it in the house style."""
    figures.set_style()
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.bar(["a_b", "−1", "é"], [1, 2, 3], hatch="//", label="some_label")
    axes.set(title="A title", ylabel="clips")
    axes.legend()
    Run(folder, Params()).save_figure("01_x", figure, pd.DataFrame({"a": [1]}), "A caption.")
    plt.close(figure)
    return {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}


def test_a_matplotlibrc_changes_no_figure(tmp_path):
    """Settings of one's own, some of which cannot be met here; the same bytes in every format."""
    own = """
        text.usetex: true
        font.family: Nosuch
        font.sans-serif: Nosuch
        figure.dpi: 50
        savefig.dpi: 37
        savefig.bbox: tight
        savefig.pad_inches: 2
        savefig.transparent: true
        savefig.format: jpg
        figure.figsize: 20, 1
        figure.facecolor: red
        figure.autolayout: true
        axes.prop_cycle: cycler('color', ['r'])
        axes.unicode_minus: false
        hatch.color: red
        image.cmap: gray
        lines.linewidth: 9
        path.sketch: 5, 100, 2
        pdf.compression: 0
        pdf.fonttype: 3
        svg.fonttype: path
        svg.hashsalt: mine
    """
    (tmp_path / "matplotlibrc").write_text("\n".join(line.strip() for line in own.splitlines()))
    expected = drawn(tmp_path / "plain")
    mpl.rc_file(tmp_path / "matplotlibrc")
    assert drawn(tmp_path / "own") == expected
    assert len(expected) == 4


def test_no_font_of_the_machine_changes_a_figure(tmp_path, monkeypatch):
    """Where Arial is installed, seaborn has it used: other widths, and other pictures in the notebooks."""
    expected = drawn(tmp_path / "plain")
    arial = font_manager.FontEntry(fname=font_manager.findfont("DejaVu Serif"), name="Arial", weight=400)
    richer = font_manager.FontManager()
    richer.ttflist = [*font_manager.fontManager.ttflist, arial]
    monkeypatch.setattr(font_manager, "findfont", richer.findfont)
    monkeypatch.setattr(font_manager, "fontManager", richer)
    assert font_manager.findfont("Arial") == arial.fname
    assert drawn(tmp_path / "arial") == expected


def test_a_grey_print_tells_them_apart_by_hatches():
    assert set(LABEL_COLOURS) == set(LABEL_HATCHES) == set(LABELS)
    for labels in TAXONOMIES.values():
        assert len({LABEL_HATCHES[label] for label in labels}) == len(labels)


def test_contrast_is_that_of_the_standard():
    """Worked examples of WCAG: white on its lightest readable grey, and on pure red."""
    assert contrast("white", "#767676") == pytest.approx(4.54, abs=0.005)
    assert contrast("#FF0000", "white") == pytest.approx(4.0, abs=0.005)


def test_what_is_written_on_a_colour_can_be_read():
    shades = [mpl.colors.to_hex((level, level, level)) for level in np.linspace(0, 1, 256)]
    assert min(contrast(text_on(colour), colour) for colour in [*LABEL_COLOURS.values(), *shades]) >= 4.5
    assert min(contrast(colour, "white") for colour in figures.style.COLOURS) >= 4.5


def test_files_are_as_wide_as_they_are_printed_and_their_text_is_text(tmp_path):
    drawn, matrix = figures.confusion_of(joined({("multi_frame", MODEL): ["sad", "fear"]}, ["sad", "sad"]))
    Run(tmp_path, Params()).save_figure("one", drawn, matrix, "a caption")
    files = {path.suffix: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert set(files) == {".pdf", ".svg", ".png", ".csv"}
    points = 8.5 / 2.54 * 72
    assert f'width="{points:.6f}pt"'.encode() in files[".svg"]
    assert b">predicted label</text>" in files[".svg"]
    box = [float(number) for number in files[".pdf"].split(b"/MediaBox [ ")[1].split(b" ]")[0].split()]
    assert box[2] == pytest.approx(points)
    assert b"/Type3" not in files[".pdf"]
    assert plt.imread(tmp_path / "figures/one.png").shape[1] == pytest.approx(8.5 / 2.54 * 300, abs=1)
    assert {text.get_fontsize() for text in drawn.findobj(mpl.text.Text) if text.get_text()} == {8}


def test_bins_of_whole_numbers_hold_whole_numbers():
    edges = np.array(_bins(pd.Series([12.0, 46.0])))
    assert (edges % 1 == 0.5).all()
    assert set(np.diff(edges)) == {2}
    assert edges[0] < 12 < 46 < edges[-1]


def test_bins_of_confidence_hold_equally_many_and_ties_stay_together():
    rows = joined({("multi_frame", MODEL): ["sad"] * 8}, ["sad"] * 4 + ["fear"] * 4)
    rows = pd.concat([rows.assign(clip_id=[f"{n} {clip}" for clip in rows["clip_id"]]) for n in range(10)])
    rows["confidence"] = np.arange(80) / 80
    bins = confidence.in_equal_bins(rows)
    assert bins["n"].tolist() == [20] * 4
    assert bins["right"].tolist() == [0.6, 0.4, 0.6, 0.4]
    assert (bins["ci_low"] < bins["right"]).all()
    assert confidence.in_equal_bins(rows.assign(confidence=1.0))["n"].tolist() == [80]
