"""The labelling view: what it shows in which order, what it keeps, and that nothing of a model reaches who labels."""

import base64
import contextlib
import json
import socket
import sys
import time

import pytest

from fer_helpers import estimation
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.errors import RunError
from fer_helpers.explorer import LabellingView
from fer_helpers.explorer._desk import Desk
from fer_helpers.runs import draws, open_run, people
from tests.support import jupyter as servers
from tests.support.browser import barriers
from tests.support.command import fer
from tests.support.explorer_runs import HOSTILE
from tests.support.jupyter import WAIT
from tests.support.labelling import SECRET, drawn_run, enter, open_view, order_of, press, progress

in_browser = pytest.mark.browser


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return drawn_run(tmp_path_factory.mktemp("drawn") / "a")


@pytest.fixture
def run(shared):
    (shared.folder / people.FILE).unlink(missing_ok=True)
    return shared


def said(run, rater="ana"):
    """What a rater said, by the clip's place in the queue, the latest last."""
    rows, place = people.read(run.folder), order_of(run)
    return {place.index(row.clip_id): row.label for row in rows[rows["rater"] == rater].itertuples()}


def exchange(view, *messages):
    """What the view answers to each message: its content and its picture."""
    sent = []
    view.send = lambda content, buffers=(): sent.append((content, *buffers))
    for number, message in enumerate(messages):
        view._receive(None, {"id": number, "rater": "ana", "back": 0, **message}, [])
    return sent


def answer(clip, label, **more):
    return {"type": "answer", "clip": clip, "label": label, **more}


SHOW = {"type": "show"}

# - which clip is shown


def test_skipped_clips_come_again_at_the_end_and_those_that_cannot_be_told_do_not(tmp_path):
    view = LabellingView(drawn_run(tmp_path / "a", 3), "core")
    answers = [answer(0, "skip"), answer(1, "cannot tell"), answer(2, "skip"), answer(0, "skip"), answer(2, "sad")]
    shown = [content["clip"] for content, _ in exchange(view, SHOW, *answers)]
    assert shown == [0, 1, 2, 0, 2, 0]
    ((last, picture),) = exchange(view, answer(0, "fear"))
    assert (last["clip"], last["done"], last["of"], last["skipped"], picture) == (None, 3, 3, 0, b"")
    assert "all 3 clips are done" in last["words"]
    assert "06_label_audit" in last["words"]


def test_only_clips_that_were_drawn_for_the_queue_are_shown(run):
    """Rows without a place in the order say what a sample was drawn from."""
    view = LabellingView(run, "core")
    assert view.desk.clips == order_of(run)
    assert repr(view) == "LabellingView(core, 40 clips)"
    with pytest.raises(RunError, match="no clips drawn for audit: draw some with fer-helpers sample"):
        LabellingView(run, "audit")


def test_an_extended_sample_goes_on_where_the_shorter_one_ended(tmp_path):
    """All that was labelled stays labelled; only what is new is asked, and the votes are those of the larger sample."""
    run = drawn_run(tmp_path / "a")
    (run.folder / "draws.parquet").unlink()
    before = draws.draw(run, "core", 35)
    exchange(LabellingView(run, "core"), *(answer(clip, "sad") for clip in range(35)))
    after = draws.draw(run, "core", 40)
    asked = exchange(LabellingView(run, "core"), SHOW, *(answer(clip, "fear") for clip in range(35, 40)))
    assert [told["clip"] for told, _ in asked] == [35, 36, 37, 38, 39, None]
    labels = estimation.read_labels(people.all_labels(run), draws.population(run))
    votes, refused = estimation.drawn_only(labels, after)
    assert refused.empty
    said = dict(zip(votes["clip_id"], votes["label"], strict=True))
    assert said == {clip: "sad" if at < 35 else "fear" for at, clip in enumerate(after["clip_id"])}
    assert list(after["clip_id"][:35]) == list(before["clip_id"])


def test_labels_of_another_label_set_do_not_count(run):
    clip = {"clip_id": order_of(run)[0], "rater": "ana", "queue": "core", "labelled_at": ""}
    people.keep({**clip, "label": "negative"}, run.folder)
    ((told, _),) = exchange(LabellingView(run, "core"), SHOW)
    assert (told["clip"], told["done"]) == (0, 0)


def test_the_same_person_in_other_capitals_is_not_a_second_rater(run):
    view = LabellingView(run, "core")
    *_, (told, _) = exchange(view, answer(0, "sad", rater="Ana"), {**SHOW, "rater": " ANA "})
    assert (told["rater"], told["clip"]) == ("Ana", 1)


