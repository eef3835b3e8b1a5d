"""What a request costs: tokens of its pictures and text, and their price in US$."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from fer_helpers.errors import ParamsError
from fer_helpers.files import plain_yaml
from fer_helpers.paths import shown

if TYPE_CHECKING:
    import bpe_openai

PRICES = Path(__file__).with_name("prices.yaml")
BATCH_DISCOUNT = 0.5
HOSTED = ("gpt-4o-mini", "gpt-4.1-mini", "gpt-6-luna")  # priced in the notebooks, beside the model that is asked
MESSAGE_OVERHEAD = 4  # tokens around each message
REPLY_OVERHEAD = 3  # tokens that open the reply; with one message 7, as measured on gpt-4o, 4o-mini and 4.1


_Rule = TypeVar("_Rule")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Price(_Strict):
    """US$ per million tokens; `cached` is None where it is not known; `date` is the source's, as written."""

    date: str
    input: float
    cached: float | None = None
    output: float

    @model_validator(mode="after")
    def _not_negative(self) -> Price:
        if min(self.input, self.output, self.cached or 0.0) < 0:
            raise ValueError("a price is negative")
        return self


class _Tiles(_Strict):
    base: int
    tile: int


class _Limit(_Strict):
    side: int | None = None
    patches: int | None = None


class _Patches(_Strict):
    multiplier: float
    limits: dict[str, _Limit] = {}


class _ImageRule(_Strict):
    date: str
    tiles: _Tiles | None = None
    patches: _Patches | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> _ImageRule:
        if (self.tiles is None) == (self.patches is None):
            raise ValueError("give either tiles or patches")
        return self


class _VideoRule(_Strict):
    date: str
    per_second: float


class _File(_Strict):
    images: dict[str, _ImageRule] = {}
    videos: dict[str, _VideoRule] = {}
    prices: dict[str, Price] = {}


@dataclass(frozen=True, eq=False)
class PriceBook:
    """What models cost: `prices` by model, `images` and `videos` by model family, genai-prices for what is in none.

    Args:
        base_url: where models are asked. genai-prices finds a provider by its address, so that a model served on
            this machine is never given the price of a hosted one.
    """

    images: Mapping[str, _ImageRule]
    prices: Mapping[str, Price]
    base_url: str = ""
    videos: Mapping[str, _VideoRule] = field(default_factory=dict)

    def price(self, model: str) -> Price | None:
        """Price of `model`, or None if it is not known, which is not the same as free.

        A dated name (`gpt-4o-mini-2024-07-18`) costs what its undated one does.
        """
        undated = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model)
        return self.prices.get(model) or self.prices.get(undated) or _listed(model, self.base_url)

    def cost_usd(self, model: str, tokens_in: int, tokens_out: int, batch: bool = False) -> float | None:
        """Price of so many tokens in US$, or None if the model's price is not known.

        All input counts at the full price: a cached prefix needs 1024 equal tokens, which pictures that differ
        from request to request do not have, so this is an upper bound. A batch costs half.

        >>> OURS.cost_usd("gpt-4o-mini", 1_000_000, 100_000), OURS.cost_usd("gpt-4o-mini", 1_000_000, 0, batch=True)
        (0.21, 0.075)
        >>> OURS.cost_usd("somebody's own model", 1, 1) is None
        True
        """
        rate = self.price(model)
        if rate is None:
            return None
        usd = (tokens_in * rate.input + tokens_out * rate.output) / 1e6
        return usd * BATCH_DISCOUNT if batch else usd

    def image_tokens(self, model: str, width: int, height: int, detail: str = "auto") -> int:
        """Tokens billed for one picture of `width` x `height` pixels.

        Tile models (gpt-4o, gpt-4.1, gpt-4o-mini, gpt-5) bill "auto" as "high", which is also the dearest.
        Patch models shrink the picture as far as the detail's limit asks; where "auto" has no limit (gpt-5.6,
        gpt-6) it is the dearest. That they also shrink to 2048 pixels a side is left out: for larger pictures
        the count is an upper bound. Billing itself may differ by one token (floating-point rounding).

        For a model without a rule the count is 1.5 tokens a 32-pixel patch, never capped: above what OpenAI's
        current patch models (1.2), Qwen-VL and Mistral (28-pixel patches, 1.31) or Claude (area / 750, 1.37)
        take. A plan needs some number; a user's price file can give a better rule.

        Source: OpenAI's guide "Images and vision", sections on patch- and tile-based tokenization.

        Raises:
            ValueError: if a side is below 1 pixel.

        >>> OURS.image_tokens("gpt-4o-mini", 224, 224), OURS.image_tokens("gpt-4o-mini", 224, 224, "low")
        (8500, 2833)
        """
        if min(width, height) < 1:
            raise ValueError(f"picture size {width} x {height} pixels must be above 0")
        rule = _of_family(self.images, model)
        if rule is None:
            return _patch_tokens(_Patches(multiplier=1.5), width, height, detail)
        if rule.tiles:
            return rule.tiles.base if detail == "low" else _tile_tokens(rule.tiles, width, height)
        assert rule.patches  # the file's check: one of the two
        return _patch_tokens(rule.patches, width, height, detail)

    def video_tokens(self, model: str, seconds: float) -> int | None:
        """Tokens billed for a silent video of so many seconds, rounded up; None where nobody says how they count."""
        rule = _of_family(self.videos, model)
        return None if rule is None else math.ceil(max(1.0, seconds) * rule.per_second)


