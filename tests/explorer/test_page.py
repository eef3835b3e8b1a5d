"""The labelling view served to a class: who labels is who has the token; and what notebook 04 makes of the labels."""

import sys

import httpx2
import krippendorff
import numpy as np
import pandas as pd
import pytest

from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint import students
from fer_helpers.errors import ListError
from fer_helpers.evaluation import agreement
from fer_helpers.runs import human_votes, people, write_manifest
from tests.support import jupyter as servers
from tests.support.browser import barriers
from tests.support.command import fer
from tests.support.jupyter import WAIT
from tests.support.labelling import SECRET, drawn_run, order_of, press, progress

RATERS = ["ana", "ben", "cho", "dua", "eli"]
N = 12
HTTP = httpx2.Client(timeout=60)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """`fer-helpers label --students` over a run of noise: the run, its address, and the tokens."""
    base = tmp_path_factory.mktemp("room")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_OUTPUTS", str(base / "outputs"))
        run = drawn_run(base / "a", N)
        (base / "names.txt").write_text("\n".join([*RATERS, "zoë"]), encoding="utf-8")
        port = servers.free_port()
        code = "from fer_helpers.cli import main; main()"
        command = [sys.executable, "-u", "-c", code, "label", str(run.folder), "--host", "0.0.0.0", "--allow-upload"]
        with servers.serving([*command, "--students", str(base / "names.txt"), "--port", str(port)], base) as process:
            said = [process.stdout.readline() for _ in range(4)]
            assert said[-1].startswith("http://"), (base / "log").read_text()[-2000:]
            assert "nothing of the model, of clips' names or of each other" in said[1]
            tokens = students.tokens_of(base / "names.txt")
            assert not any(token in "".join(said) for token in tokens.values())
            yield run, f"http://127.0.0.1:{port}", tokens
        assert (base / "log").read_text() == ""


def ask(address, token, **message):
    headers = {"Authorization": f"Bearer {token}"}
    return HTTP.post(f"{address}/desk", json={"id": 1, "rater": "ana", "back": 0, **message}, headers=headers)


def test_five_raters_label_and_notebook_04_has_their_alpha_and_ceiling(room):
    """Labels by HTTP, seeded; alpha as the krippendorff package has it of the same table, the ceiling by hand."""
    run, address, tokens = room
    (run.folder / people.FILE).unlink(missing_ok=True)
    drawn, rng = order_of(run), np.random.default_rng(1)
    truth = run.read("clips").set_index("clip_id")["label"][drawn]
    table = pd.DataFrame(index=RATERS, columns=drawn, dtype=object)
    for rater in RATERS:
        shown = ask(address, tokens[rater], type="show").json()["content"]
        while shown["clip"] is not None:
            assert shown["rater"] == rater, "whatever name the page sends"
            label = truth.iloc[shown["clip"]] if rng.random() < 0.6 else str(rng.choice([*SEVEN, "cannot tell"]))
            table.loc[rater, drawn[shown["clip"]]] = label
            shown = ask(address, tokens[rater], type="answer", clip=shown["clip"], label=label).json()["content"]
        assert shown["done"] == N
    table = table.mask(table == "cannot tell")
    votes = human_votes(run.params.model_copy(update={"votes": str(run.folder / people.FILE)}), run.read("clips"))
    assert len(votes) == table.notna().sum(axis=None)
    codes = table.apply(lambda labels: labels.map({label: n for n, label in enumerate(SEVEN)})).astype(float)
    expected = krippendorff.alpha(reliability_data=codes.to_numpy(), level_of_measurement="nominal")
    counts = agreement.counts(votes, SEVEN)
    assert agreement.alpha(counts, n_resamples=100)["value"] == pytest.approx(expected)
    found = agreement.ceilings(votes, run.read("clips"), n_resamples=100)
    one = found.query("against == 'the label' and k == 1").iloc[0]
    assert one["value"] == pytest.approx(table.eq(truth.astype(object), axis=1).sum().div(table.notna().sum()).mean())


@pytest.mark.parametrize("command", ["explore", "label", "serve"])
def test_a_port_that_is_taken_is_said_before_anything_else(room, tmp_path, command):
    """An address or a token's place that was printed looked like a server that works."""
    run, address, _ = room
    (tmp_path / "names.txt").write_text("ana\n")
    arguments = {"explore": [run.folder], "label": [run.folder], "serve": []}[command]
    arguments += ["--students", tmp_path / "names.txt"] if command != "explore" else []
    result = fer(command, *arguments, "--port", address.rpartition(":")[2])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "cannot be used" in result.stderr


