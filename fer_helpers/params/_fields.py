"""Every parameter with its type, range, default and what it does."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fer_helpers.emotions import SEVEN, TAXONOMIES
from fer_helpers.prompting import DEFAULT_STRATEGIES, FORMS, PROMPTS, find, orders
from fer_helpers.statuses import RETRIABLE


def _published() -> list[str]:
    """The corpora there is a module for; the modules themselves import from here."""
    found = pkgutil.iter_modules([str(Path(__file__).parents[1] / "corpora" / "published")])
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


def _order(label_order: str) -> str:
    orders.rotation(label_order)
    return label_order


def _once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("duplicate name")
    return names


def _prompt(prompt: str) -> str:
    if prompt not in PROMPTS and not Path(prompt).suffix:
        raise ValueError(f"must be one of {', '.join(PROMPTS)}, or the path of a prompt file")
    return prompt


class Params(BaseModel):
    """Every parameter with its default (the offline demo), its type and what it does.

    Relative paths start at the project's root. Keys are never parameters: they are read from the environment, each
    for the one address it was given for.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)

    out: str = Field("outputs/demo", min_length=1, description="folder of this run")
    seed: int = Field(1, ge=0, description="seed of the demo corpus, of sampling and of shuffled label orders")

    # 01 data exploration
    corpus: Literal[("demo", "folder", *_published())] = Field(  # type: ignore[valid-type]
        "demo", description="how the corpus is laid out; `fer-helpers corpora` lists them"
    )
    corpus_path: str = Field("", description="corpus folder; empty for the demo, which renders its own")
    manifest: str = Field("", description="CSV with a path column and optional labels; empty: none")
    scene: str = Field("", description="only clips of this scene, such as FERV39k's DailyLife; empty: all")
    fold: int = Field(1, ge=1, le=5, description="fold of the splits, for DFEW and MAFW")
    corpus_frames: Literal["face", "whole"] = Field(
        "face", description="frames cropped to the face, or whole frames, where a corpus is distributed as both"
    )
    other_labels: Literal["drop", "keep"] | dict[str, Literal[SEVEN]] = Field(  # type: ignore[valid-type]
        "drop",
        description="clips with a label outside the seven: drop, keep (unlabelled), or a mapping, {contempt: disgust}",
    )
    n_clips: int = Field(240, ge=0, description="clips to render or to draw at random; 0: all")
    clip_seconds: float = Field(0.0, ge=0, description="cut videos into pieces this long, s; 0: whole")
    pictures_as: Literal["frames", "clips"] = Field(
        "frames", description="pictures in one folder are the frames of one clip, or one clip each"
    )

    # 02 frame extraction
    frame_choice: Literal["middle", "uniform", "all", "fps", "peak"] = Field(
        "uniform", description="how key frames are chosen"
    )
    n_frames: int = Field(5, ge=1, le=64, description="key frames per clip, for uniform and peak")
    frames_per_second: float = Field(2.0, gt=0, le=1000, description="key frames per second, for fps")
    face_crop: Literal["none", "haar", "yunet"] = Field(
        "none", description="keep the whole frame, or a face found by this detector"
    )
    face_choice: Literal["largest", "central"] = Field("largest", description="which of several faces")
    face_margin: float = Field(0.25, ge=0, le=2, description="margin around a face, share of its box's longer side")
    face_weights: str = Field("", description="YuNet's ONNX file, for yunet")
    frame_size: int = Field(512, ge=0, description="longest side of a key frame, pixels; 0: unchanged")
    jpeg_quality: int = Field(90, ge=1, le=100, description="JPEG quality of the key frames")
    grey: bool = Field(False, description="key frames without colour")
    brightness: float = Field(1.0, gt=0, le=10, description="factor on the sRGB values of key frames")
    blur: float = Field(0.0, ge=0, le=0.5, description="Gaussian blur, sigma as a share of a key frame's longer side")
    clip_size: int = Field(
        0, ge=0, le=2048, description="longest side of the videos for whole_clip, pixels; 0: none are made"
    )
    frame_store: str = Field("", description="folder or fsspec address for key frames; empty: the run's own folder")
    dask_scheduler: str = Field("", description="Dask cluster that extracts frames; empty: threads on this machine")

    # 03 zero-shot annotation
    base_url: str = Field("embedded", description="Chat Completions endpoint; embedded: the project's own")
    model: str = Field("fer2013-cnn", min_length=1, description="model name, as the endpoint calls it")
    strategies: Annotated[list[str], AfterValidator(_strategies)] = Field(
        DEFAULT_STRATEGIES,
        description="how frames are asked about and answers pooled; multi_frame:3 uses three key frames",
    )
    cascade_below: float = Field(
        0.6, ge=0, le=1, description="a cascade asks about all frames where the label's probability is below this"
    )
    taxonomies: Annotated[list[str], _among(*TAXONOMIES)] = Field(
        list(TAXONOMIES), min_length=1, description="label sets asked for"
    )
    prompt: Annotated[str, AfterValidator(_prompt)] = Field(
        "labels", description=f"prompt: {', '.join(PROMPTS)}, or the path of a file of your own"
    )
    label_order: Annotated[str, AfterValidator(_order)] = Field(
        "fixed", description="order in which labels are named: fixed, shuffled, or rotated:K places to the left"
    )
    n_replicates: int = Field(1, ge=1, le=100, description="repeats of a request that self_consistency pools")
    repeat: int = Field(0, ge=0, le=1000, description="another number asks the same requests once more")
    temperature: float = Field(0.0, ge=0, le=2, description="sampling temperature; above 0 so that repeats can differ")
    reasoning_effort: str = Field("", description="sent if not empty; set none for models that reason by default")
    reply_form: Literal["auto", *FORMS] = Field(  # type: ignore[valid-type]
        "auto", description="how the reply is constrained; auto: determined by a probe"
    )
    image_detail: Literal["low", "high", "auto"] = Field("low", description="resolution at which pictures are seen")
    api_key_env: str = Field(
        "", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$",
        description="environment variable that holds the key for base_url; empty: OPENAI_API_KEY, for OpenAI alone",
    )  # fmt: skip
    allow_plain_http: bool = Field(False, description="frames may be sent to another machine over http, not https")
    timeout_s: float = Field(120.0, gt=0, le=3600, description="longest wait for a byte of a reply, s")
    max_tokens_out: int = Field(
        0, ge=0, le=100_000, description="maximum tokens of a reply, reasoning included; 0: the prompt's own limit"
    )
    max_concurrency: int = Field(8, ge=1, le=1024, description="maximum number of concurrent requests")
    requests_per_minute: int = Field(0, ge=0, description="rate limit of your account; 0: none")
    tokens_per_minute: int = Field(0, ge=0, description="rate limit of your account; 0: none")
    prices: str = Field("", description="YAML file with prices of your own, in the form of prices.yaml; empty: none")
    max_cost_usd: float = Field(0.0, ge=0, description="cap on spending, US$; 0: no cap")
    retry_statuses: Annotated[list[str], _among(*RETRIABLE)] = Field(
        [], description="statuses asked again although a reply is archived"
    )
    allow_upload: bool = Field(False, description="frames may leave this machine for a remote endpoint")
    archive: str = Field("outputs/archive.sqlite", min_length=1, description="archive of replies, shared by runs")

    # 04 strategy comparison
    surprise_is: Literal["positive", "neutral", "negative", "left_out"] = Field(
        "positive", description="valence of surprise when seven classes are collapsed to three"
    )
    n_resamples: int = Field(10_000, ge=100, description="bootstrap resamples per interval")
    bootstrap_seed: int = Field(1, ge=0, description="seed of the bootstrap")
    votes: str = Field(
        "", description="CSV of human votes (clip_id, rater, label), or a run's people.jsonl; corpus: its own"
    )
    compare_with: Annotated[list[str], AfterValidator(_once)] = Field([], description="folders of runs to compare with")

    # 05 error analysis
    strategy_shown: str = Field(
        "best", description="whose errors notebook 05 shows: best (by UAR), a strategy, imported, or imported:NAME"
    )
    faces: Literal["auto", "none", "blurred", "full"] = Field(
        "auto", description="key frames in report.html and explorer.html; auto: none, but the demo's in the report"
    )

    # 06 label audit
    human_labels: str = Field(
        "panel",
        description="CSV of people's labels (clip_id, rater, label), beside those given in the labelling view; panel: "
        "the demo's simulated raters, until somebody labels; empty: none",
    )
    n_labels: int = Field(80, ge=2, description="core: clips drawn at random for people to label")
    n_audit: int = Field(120, ge=0, description="clips drawn from those that would be accepted without looking")
    accept_error: float = Field(0.1, gt=0, lt=1, description="largest share wrong among the labels accepted")
    accept_risk: float = Field(0.1, gt=0, lt=1, description="probability, at most, that more of them are wrong")

    # 07 sweep comparison
    sweep_folder: str = Field("outputs/sweep", min_length=1, description="folder of the sweep whose cells are compared")
    sweep_runs: Annotated[list[str], AfterValidator(_once)] = Field(
        [], description="folders of runs that are compared instead of the sweep's cells"
    )