def _of_family(rules: Mapping[str, _Rule], model: str) -> _Rule | None:
    """The rule of the narrowest family that `model` belongs to."""
    families = [family for family in rules if model == family or model.startswith(f"{family}-")]
    return rules[max(families, key=len)] if families else None


def _read(path: Path) -> _File:
    try:
        content: Any = plain_yaml(path.read_text(encoding="utf-8"))
        return _File.model_validate(content or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ParamsError(f"price file {shown(path)}: {place}: {first['msg']}; see {PRICES.name}") from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"price file {shown(path)} cannot be read: {reason}") from None


def book(path: Path | None = None, base_url: str = "") -> PriceBook:
    """The prices to reckon with at `base_url`: a user's file at `path` in the form of `prices.yaml` first, then ours.

    Raises:
        ParamsError: if that file cannot be read or has a wrong entry.
    """
    ours, theirs = _read(PRICES), _read(path) if path else _File()
    videos = ours.videos | theirs.videos
    return PriceBook(ours.images | theirs.images, ours.prices | theirs.prices, base_url, videos)


OURS = book()


@lru_cache(maxsize=100)
def _listed(model: str, base_url: str) -> Price | None:
    """The price in the data that comes with the package genai-prices; nothing is fetched.

    It is that of a small request: some models cost more beyond 100,000 or 200,000 tokens in one.
    """
    if urlsplit(base_url).scheme != "https":
        return None
    import genai_prices  # takes half a second, which the models we list need not wait for

    thousand = genai_prices.Usage(input_tokens=1000, output_tokens=1000)
    try:
        usd = genai_prices.calc_price(thousand, model, provider_api_url=base_url)
    except LookupError:
        return None
    if not usd.input_price or not usd.output_price:  # included in a subscription, or without a rate
        return None
    date = f"genai-prices {genai_prices.__version__}"
    return Price(date=date, input=float(usd.input_price * 1000), output=float(usd.output_price * 1000))


@lru_cache(maxsize=1)
def encoding() -> bpe_openai.Encoding:
    """The tokenizer of every current OpenAI model, o200k_base; needs no network.

    It refuses texts of more than 200,000 tokens (ValueError).
    """
    import bpe_openai  # takes half a second, which a look at a price need not wait for

    return bpe_openai.get_encoding("o200k_base")


def text_tokens(model: str, *messages: str) -> int:
    """Tokens billed for the text of a request, one string a message, with the overhead of the messages.

    The overhead, 7 tokens for one message, is what gpt-4o, gpt-4o-mini and gpt-4.1 were measured to bill.
    For a `model` that is not OpenAI's, and for the hidden text of a reply's schema, it is an estimate.
    """
    counts = [len(encoding().encode_ordinary(text)) for text in messages]
    return REPLY_OVERHEAD + sum(MESSAGE_OVERHEAD + count for count in counts)


def _fit(width: int, height: int, side: int) -> tuple[int, int]:
    """The size after shrinking into side x side pixels, rounded to whole pixels; never enlarged."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _tile_tokens(tiles: _Tiles, width: int, height: int) -> int:
    short, long = sorted(_fit(width, height, 2048))
    if short > 768:
        short, long = 768, long * 768 // short
    return tiles.base + tiles.tile * math.ceil(short / 512) * math.ceil(long / 512)


def _patch_tokens(rule: _Patches, width: int, height: int, detail: str) -> int:
    limit = rule.limits.get(detail, _Limit())
    if limit.side:
        width, height = _fit(width, height, limit.side)
    patches = math.ceil(width / 32) * math.ceil(height / 32)
    if limit.patches and patches > limit.patches:
        patches = _shrunk_patches(width, height, limit.patches)
    return math.ceil(round(patches * rule.multiplier, 6))  # 1.2 x 5 is 6, whatever binary fractions say


def _shrunk_patches(width: int, height: int, cap: int) -> int:
    """Patches of a picture shrunk to at most `cap` patches, one side to a whole number of them.

    The guide scales by s = sqrt(32^2 cap / (w h)), floors both sides to patches, and scales again by the
    stronger of the two floors; in whole numbers, floor(w s / 32) is isqrt(cap w / h).
    """
    columns = max(1, math.isqrt(cap * width // height))
    rows = max(1, math.isqrt(cap * height // width))
    if columns * height <= rows * width:
        rows = math.ceil((32 * columns * height // width) / 32)
    else:
        columns = math.ceil((32 * rows * width // height) / 32)
    return min(cap, columns * max(1, rows))