def test_who_has_no_token_sees_and_says_nothing(room):
    run, address, tokens = room
    before = people.read(run.folder)
    for token in ("x", tokens["ana"] + "x", tokens["ana"][:-1]):
        for message in ({"type": "show"}, {"type": "answer", "clip": 0, "label": "sad"}):
            found = ask(address, token, **message)
            assert (found.status_code, found.json()) == (401, {})
    pd.testing.assert_frame_equal(people.read(run.folder), before)
    headers = {"Authorization": f"Bearer {tokens['ana']}"}
    assert HTTP.post(f"{address}/desk", content=b"{", headers=headers).status_code == 400
    assert HTTP.post(f"{address}/desk", content=b"x" * 20_000, headers=headers).status_code == 413
    assert HTTP.get(f"{address}/people.jsonl").status_code == 404
    page = HTTP.get(address)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert SECRET not in page.text + HTTP.get(f"{address}/page.js").text


@pytest.mark.browser
@pytest.mark.parametrize("page", [{"viewport": {"width": 390, "height": 780}}], indirect=True)
def test_a_rater_types_a_token(room, page):
    """A wrong one is said; a right one brings back its owner; who leaves leaves no token in the page."""
    run, address, tokens = room
    page.goto(address)
    field = page.get_by_test_id("fer-reviewer")
    field.wait_for(timeout=WAIT)
    assert barriers(page) == []
    field.fill("nobody's")
    page.keyboard.press("Enter")
    page.get_by_text("This token is not known").wait_for(timeout=WAIT)
    field.fill(tokens["zoë"])
    page.keyboard.press("Enter")
    page.get_by_test_id("fer-desk").wait_for(timeout=WAIT)
    press(page, "1", "2")
    assert (progress(page), page.get_by_test_id("fer-who").text_content()) == (f"2 of {N} done", "zoë")
    assert barriers(page) == []
    rows = people.read(run.folder).query("rater == 'zoë'")
    assert rows["label"].tolist() == ["angry", "disgust"]
    page.get_by_test_id("fer-leave").click()
    assert field.input_value() == ""
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_faces_leave_this_machine_only_if_that_is_said(tmp_path):
    run = drawn_run(tmp_path / "a", 3)
    write_manifest(run.folder, {"params": {**run.params.model_dump(), "corpus": "folder", "corpus_path": "x"}})
    (tmp_path / "names.txt").write_text("ana")
    for arguments, problem in (
        (("--host", "0.0.0.0"), "without --students FILE, who may label, only 127.0.0.1 is served"),
        (("--host", "0.0.0.0", "--students", tmp_path / "names.txt"), "repeat with --allow-upload"),
    ):
        result = fer("label", run.folder, *arguments)
        assert (result.exit_code, problem in result.output) == (1, True)


# - votes from a people.jsonl


def test_the_last_label_counts_and_none_is_no_vote(tmp_path):
    run = drawn_run(tmp_path / "a", 3)
    rows = [
        ("clip 000", "ana", "sad", "core"), ("clip 000", "ana", "fear", "audit"), ("clip 001", "ana", "skip", "core"),
        ("clip 000", "ben", "cannot tell", "core"), ("another corpus's", "ben", "sad", "core"),
    ]  # fmt: skip
    clips = run.read("clips")
    rows = [(clips["clip_id"][int(clip[-1])] if clip[-1].isdigit() else clip, *rest) for clip, *rest in rows]
    for row in rows:
        people.keep(dict(zip(people.COLUMNS, row, strict=True)), run.folder)
    given = run.params.model_copy(update={"votes": str(run.folder / people.FILE)})
    assert human_votes(given, clips).to_numpy().tolist() == [[clips["clip_id"][0], "ana", "fear", 1]]
    people.keep(dict(zip(people.COLUMNS, (clips["clip_id"][0], "cho", "negative", "core"), strict=True)), run.folder)
    with pytest.raises(ListError, match="labels of three classes"):
        human_votes(given, clips)
    (run.folder / people.FILE).write_text("")
    with pytest.raises(ListError, match="has no label of a clip of this run"):
        human_votes(given, clips)