def test_a_clip_without_key_frames_is_shown_as_such(run, monkeypatch):
    view = LabellingView(run, "core")
    frames = view.desk.frames.frames
    gone = frames[frames["clip_id"] != order_of(run)[0]]
    monkeypatch.setattr(view.desk, "frames", type(view.desk.frames)(frames=gone, picture=run.picture))
    assert [picture == b"" for _, picture in exchange(view, SHOW, answer(0, "skip"))] == [True, False]


# - what it takes, and what it lets out


@pytest.mark.parametrize(
    "message",
    [
        answer(40, "sad"),
        answer(-1, "sad"),
        answer(True, "sad"),
        answer(0.0, "sad"),
        answer("0", "sad"),
        answer(None, "sad"),
        answer(0, "bored"),
        answer(0, "negative"),
        answer(0, ["sad"]),
        answer(0, None),
        answer(0, "sad", rater=""),
        answer(0, "sad", rater="x" * 101),
        answer(0, "sad", rater="\ud800"),
        answer(0, "sad", rater=None),
        {**SHOW, "back": float("inf")},
        {"type": "answer"},
    ],
)
def test_what_a_page_cannot_have_sent_is_refused(run, message):
    ((content, *_),) = exchange(LabellingView(run, "core"), message)
    assert content["type"] == "problem"
    assert content["text"]
    assert not (run.folder / people.FILE).exists()


@pytest.mark.parametrize("message", [None, 7, "show", [], {}])
def test_what_is_no_message_is_refused(run, message):
    view, sent = LabellingView(run, "core"), []
    view.send = lambda content, buffers=(): sent.append(content["type"])
    view._receive(None, message, [])
    assert sent == ["problem"]


def test_a_label_that_cannot_be_kept_is_said_and_the_clip_stays(run, monkeypatch):
    monkeypatch.setattr(people, "FILE", "no such folder/people.jsonl")
    ((content, *_),) = exchange(LabellingView(run, "core"), answer(0, "sad"))
    assert content["type"] == "problem"
    assert "could not be kept" in content["text"]


def test_what_the_browser_gets_does_not_depend_on_the_model(tmp_path):
    """Another model, other strata, probabilities, true labels and clip names: the same bytes to the browser."""
    traffic = []
    for seed, stratum in ((1, "fear"), (2, "sad")):
        run = drawn_run(tmp_path / str(seed), 5, seed=seed, stratum=stratum)
        other = drawn_run(tmp_path / f"pictures {seed}", 5)  # the same frames for both
        view = LabellingView(run, "core")
        view.desk.frames = LabellingView(other, "core").desk.frames
        sent = exchange(view, SHOW, answer(0, "sad"), answer(1, "skip"), {**SHOW, "back": 1})
        state = {name: value for name, value in view.get_state().items() if not name.startswith(("layout", "tabbable"))}
        traffic.append((sent, state))
    assert traffic[0] == traffic[1]
    assert set(traffic[0][0][0][0]) == {
        *("type", "id", "clip", "said", "back", "first", "rater", "done", "of", "skipped", "words")
    }


def test_no_picture_and_no_clips_name_is_in_what_a_notebook_keeps(run):
    view = LabellingView(run, "core")
    exchange(view, SHOW, answer(0, "sad"))
    bundle = view._repr_mimebundle_()[0]
    kept = json.dumps([view.get_state(), bundle])
    assert "clip 000" not in kept
    assert base64.b64encode(run.picture(order_of(run)[0], 0)).decode()[:60] not in kept
    assert bundle["text/plain"] == "LabellingView(core, 40 clips)"
    assert "fer-helpers label" in bundle["text/html"]


def test_a_run_without_a_queue_is_not_served(run):
    for queue, problem in (("audit", "no clips drawn for audit"), ("mine", "queue is 'mine': must be one of core")):
        result = fer("label", run.folder, "--queue", queue)
        assert result.exit_code == 1
        assert problem in result.output


# - in a browser


