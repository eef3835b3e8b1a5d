"""Token counts and prices against published and measured values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers.errors import ParamsError
from fer_helpers.prompting import pricing

FIVE_WORDS = "five words to describe this"
SIDES = st.integers(1, 20_000)
DETAILS = st.sampled_from(["low", "high", "auto"])
MODELS = st.sampled_from(
    [
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4.1",
        "gpt-4.1-mini",
        "gpt-4.1-nano",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5-nano",
        "gpt-5.4-mini",
        "gpt-5.4-nano",
        "gpt-5.6-luna",
        "gpt-6-luna",
        "fer2013-cnn",
        "facs-rules",
        "llava:13b",
    ]
)


@pytest.mark.parametrize(
    ("model", "detail", "billed"),
    [
        ("gpt-4o-mini", "low", 2845),
        ("gpt-4o-mini", "high", 8512),
        ("gpt-4o-mini-2024-07-18", "auto", 8512),
        ("gpt-4o", "low", 97),
        ("gpt-4o", "high", 267),
        ("gpt-4.1", "low", 97),
        ("gpt-4.1", "high", 267),
        ("gpt-4.1-mini", "high", 26 - 1),  # these two were billed one token above the published formula
        ("gpt-4.1-nano", "high", 33 - 1),
    ],
)
def test_measured_requests_of_one_small_picture_and_five_words(model: str, detail: str, billed: int) -> None:
    assert len(pricing.encoding().encode_ordinary(FIVE_WORDS)) == 5
    assert pricing.OURS.image_tokens(model, 128, 64, detail) + pricing.text_tokens(model, FIVE_WORDS) == billed


@pytest.mark.parametrize(
    ("width", "height", "mini_high", "mini41", "family12"),
    [
        (224, 224, 8500, 80, 59),
        (512, 512, 8500, 415, 308),
        (672, 448, 14167, 477, 353),
        (1536, 1024, 36835, 2489, 1844),
    ],
)
def test_check_values(width: int, height: int, mini_high: int, mini41: int, family12: int) -> None:
    assert pricing.OURS.image_tokens("gpt-4o-mini", width, height, "low") == 2833
    assert pricing.OURS.image_tokens("gpt-4o-mini", width, height, "high") == mini_high
    assert pricing.OURS.image_tokens("gpt-4.1-mini", width, height) == mini41
    for model in ("gpt-5-mini", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.6-luna", "gpt-6", "gpt-6-luna"):
        assert pricing.OURS.image_tokens(model, width, height, "high") == family12
        assert pricing.OURS.image_tokens(model, width, height) == family12


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "tokens"),
    [
        ("gpt-4o", 1024, 1024, "high", 765),  # OpenAI's own examples ...
        ("gpt-4o", 2048, 4096, "high", 1105),
        ("gpt-4.1-mini", 1800, 2400, "high", 2353),  # 33 x 44 = 1452 patches
        ("gpt-5.4", 2048, 2048, "high", 3000),
        ("gpt-5.4", 1024, 1024, "high", 1229),
        ("gpt-4.1", 2049, 513, "high", 1445),  # ... and requests that users measured
        ("gpt-4.1", 2050, 513, "high", 765),
        ("gpt-6-luna", 2560, 1440, "high", 2931),
        ("gpt-6-luna", 4032, 3024, "high", 2942),
        ("gpt-6-luna", 4032, 3024, "auto", 14364),
        ("gpt-6-luna", 672, 448, "low", 212),  # fits 512 x 341: 16 x 11 patches
        ("gpt-5", 512, 512, "high", 210),
        ("gpt-5-nano", 512, 512, "high", 384),
        ("gpt-4.1-nano", 512, 512, "high", 630),
        ("gpt-4.1-nano", 100_000, 1, "high", 3779),
        ("some-local-model", 512, 512, "low", 384),
    ],
)
def test_documented_and_measured_sizes(model: str, width: int, height: int, detail: str, tokens: int) -> None:
    assert pricing.OURS.image_tokens(model, width, height, detail) == tokens


@given(MODELS, SIDES, SIDES, DETAILS)
def test_a_picture_costs_something_and_no_more_when_turned(model: str, w: int, h: int, detail: str) -> None:
    tokens = pricing.OURS.image_tokens(model, w, h, detail)
    assert tokens >= 1
    assert tokens == pricing.OURS.image_tokens(model, h, w, detail)


@given(MODELS, SIDES, SIDES, DETAILS)
def test_a_dated_name_counts_as_its_family(model: str, w: int, h: int, detail: str) -> None:
    dated = f"{model}-2026-01-31"
    assert pricing.OURS.image_tokens(dated, w, h, detail) == pricing.OURS.image_tokens(model, w, h, detail)
    assert pricing.OURS.price(dated) == pricing.OURS.price(model)


@given(MODELS, SIDES, SIDES)
def test_auto_is_never_cheaper_than_high(model: str, w: int, h: int) -> None:
    assert pricing.OURS.image_tokens(model, w, h) >= pricing.OURS.image_tokens(model, w, h, "high")


@given(st.sampled_from(["gpt-4.1-mini", "gpt-5-mini"]), SIDES, SIDES)
def test_patches_stay_under_their_cap(model: str, w: int, h: int) -> None:
    assert pricing.OURS.image_tokens(model, w, h) <= 2489


@given(st.text(max_size=200), st.text(max_size=200))
def test_text_has_its_overhead(first: str, second: str) -> None:
    one, other = pricing.text_tokens("gpt-6-luna", first), pricing.text_tokens("gpt-6-luna", second)
    assert one >= 7
    assert pricing.text_tokens("gpt-6-luna", first, second) == one + other - 3


def test_special_tokens_in_text_are_plain_text() -> None:
    assert pricing.text_tokens("gpt-4o", "<|endoftext|>") == 7 + 7


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("gpt-4o-mini", (0.15, 0.075, 0.60)),
        ("gpt-4o", (2.50, None, 10.0)),
        ("gpt-4.1", (2.0, None, 8.0)),
        ("gpt-4.1-mini", (0.40, None, 1.60)),
        ("gpt-5.4-mini", (0.75, 0.075, 4.50)),
        ("gpt-5.6-luna", (0.20, 0.02, 1.20)),
        ("gpt-6-luna", (0.10, 0.01, 0.50)),
        ("fer2013-cnn", (0.0, 0.0, 0.0)),
    ],
)
def test_prices(model: str, rates: tuple[float, float | None, float]) -> None:
    found = pricing.OURS.price(model)
    assert found is not None
    assert (found.input, found.cached, found.output) == rates
    assert found.date.startswith("2026-")


def test_cost_by_hand() -> None:
    # 1,000 requests of the measured kind: 2,845,000 tokens in, 10,000 out
    assert pricing.OURS.cost_usd("gpt-4o-mini", 2_845_000, 10_000) == pytest.approx(0.42675 + 0.006)
    assert pricing.OURS.cost_usd("gpt-4o-mini", 2_845_000, 10_000, batch=True) == pytest.approx(0.216375)
    assert pricing.OURS.cost_usd("fer2013-cnn", 2_845_000, 10_000) == 0.0


@pytest.mark.parametrize("model", ["gpt-5", "gpt-6", "gpt-4o-audio-preview", "llava:13b", ""])
def test_an_unknown_price_is_none_and_never_free(model: str) -> None:
    assert pricing.OURS.price(model) is None
    assert pricing.OURS.cost_usd(model, 1, 1) is None


MISTRAL, GOOGLE = "https://api.mistral.ai/v1", "https://generativelanguage.googleapis.com/v1beta/openai/"


@pytest.mark.parametrize(
    ("model", "base_url", "rates"),
    [  # as LiteLLM's public price map has them, 2026-11
        ("mistral-small-2603", MISTRAL, (0.15, 0.60)),
        ("gemini-3.8-flash", GOOGLE, (0.75, 3.75)),
    ],
)
def test_a_model_we_do_not_list_has_its_providers_price(model: str, base_url: str, rates: tuple[float, float]) -> None:
    found = pricing.book(base_url=base_url).price(model)
    assert found is not None
    assert (found.input, found.output) == pytest.approx(rates)
    assert found.date.startswith("genai-prices ")


@pytest.mark.parametrize("base_url", ["embedded", "replay", "http://127.0.0.1:8000/v1", "https://gpu.example.org/v1"])
def test_a_model_served_elsewhere_has_not_its_makers_price(base_url: str) -> None:
    """The same name on one's own server costs something else, and an unknown price is not a wrong one."""
    assert pricing.book(base_url=base_url).price("mistral-small-2603") is None


