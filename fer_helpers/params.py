"""The parameters of a run: one flat set of names for the YAML files and the notebooks, checked at once."""

from __future__ import annotations

import difflib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fer_helpers.emotions import SEVEN, TAXONOMIES
from fer_helpers.errors import ParamsError
from fer_helpers.paths import resolve, shown
from fer_helpers.prompting import DEFAULT_STRATEGIES, FORMS, PROMPTS, find, pricing
from fer_helpers.statuses import RETRIABLE
from fer_helpers.tables import IMPORTED


def _published() -> list[str]:
    """The corpora there is a module for; the modules themselves import from here."""
    found = pkgutil.iter_modules([str(Path(__file__).parent / "corpora" / "published")])
    return [module.name for module in found if not module.name.startswith("_")]


def _among(*known: str) -> AfterValidator:
    def check(names: list[str]) -> list[str]:
        for name in names:
            if name not in known:
                raise ValueError(f"{name!r} must be one of {', '.join(known)}")
        return _once(names)

    return AfterValidator(check)


def _strategies(names: list[str]) -> list[str]:
    for name in names:
        find(name)
    return _once(names)


def _once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("duplicate name")
    return names


class Params(BaseModel):
    """Every parameter with its default (the offline demo), its type and what it does.

    Relative paths start at the project's root. Keys are never parameters: they are read from the environment, each
    for the one address it was given for.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)

    out: str = Field("outputs/demo", min_length=1, description="folder of this run")
    seed: int = Field(1, ge=0, description="seed of the demo corpus, of sampling and of the bootstrap")

    # 01 data exploration
    corpus: Literal[("demo", "folder", *_published())] = Field(  # type: ignore[valid-type]
        "demo", description="how the corpus is laid out; `fer-helpers corpora` lists them"
    )
    corpus_path: str = Field("", description="corpus folder; empty for the demo, which renders its own")
    manifest: str = Field("", description="CSV with a path column and optional labels; empty: none")
    scene: str = Field("", description="only clips of this scene, such as FERV39k's DailyLife; empty: all")
    fold: int = Field(1, ge=1, le=5, description="fold of the splits, for DFEW and MAFW")
    corpus_frames: Literal["face", "whole"] = Field(
        "face", description="frames cropped to the face or whole ones, where a corpus is distributed as both"
    )
    other_labels: Literal["drop", "keep"] | dict[str, Literal[SEVEN]] = Field(  # type: ignore[valid-type]
        "drop",
        description="clips with a label outside the seven: drop, keep unlabelled, or a mapping, contempt: disgust",
    )
    n_clips: int = Field(240, ge=0, description="clips to render or to draw at random; 0: all there are")
    clip_seconds: float = Field(0.0, ge=0, description="cut videos into pieces this long, s; 0: whole")
    pictures_as: Literal["frames", "clips"] = Field(
        "frames", description="pictures in one folder are the frames of a clip, or a clip each"
    )

    # 02 frame extraction
    frame_choice: Literal["middle", "uniform", "all", "fps", "peak", "apex"] = Field(
        "uniform", description="key frames kept"
    )
    n_frames: int = Field(5, ge=1, le=64, description="key frames a clip, for uniform and peak")
    frames_per_second: float = Field(2.0, gt=0, le=1000, description="key frames a second, for fps")
    face_crop: Literal["none", "haar", "yunet"] = Field(
        "none", description="keep the whole frame, or a face found by this detector"
    )
    face_choice: Literal["largest", "central"] = Field("largest", description="which of several faces")
    face_margin: float = Field(0.25, ge=0, le=2, description="around a face, of its box's longer side")
    face_weights: str = Field("", description="YuNet's ONNX file, for yunet")
    frame_size: int = Field(512, ge=0, description="longest side of a key frame, pixels; 0: as it is")
    jpeg_quality: int = Field(90, ge=1, le=100, description="JPEG quality of the key frames")
    frame_store: str = Field("", description="folder or fsspec address for key frames; empty: the run's own folder")
    dask_scheduler: str = Field("", description="address of the cluster that extracts; empty: threads here")

    # 03 zero-shot annotation
    base_url: str = Field("embedded", description="Chat Completions endpoint; embedded: the project's own")
    model: str = Field("fer2013-cnn", min_length=1, description="model asked")
    strategies: Annotated[list[str], AfterValidator(_strategies)] = Field(
        DEFAULT_STRATEGIES,
        min_length=1,
        description="ways of asking and pooling; multi_frame:3 is of three of the key frames",
    )
    cascade_below: float = Field(
        0.6, ge=0, le=1, description="a cascade goes on where the label's probability is below this"
    )
    taxonomies: Annotated[list[str], _among(*TAXONOMIES)] = Field(
        list(TAXONOMIES), min_length=1, description="label sets asked for"
    )
    prompt: Literal[tuple(PROMPTS)] = Field("labels", description="what is asked")  # type: ignore[valid-type]
    label_order: Literal["fixed", "shuffled"] = Field("fixed", description="order in which labels are named")
    n_replicates: int = Field(1, ge=1, le=100, description="askings of a request that self_consistency pools")
    temperature: float = Field(0.0, ge=0, le=2, description="of sampling; above 0 for replicates that may differ")
    reasoning_effort: str = Field("", description="sent if not empty; models that reason by default want none here")
    reply_form: Literal["auto", *FORMS] = Field(  # type: ignore[valid-type]
        "auto", description="what the server is asked for; auto: found out by one probe"
    )
    image_detail: Literal["low", "high", "auto"] = Field("low", description="resolution the model looks at")
    api_key_env: str = Field(
        "", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$",
        description="environment variable that holds the key for base_url; empty: OPENAI_API_KEY, for OpenAI alone",
    )  # fmt: skip
    allow_plain_http: bool = Field(False, description="frames may go to another machine over http, not https")
    timeout_s: float = Field(120.0, gt=0, le=3600, description="wait so long for a byte of a reply, s")
    max_tokens_out: int = Field(
        0, ge=0, le=100_000, description="most tokens of a reply, reasoning included; 0: the prompt's own"
    )
    max_concurrency: int = Field(8, ge=1, le=1024, description="requests under way at once, at most")
    requests_per_minute: int = Field(0, ge=0, description="the account's limit; 0: none")
    tokens_per_minute: int = Field(0, ge=0, description="the account's limit; 0: none")
    prices: str = Field("", description="YAML file with prices of your own, in the form of prices.yaml; empty: none")
    max_cost_usd: float = Field(0.0, ge=0, description="ask no further where this could be exceeded, US$; 0: no cap")
    retry_statuses: Annotated[list[str], _among(*RETRIABLE)] = Field(
        [], description="failures to ask again although their reply is kept"
    )
    allow_upload: bool = Field(False, description="frames may leave this machine for a remote endpoint")
    archive: str = Field("outputs/archive.sqlite", min_length=1, description="answers kept between runs")

    # 04 strategy comparison
    surprise_is: Literal["positive", "neutral", "negative", "left_out"] = Field(
        "positive", description="valence of surprise when seven classes are collapsed to three"
    )
    n_resamples: int = Field(10_000, ge=100, description="bootstrap resamples behind an interval")
    votes: str = Field("", description="CSV of what people perceived (clip_id, rater, label); corpus: its own")
    compare_with: Annotated[list[str], AfterValidator(_once)] = Field([], description="folders of runs to compare with")

    # 05 error analysis
    strategy_shown: str = Field("multi_frame", description="strategy whose errors are looked at, or imported")


def problems_in(error: ValidationError, known: Iterable[str]) -> str:
    """Every wrong name and value in `error` on one line; `known` are the names there are."""
    problems = []
    for item in error.errors():
        name, problem = str(item["loc"][0]) if item["loc"] else "", item["msg"].removeprefix("Value error, ")
        if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            near = difflib.get_close_matches(name, known, n=1)
            problems.append(f"unknown parameter {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        else:
            problems.append(f"{name} is {item['input']!r}: {problem}" if name else problem)
    return "; ".join(problems)


def validate(values: Mapping[str, Any], source: str = "parameters") -> Params:
    """`values` over the defaults, with every name and type checked.

    Raises:
        ParamsError: one line that names `source` and each wrong parameter.
    """
    try:
        params = Params(**values)
    except ValidationError as error:
        raise ParamsError(f"{source}: {problems_in(error, Params.model_fields)}") from error
    if params.corpus != "demo" and not params.corpus_path:
        raise ParamsError(f"{source}: corpus {params.corpus!r} needs corpus_path, the folder it lies in")
    if (params.n_replicates > 1) != any(find(name).replicates for name in params.strategies):
        raise ParamsError(
            f"{source}: n_replicates is {params.n_replicates}: strategy self_consistency pools 2 or more, others take 1"
        )
    if params.corpus == "demo" and (params.corpus_path or params.n_clips < 7):
        raise ParamsError(f"{source}: corpus 'demo' takes no corpus_path, and n_clips of at least 7")
    if params.manifest and params.corpus != "folder":
        raise ParamsError(f"{source}: manifest is for corpus 'folder'; {params.corpus!r} has lists of its own")
    if "://" in params.frame_store and re.search(r"://[^/]*@|[?#]", params.frame_store):
        # What was found is not repeated: it may be a key.
        raise ParamsError(f"{source}: frame_store holds a user, key or option: credentials come from the environment")
    return params


def flat_yaml(path: Path) -> dict[str, Any]:
    """The names and values of a flat YAML file, unchecked.

    Raises:
        ParamsError: if the file is not flat YAML.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{shown(path)} is not YAML: {' '.join(str(error).split())}") from error
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise ParamsError(f"{shown(path)} holds a {type(values).__name__}: write `name: value` lines")
    return {str(name): value for name, value in values.items()}


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Params:
    """Parameters from a flat YAML file, `overrides` on top.

    Raises:
        ParamsError: if the file is missing, not flat YAML, or holds a wrong parameter; or its price file does.
    """
    path = resolve(path)
    if not path.is_file():
        raise ParamsError(f"{shown(path)} is not a file: give one of params/*.yaml")
    params = validate({**flat_yaml(path), **(overrides or {})}, shown(path))
    pricing.book(resolve(params.prices) if params.prices else None)  # read now: a wrong entry is to end nothing later
    if params.strategy_shown not in [*params.strategies, IMPORTED]:
        raise ParamsError(f"{shown(path)}: strategy_shown is {params.strategy_shown!r}, which is not among strategies")
    return params
