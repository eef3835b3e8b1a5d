"""What people come to the explorer for, as tasks in a browser: each done in at most five actions, which are counted."""

import csv
import io
from pathlib import Path

import pytest

from fer_helpers.explorer import ConfusionExplorer
from tests.support.browser import barriers, heading, loaded, matrix, open_file, option
from tests.support.explorer_runs import make_run

pytestmark = pytest.mark.browser
STRATEGY = "soft_vote"
FIRST_CARD = "[data-testid=fer-card]"
IN_VIEW = """() => {
  const { top, bottom } = document.querySelector("[data-testid=fer-card]").getBoundingClientRect();
  return top >= 0 && Math.min(bottom, top + 200) <= window.innerHeight;
}"""
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


class Person:
    """Does what people do in a page, and counts it: a click, a key, a choice in a list are an action each."""

    def __init__(self, page):
        self.page = page
        self.actions = 0

    def click(self, name):
        self.actions += 1
        # At its edge: in the middle of a card is a button.
        self.page.get_by_test_id(f"fer-{name}").first.click(position={"x": 4, "y": 4})

    def choose(self, name, value):
        self.actions += 1
        self.page.get_by_test_id(f"fer-{name}").select_option(value)

    def press(self, *keys):
        for key in keys:
            self.actions += 1
            self.page.keyboard.press(key)

    def type(self, name, text):
        self.actions += 1
        self.page.get_by_test_id(f"fer-{name}").fill(text)
        self.page.get_by_test_id(f"fer-{name}").press("Tab")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run") / "a", 60, people=True, n_frames=2)


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    explorer = ConfusionExplorer(run, strategy=STRATEGY)
    return explorer.to_html(tmp_path_factory.mktemp("file") / "explorer.html", "full")


@pytest.fixture
def person(page, file):
    """Somebody who has just opened the file."""
    open_file(page, file)
    somebody = Person(page)
    yield somebody
    assert somebody.actions <= 5


def screen(width, height, **more):
    values = {"viewport": {"width": width, "height": height}, "offline": True, **more}
    return pytest.mark.parametrize("page", [values], indirect=True, ids=[f"{width}x{height}"])


def labels(run, strategy=STRATEGY):
    """True and predicted label, confidence and subject of every clip."""
    rows = run.read("predictions").merge(run.read("clips"), on="clip_id", suffixes=("", "_clip"))
    return rows[(rows["strategy"] == strategy) & (rows["taxonomy"] == "seven")]


def wrong(run, strategy=STRATEGY):
    rows = labels(run, strategy)
    return rows[rows["label"].notna() & (rows["label"] != rows["label_clip"])]


def shown(page):
    return page.locator(".fer-id").all_text_contents()


@screen(1440, 900)
def test_the_most_confused_pair_is_what_it_opens_on(run, person):
    pairs = wrong(run).groupby(["label_clip", "label"]).size()
    row, column = heading(person.page).partition(":")[0].split(" → ")
    assert pairs[row, column] == pairs.max()
    assert heading(person.page).endswith(f": {pairs.max()} clips")
    loaded(person.page, pairs.max())
    assert person.page.evaluate(IN_VIEW)
    assert person.actions == 0


@screen(1440, 900)
def test_confident_errors(run, person):
    person.click("errors")
    errors = wrong(run)
    assert heading(person.page).startswith(f"All errors, surest first: {len(errors)} clips, page 1 of ")
    surest = errors.assign(sure=errors["confidence"].mul(100).round()).sort_values(
        "sure", ascending=False, kind="stable"
    )
    assert shown(person.page) == surest["clip_id"].head(12).tolist()
    assert person.page.evaluate(IN_VIEW)
    assert person.actions == 1


@screen(1440, 900)
def test_one_subject(run, person):
    person.choose("facet", option("subject", "s3"))
    rows = labels(run)[labels(run)["subject"] == "s3"]
    assert sum(matrix(person.page).values()) == len(rows) > 0
    person.click("all")
    assert set(shown(person.page)) == set(rows["clip_id"])
    assert person.page.get_by_test_id("fer-filtered").text_content() == f"Filtered: {len(rows)} of 60 clips"
    assert person.actions == 2


@screen(1440, 900)
def test_one_group_of_people(run, person):
    person.choose("facet", option("group_age", "old"))
    rows = labels(run)[labels(run)["group_age"] == "old"]
    assert sum(matrix(person.page).values()) == len(rows) > 0
    assert person.page.get_by_test_id("fer-chip").all_text_contents() == ["age: old ✕"]
    assert person.actions == 1


@screen(1440, 900)
def test_two_strategies(run, person):
    person.choose("compare", "multi_frame")
    person.click("changed")
    a, b = (labels(run, name).set_index("clip_id")["label"].fillna("") for name in (STRATEGY, "multi_frame"))
    assert heading(person.page).startswith(f"Different label: {(a != b).sum()} clips")
    assert person.page.evaluate(IN_VIEW)
    assert person.actions == 2


@screen(1440, 900)
def test_mark_with_keys(person):
    """1, 2, 3 for the verdicts, 0 takes one back, n and p for the next and the previous clip."""
    page = person.page
    page.locator(FIRST_CARD).first.focus()
    clips = page.locator(FIRST_CARD).evaluate_all("all => all.map(card => Number(card.dataset.clip))")
    person.press("1", "n", "3")
    assert page.get_by_test_id("fer-marked").text_content() == "Marked: 2"
    for clip, pressed in ((clips[0], [0]), (clips[1], [2])):
        states = [page.get_by_test_id(f"fer-verdict-{clip}-{at}").get_attribute("aria-pressed") for at in range(3)]
        assert states == [str(at in pressed).lower() for at in range(3)]
    person.press("p", "0")
    assert page.get_by_test_id("fer-marked").text_content() == "Marked: 1"
    assert page.evaluate("document.activeElement.dataset.clip") == str(clips[0])
    assert person.actions == 5