def test_a_model_listed_at_no_charge_is_of_unknown_price() -> None:
    """A subscription or a free trial behind a zero is no reason to let a cap pass everything."""
    assert pricing.book(base_url=GOOGLE).price("gemma-3") is None


def test_our_own_list_comes_before_the_packages() -> None:
    found = pricing.book(base_url="https://api.openai.com/v1").price("gpt-4o-mini-2024-07-18")
    assert found == pricing.OURS.price("gpt-4o-mini")


def test_gemini_bills_a_picture_flat() -> None:
    assert pricing.OURS.image_tokens("gemini-3.8-flash", 512, 512) == 1120
    assert pricing.OURS.image_tokens("gemini-3.8-flash", 1536, 1024, "low") == 1120


def test_a_users_file_is_laid_over_ours(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "prices:\n  gpt-4o-mini: {date: '2027-01-01', input: 1, output: 2}\n"
        "images:\n  llava: {date: '2027-01-01', tiles: {base: 576, tile: 0}}\n"
    )
    book = pricing.book(mine)
    assert book.cost_usd("gpt-4o-mini", 1_000_000, 1_000_000) == 3.0
    assert book.cost_usd("gpt-4o", 1_000_000, 0) == 2.5
    assert book.image_tokens("llava-next", 640, 480) == 576


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prices: {m: {input: 1, output: 2}}", "prices.m.date"),
        ("prices: {m: {date: '2027', input: -1, output: 2}}", "negative"),
        ("prices: {m: {date: '2027', input: cheap, output: 2}}", "prices.m.input"),
        ("images: {m: {date: '2027'}}", "either tiles or patches"),
        ("prise: {}", "prise"),
        ("prices: {m: {date: '2027', input: 1, output: 2, input: 100}}", "line 1: input is given twice"),
        ("prices: {m: {date: '2027', input: 1:30, output: 2}}", "line 1: 1:30 is no plain decimal number"),
        ("prices: [", "cannot be read"),
        ("- 1", "price file"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(tmp_path: Path, text: str, named: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(text)
    with pytest.raises(ParamsError, match=named) as caught:
        pricing.book(mine)
    assert "mine.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml"):
        pricing.book(tmp_path / "nowhere.yaml")


def test_a_picture_without_size_is_refused() -> None:
    with pytest.raises(ValueError, match="0 x 10"):
        pricing.OURS.image_tokens("gpt-4o", 0, 10)
