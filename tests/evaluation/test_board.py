"""Published figures beside a run: what is said of them, and in what they differ."""

from fer_helpers.evaluation import board
from fer_helpers.params import Params
from fer_helpers.paths import ROOT


def beside(corpus="ferv39k", part="DailyLife", models=("gpt-4o-mini-2024-07-18",), labels=("seven",), frames="5", n=0):
    return board.beside(corpus, part, models, labels, frames, n)


def test_the_papers_own_row_beside_a_run_of_its_experiment():
    rows = beside().set_index(["model", "protocol there"])
    paper = rows.loc[("GPT-4o-mini", "labels seven; part DailyLife; frames not found; prompt not found")]
    assert paper["average precision"] == "0.500"
    assert paper["differs here"] == "frames not known; prompt not known"


def test_every_difference_is_named():
    rows = beside(models=["qwen2.5vl:7b"], frames="3", n=240).set_index("model")
    lian = rows.loc["GPT-4V"]
    assert (lian["WAR"], lian["UAR"], lian["top-2 accuracy"]) == ("0.343", "0.249", "0.526")
    assert lian["differs here"] == "another model; here DailyLife; another prompt; here 240 clips drawn at random"
    assert "trained on this corpus" in rows.loc["Former-DFER", "differs here"]
    assert "labels ternary" in " ".join(rows.loc["GPT-4o-mini", "differs here"])
    assert "here 5 frames" in beside("dfew", "").set_index("model").loc["GPT-4V", "differs here"]


def test_a_claim_and_its_rerun_stand_in_two_rows():
    rows = beside("dfew", "").set_index(["model", "basis"])
    assert rows.loc[("Emotion-LLaMA", "claimed"), "WAR"] == "0.594"
    assert rows.loc[("Emotion-LLaMA", "rerun by others"), "WAR"] == "0.378"


def test_nothing_is_known_of_rendered_clips():
    assert board.beside("demo", "", ["fer2013-cnn"], ["seven"], "5").empty


def test_no_result_is_given_twice_and_corpora_are_those_that_are_read():
    rows = board.published()
    assert not rows.duplicated([column for column in rows if column != "value"]).any()
    assert set(rows["kind"]) == {"zero-shot", "fine-tuned", "supervised", "people"}
    assert rows["value"].between(0, 1).all()
    read = Params.model_fields["corpus"].annotation.__args__
    assert set(rows["corpus"]) - set(read) == {"sfew", "nimstim", "ferbench"}
    assert rows["source"].ne("").all()


def test_the_page_is_the_file():
    assert (ROOT / "docs" / "published.md").read_text(encoding="utf-8") == board.page()


def test_the_line_in_the_figures_is_the_papers_row():
    assert board.average_precision() == {"seven": 0.5, "ternary": 0.64}