@in_browser
def test_forty_clips_by_keys(run, page):
    """In the drawn order; each key's label is on the disk before the next clip is shown; they are 40 votes."""
    traffic = open_view(page, run)
    enter(page, "ana")
    keys = [str(1 + number % 7) for number in range(40)]
    for number, key in enumerate(keys):
        press(page, key)
        assert said(run) == {at: SEVEN[int(one) - 1] for at, one in enumerate(keys[: number + 1])}
    assert progress(page) == "40 of 40 done"
    assert "all 40 clips are done" in page.get_by_test_id("fer-finished").text_content()
    assert [sent[0][0]["clip"] for _, sent in traffic] == [*range(40), None]
    population = estimation.population(run.read("clips"), run.read("predictions").query("strategy == 'soft_vote'"))
    votes = estimation.read_labels(people.read(run.folder), population).votes
    assert votes["clip_id"].tolist() == order_of(run)
    assert votes["label"].tolist() == [SEVEN[int(key) - 1] for key in keys]


@in_browser
def test_back_skip_and_coming_back_another_day(run, page):
    """A slip is mended with u; a reload asks for the name, which the browser knows, and goes on at the next clip."""
    open_view(page, run)
    enter(page, "ana")
    press(page, "1", "s", "c", "3", "u")
    assert page.get_by_test_id("fer-label-fear").get_attribute("aria-pressed") == "true"
    press(page, "Backspace", "ArrowLeft", "ArrowRight", "0", "ArrowLeft", "ArrowLeft", "4")
    assert said(run) == {0: "angry", 1: "skip", 2: "cannot tell", 3: "happy"}
    assert progress(page) == "3 of 40 done, 1 skipped"
    open_view(page, run)
    assert page.get_by_test_id("fer-reviewer").input_value() == "ana"
    page.get_by_test_id("fer-start").click()
    page.get_by_test_id("fer-desk").wait_for(timeout=WAIT)
    assert progress(page) == "3 of 40 done, 1 skipped"
    press(page, "7")
    assert said(run) == {0: "angry", 1: "skip", 2: "cannot tell", 3: "happy", 4: "surprise"}


@in_browser
def test_two_reviewers_at_once(run, page):
    """Each has the whole queue and sees the own labels only; both are raters of the same clips."""
    other = page.context.new_page()
    for one in (page, other):
        open_view(one, run)
    enter(page, "ana")
    enter(other, HOSTILE[1])
    for mine, theirs in (("1", "1"), ("2", "5"), ("3", "3")):
        press(page, mine)
        press(other, theirs)
    assert progress(page) == progress(other) == "3 of 40 done"
    assert other.get_by_test_id("fer-who").text_content() == HOSTILE[1]
    assert other.locator(".fer-labelling img").count() == 0
    assert said(run) == {0: "angry", 1: "disgust", 2: "fear"}
    assert said(run, HOSTILE[1]) == {0: "angry", 1: "neutral", 2: "fear"}
    page.get_by_test_id("fer-leave").click()
    enter(page, "eve")
    assert progress(page) == "0 of 40 done"
    press(page, "6")
    assert (said(run, "eve"), said(run)) == ({0: "sad"}, {0: "angry", 1: "disgust", 2: "fear"})


@in_browser
def test_three_labels_have_three_keys(tmp_path, page):
    run = drawn_run(tmp_path / "a", 5, taxonomies=("ternary",))
    open_view(page, run)
    enter(page, "ana")
    press(page, "4", "7", "3", "2", "1", "0")
    assert said(run) == {0: "positive", 1: "neutral", 2: "negative", 3: "cannot tell"}
    assert page.locator(".fer-labels kbd").all_text_contents() == ["1", "2", "3"]
    assert page.locator(".fer-labels button > span").all_text_contents() == list(TERNARY)


@in_browser
def test_one_press_labels_one_clip(run, page):
    """A key held down, with Ctrl, or pressed before the next clip is there labels nothing, nor does a double click."""
    traffic = open_view(page, run)
    enter(page, "ana")
    page.keyboard.down("1")
    for _ in range(3):
        page.keyboard.down("1")  # as the system repeats it
    page.keyboard.up("1")
    press(page, "Control+2")
    assert said(run) == {0: "angry"}
    page.evaluate("""() => {
      for (const key of "345") document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }""")
    press(page)
    assert said(run) == {0: "angry", 1: "fear"}
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'é', code: 'Digit2', bubbles: true }))"
    )
    press(page)
    assert said(run) == {0: "angry", 1: "fear", 2: "disgust"}  # where digits are typed with Shift
    page.get_by_test_id("fer-label-sad").click(click_count=2, delay=100)
    press(page)
    assert said(run) == {0: "angry", 1: "fear", 2: "disgust", 3: "sad"}
    assert len(traffic) == 5