@screen(1440, 900)
def test_export(person):
    person.type("reviewer", "ana")
    person.click("card")
    person.press("2")
    with person.page.expect_download() as download:
        person.click("csv")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [(row["reviewer"], row["verdict"], row["blind"]) for row in rows] == [("ana", "ambiguous", "false")]
    assert person.actions == 4


@screen(1440, 900)
def test_the_keyboard_alone(person):
    """From the opened page to the second clip marked."""
    person.press("Tab", "Enter", "1", "n", "2")
    assert person.page.get_by_test_id("fer-marked").text_content() == "Marked: 2"
    assert person.page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
    assert person.actions == 5


@screen(1440, 900)
def test_the_keyboard_alone_reaches_another_cell(person):
    before = heading(person.page)
    person.press("Tab", "Enter", "Escape", "ArrowLeft", "Enter")
    assert heading(person.page) != before
    assert " → " in heading(person.page)
    assert person.actions == 5


@screen(720, 450, device_scale_factor=2)
def test_at_200_per_cent(run, person):
    """As 1440 × 900 pixels at 200 %: nothing is cut off, and what is chosen comes into view."""
    person.click("errors")
    assert person.page.evaluate(IN_VIEW)
    assert person.page.evaluate(FITS)
    assert person.actions == 1


@screen(700, 900)
def test_700_pixels_wide(run, person):
    row, column = wrong(run).groupby(["label_clip", "label"]).size().idxmin()
    person.click(f"a-{row}-{column}")
    assert heading(person.page).startswith(f"{row} → {column}: ")
    assert person.page.evaluate(IN_VIEW)
    assert person.page.evaluate(FITS)
    assert person.actions == 1


@screen(1440, 900, color_scheme="dark")
def test_in_the_dark(person):
    """It follows the system's setting, and what is written can be read there."""
    assert (
        person.page.evaluate("getComputedStyle(document.querySelector('.fer-explorer')).color") == "rgb(255, 255, 255)"
    )
    loaded(person.page, person.page.locator(FIRST_CARD).count())
    assert barriers(person.page) == []
    assert person.actions == 0


# --- reviewing ------------------------------------------------------------------------------------------------


@screen(1440, 900)
def test_a_blind_review_shows_no_prediction_before_the_mark(run, person):
    """No matrix, no order by confidence, no prediction; after the mark, which says that it was blind, all of it."""
    page = person.page
    person.click("all")
    person.click("blind")
    assert heading(page) == "Blind review: 60 clips, page 1 of 5"
    assert not page.get_by_test_id("fer-matrix-a").is_visible()
    assert shown(page) == run.read("clips")["clip_id"].head(12).tolist()
    loaded(page, 12)
    assert page.locator(".fer-probability, .fer-votes, .fer-words, .fer-about").count() == 0
    first = page.locator(FIRST_CARD).first
    assert STRATEGY not in first.text_content()
    person.click("card")
    person.press("2")
    assert STRATEGY in first.text_content()
    assert first.locator(".fer-votes").count() == 1
    assert STRATEGY not in page.locator(FIRST_CARD).nth(1).text_content()
    with page.expect_download() as download:
        person.click("csv")
    assert "true" in Path(download.value.path()).read_text().splitlines()[1]


@screen(1440, 900)
def test_a_reviewer_sees_the_own_marks_only(person):
    page = person.page
    person.type("reviewer", "ana")
    person.click("card")
    person.press("1")
    person.type("reviewer", "ben")
    assert page.get_by_test_id("fer-marked").text_content() == "Marked: 0"
    assert page.locator("[aria-pressed=true][data-testid^=fer-verdict]").count() == 0
    page.locator(FIRST_CARD).first.focus()
    page.keyboard.press("3")
    assert page.get_by_test_id("fer-marked").text_content() == "Marked: 1"
    with page.expect_download() as download:
        page.get_by_test_id("fer-csv").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [(row["reviewer"], row["verdict"]) for row in rows] == [("ana", "label looks wrong"), ("ben", "model wrong")]


@screen(1440, 900)
def test_what_is_gone_is_not_left_selected(person):
    """Taking the comparison away, or asking another question, leads back to the most confused pair."""
    before = heading(person.page)
    person.choose("compare", "multi_frame")
    person.click("changed")
    person.click("chip")
    assert heading(person.page) == before
    title = "Run a · corpus demo · model fer2013-cnn · 60 clips"
    assert person.page.get_by_test_id("fer-title").text_content() == title


# --- for everybody --------------------------------------------------------------------------------------------


def test_axe_finds_no_barrier_in_the_file(file, page):
    """Nothing serious or critical (axe-core): comparing with a filter and a mark, and with a clip large."""
    open_file(page, file)
    page.get_by_test_id("fer-compare").select_option("multi_frame")
    page.get_by_test_id("fer-facet").select_option(option("split", "test"))
    page.locator(FIRST_CARD).first.focus()
    page.keyboard.press("1")
    assert barriers(page) == []
    page.keyboard.press("Enter")
    page.get_by_test_id("fer-tile").wait_for()
    assert barriers(page) == []


def test_axe_finds_no_barrier_in_the_report(small_run, page):
    page.goto((small_run / "report.html").as_uri())
    assert barriers(page) == []