@in_browser
def test_a_server_that_does_not_answer_is_said_and_the_label_can_be_sent_again(run, page, monkeypatch):
    page.clock.install()
    open_view(page, run)
    enter(page, "ana")
    answering = Desk._shown
    monkeypatch.setattr(Desk, "_shown", lambda *_: ({}, []))  # it is kept, but the answer is lost
    page.keyboard.press("6")
    page.clock.run_for(9000)
    assert "reload the page" in page.get_by_test_id("fer-problem").text_content()
    monkeypatch.setattr(Desk, "_shown", answering)
    press(page, "6")
    assert page.get_by_test_id("fer-problem").text_content() == ""
    assert (said(run), progress(page)) == ({0: "sad"}, "1 of 40 done")


@in_browser
@pytest.mark.parametrize(
    "page",
    [
        {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
        {"viewport": {"width": 700, "height": 900}},
        {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},
        {"viewport": {"width": 390, "height": 780}, "color_scheme": "dark", "has_touch": True},
    ],
    indirect=True,
    ids=["dark", "700 px", "200 %", "telephone"],
)
def test_everybody_can_use_it(run, page):
    """Clip and labels are seen together, large enough to touch, with no barrier that axe-core finds, in every state."""
    open_view(page, run)
    assert barriers(page) == []
    enter(page, "ana")
    press(page, "s", "u")
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    boxes = page.evaluate("""() => [...document.querySelectorAll("section button, .fer-tile")].map((one) => {
      const { width, height, top, bottom } = one.getBoundingClientRect();
      return [one.textContent, width, height, top, bottom, one.closest(".fer-tile, .fer-labels") !== null];
    })""")
    for words, width, height, top, bottom, at_once in boxes:
        assert min(width, height) >= 44, words
        assert not at_once or (top >= 0 and bottom <= page.viewport_size["height"]), words


@in_browser
def test_frames_play_until_they_are_paused_and_not_where_motion_is_unwanted(run, page):
    open_view(page, run)
    enter(page, "ana")
    playing = page.get_by_test_id("fer-play")
    place = page.locator(".fer-controls span")
    page.get_by_text("frame 2 of 2").wait_for(timeout=WAIT)
    page.get_by_text("frame 1 of 2").wait_for(timeout=WAIT)
    press(page, " ", "p", "p")
    assert (playing.text_content(), place.get_attribute("aria-live")) == ("▶ play", "polite")
    page.emulate_media(reduced_motion="reduce")
    press(page, "1")
    assert playing.text_content() == "▶ play"
    page.get_by_role("button", name="next frame").click()
    assert place.text_content() == "frame 2 of 2"
    assert said(run) == {0: "angry"}


def address_of(process, folder, port):
    """Where the server says it is, as soon as it is there."""
    address = process.stdout.readline().strip()
    assert address.startswith(f"http://127.0.0.1:{port}/#"), (folder / "log").read_text()[-2000:]
    until = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return address
        assert time.monotonic() < until
        time.sleep(0.1)


@in_browser
def test_a_killed_server_loses_no_label_and_tells_nothing_of_the_model(run, page, tmp_path):
    """`fer-helpers label`, killed with -9 between two labels: who comes back continues at the next clip.

    Of all that reaches the browser, pages and messages, nothing names a prediction, a stratum or a clip.
    """
    heard = []

    def hear(route):
        reply = route.fetch()
        heard.extend([reply.url, reply.text()])
        route.fulfill(response=reply)

    page.route("**/*", hear)
    port, code = servers.free_port(), "from fer_helpers.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "label", str(run.folder), "--port", str(port)]
    with servers.serving(command, tmp_path) as process:
        page.goto(address_of(process, tmp_path, port), timeout=WAIT)
        page.get_by_test_id("fer-reviewer").wait_for(timeout=WAIT)
        assert barriers(page) == []
        enter(page, "ana")
        press(page, "1", "2", "3")
        heard.append(page.content())
        process.kill()
    assert said(run) == {at: SEVEN[at] for at in range(3)}
    ((told, _),) = exchange(LabellingView(open_run(run.folder), "core"), SHOW)
    assert (told["clip"], told["done"]) == (3, 3)
    everything = "\n".join(str(one) for one in heard)
    assert '"done"' in everything  # messages,
    assert "Which expression do you perceive?" in everything  # and the page
    secrets = (SECRET, "0.618", "soft_vote", "fer2013-cnn", "prob_", "brows raised", "clip 000", "videos/")
    assert [secret for secret in secrets if secret in everything] == []
