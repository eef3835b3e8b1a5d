"""Every table's columns, types and meanings, and which notebook writes it."""

from __future__ import annotations

from collections.abc import Iterable

import pandera.pandas as pa

from fer_helpers import statuses
from fer_helpers.emotions import LABELS, SEVEN, TAXONOMIES

# Values that stand where an ordinary row names what was asked.
IMPORTED = "imported"  # strategy of predictions that were not asked for here
NOBODY = "none"  # model of the baselines that look at no picture
SEVERAL = "several"  # model of an ensemble
GROUP = "group_"  # how the columns of clips begin that say to which group of people a subject belongs
GROUPED = f"^{GROUP}"

SOURCES = ("model", "person", "both")  # both: the model's label, and people said the same
PROBABILITIES = [f"prob_{label}" for label in LABELS]
_LABELLED = "status ok without a label, or a label without status ok"


def _column(dtype: type | str, meaning: str, nullable: bool = False, isin: Iterable[str] | None = None) -> pa.Column:
    checks = pa.Check.isin(list(isin)) if isin else None
    return pa.Column(dtype, checks, nullable=nullable, description=meaning, coerce=True)


def _probabilities() -> dict[str, pa.Column]:
    return {
        name: _column(float, "probability of the label, 0-1; empty where it was not asked for", nullable=True)
        for name in PROBABILITIES
    }


def _schema(columns: dict[str, pa.Column], unique: list[str], labelled: bool = False) -> pa.DataFrameSchema:
    """The schema of a table; with `labelled`, a row has a label if and only if its status is ok."""
    fits = pa.Check(lambda table: (table["status"] == statuses.OK) == table["label"].notna(), error=_LABELLED)
    return pa.DataFrameSchema(columns, checks=[fits] if labelled else [], strict=True, unique=unique, ordered=True)


SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "clips": _schema(
        {
            "clip_id": _column(str, "name of the clip, unique in the corpus"),
            "path": _column(str, "video file, picture or picture folder, from the corpus folder, with /"),
            "start_s": _column(float, "where the clip begins in its file, s"),
            "duration_s": _column(float, "length, s; 0 for a single picture", nullable=True),
            "n_frames": _column("Int64", "frames in the clip", nullable=True),
            "fps": _column(float, "frames per second; empty for pictures", nullable=True),
            "width": _column("Int64", "pixels", nullable=True),
            "height": _column("Int64", "pixels", nullable=True),
            "label": _column(str, "true label: the corpus's, one of the seven", nullable=True, isin=SEVEN),
            "label_original": _column(str, "the corpus's own word or code for it", nullable=True),
            "scene": _column(str, "scene or situation", nullable=True),
            "split": _column(str, "the corpus's split: train, test, ...", nullable=True),
            "subject": _column(str, "the person (or rendered identity)", nullable=True),
            "intensity": _column(float, "intended strength of the expression, 0-1", nullable=True),
            "status": _column(str, "whether the file can be read", isin=statuses.CLIP),
            "reason": _column(str, "why it cannot, or what is odd about it", nullable=True),
            GROUPED: pa.Column(
                str,
                regex=True,
                required=False,
                nullable=True,
                coerce=True,
                description="columns group_<name>, as many as there are: the subject's group, such as age, as text",
            ),
        },
        unique=["clip_id"],
    ),
    "frames": _schema(
        {
            "clip_id": _column(str, "clips.clip_id"),
            "frame_index": _column("Int64", "position in the clip, from 0; empty if no frame", nullable=True),
            "time_s": _column(float, "time from the clip's start, s", nullable=True),
            "path": _column(str, "JPEG file, from the run's folder, or its address in a frame_store", nullable=True),
            "sha256": _column(str, "hash of the JPEG's bytes", nullable=True),
            "width": _column("Int64", "pixels of the JPEG", nullable=True),
            "height": _column("Int64", "pixels of the JPEG", nullable=True),
            "face_x": _column(float, "left edge of the face box in the whole frame, pixels", nullable=True),
            "face_y": _column(float, "its upper edge", nullable=True),
            "face_w": _column(float, "its width", nullable=True),
            "face_h": _column(float, "its height", nullable=True),
            "face_score": _column(float, "the detector's score; larger is surer", nullable=True),
            "n_faces": _column("Int64", "faces found in the frame, where one was looked for", nullable=True),
            "motion": _column(float, "motion energy at the frame, grey levels; see media.motion", nullable=True),
            "status": _column(str, "what became of the frame", isin=statuses.FRAME),
            "reason": _column(str, "why there is no frame", nullable=True),
        },
        unique=["clip_id", "frame_index"],
    ),
    "videos": _schema(
        {
            "clip_id": _column(str, "clips.clip_id"),
            "path": _column(str, "MP4 file, from the run's folder, or its address in a frame_store", nullable=True),
            "sha256": _column(str, "hash of its frames' pixels and times, as they were encoded", nullable=True),
            "width": _column("Int64", "pixels", nullable=True),
            "height": _column("Int64", "pixels", nullable=True),
            "n_frames": _column("Int64", "frames in it", nullable=True),
            "duration_s": _column(float, "length, s", nullable=True),
            "status": _column(str, "what became of the clip as a video", isin=statuses.VIDEO),
            "reason": _column(str, "why there is no video, or what is lost in it", nullable=True),
        },
        unique=["clip_id"],
    ),
    "requests": _schema(
        {
            "key": _column(str, "hash of the request as sent, pictures by their bytes' hash, videos by sha256"),
            "clip_id": _column(str, "clips.clip_id"),
            "frame_indices": _column(object, "frames in the request, list of frames.frame_index; none: the video"),
            "mosaic": _column(bool, "the frames are sent as one picture, side by side"),
            "taxonomy": _column(str, "labels asked for", isin=TAXONOMIES),
            "labels": _column(object, "the labels in the order they are named to the model"),
            "replicate": _column(int, "which repeat of the same request, from 0"),
            "model": _column(str, "model asked"),
            "prompt": _column(str, "name of the prompt"),
            "prompt_sha256": _column(str, "hash of the prompt's words and the reply's schema"),
            "detail": _column(str, "resolution the model looks at"),
            "form": _column(str, "how the reply is asked for: by schema or words, with log-probabilities or not"),
            "temperature": _column(float, "of sampling"),
            "reasoning_effort": _column(str, "as sent; empty: not sent"),
            "max_tokens": _column("Int64", "most tokens of the reply; 0: the prompt's own", nullable=True),
            "limit_field": _column(str, "the field that this limit is sent in", nullable=True),
            "omitted": _column(str, "fields left out because the server refuses them", nullable=True),
            "tokens_image": _column(int, "estimated tokens of the pictures"),
            "tokens_in": _column(int, "estimated tokens sent, pictures included"),
            "tokens_out": _column(int, "estimated tokens of the reply"),
            "cost_usd": _column(float, "estimated price, US$; empty if no price is known", nullable=True),
        },
        unique=["key", "clip_id"],
    ),
    "answers": _schema(
        {
            "key": _column(str, "requests.key"),
            "status": _column(str, "what came back", isin=statuses.ANSWER),
            "label": _column(str, "the label in an ok answer", nullable=True, isin=LABELS),
            **_probabilities(),
            "prob_source": _column(str, "logprobs, confidence (the reply's own), or none", nullable=True),
            "prob_doubt": _column(str, "why there are no probabilities, or not the log-probabilities'", nullable=True),
            "raw": _column(str, "the reply's text, or the error's", nullable=True),
            "model_requested": _column(str, "model asked"),
            "model_returned": _column(str, "model that says it answered", nullable=True),
            "fingerprint": _column(str, "system_fingerprint of the reply", nullable=True),
            "tokens_in": _column("Int64", "billed tokens sent", nullable=True),
            "tokens_out": _column("Int64", "billed tokens of the reply", nullable=True),
            "cost_usd": _column(float, "price of the billed tokens, US$", nullable=True),
            "latency_s": _column(float, "from sending to the reply's end, s", nullable=True),
            "created": _column(str, "when it arrived, ISO 8601, UTC"),
        },
        unique=["key"],
        labelled=True,
    ),
    "predictions": _schema(
        {
            "clip_id": _column(str, "clips.clip_id"),
            "frame_index": _column("Int64", "the frame, where each frame is labelled by itself", nullable=True),
            "strategy": _column(str, "how the answers were pooled"),
            "model": _column(str, "annotator"),
            "taxonomy": _column(str, "labels predicted", isin=TAXONOMIES),
            "asked": _column(str, "labels asked for: ternary from seven is collapsed", isin=TAXONOMIES),
            "label": _column(
                str, "predicted label: perceived expression; empty if there is none", nullable=True, isin=LABELS
            ),
            **_probabilities(),
            "confidence": _column(float, "probability of the label", nullable=True),
            "n_votes": _column(int, "answers with a label that were pooled"),
            "agreement": _column(float, "share of them with the final label", nullable=True),
            "tie": _column(bool, "a vote was tied and broken by mean probability or label order"),
            "status": _column(str, "ok, no_frame, or the answers' commonest failure", isin=statuses.PREDICTION),
            "tokens": _column("Int64", "billed tokens in and out of the answers used", nullable=True),
            "cost_usd": _column(float, "their price, US$", nullable=True),
        },
        unique=["clip_id", "frame_index", "strategy", "model", "taxonomy", "asked"],
        labelled=True,
    ),
    "scores": _schema(
        {
            "strategy": _column(str, "predictions.strategy, or a trivial baseline"),
            "model": _column(str, "annotator"),
            "taxonomy": _column(str, "labels scored", isin=TAXONOMIES),
            "asked": _column(str, "labels asked for", isin=TAXONOMIES),
            "metric": _column(str, "name of the score"),
            "value": _column(float, "the score", nullable=True),
            "ci_low": _column(float, "lower end of its 95 % interval; empty if too few clips", nullable=True),
            "ci_high": _column(float, "upper end", nullable=True),
            "value_wrong": _column(float, "the score with missing predictions counted as wrong", nullable=True),
            "bound_low": _column(float, "the score had all missing predictions been wrong", nullable=True),
            "bound_high": _column(float, "the score had they all been right", nullable=True),
            "n_clips": _column(int, "clips scored: with a label and a prediction (with probabilities)"),
            "n_missing": _column(int, "clips with a label that are not scored"),
            "resampled": _column(str, "what was drawn for the interval", isin=["clips", "subjects"]),
        },
        unique=["strategy", "model", "taxonomy", "asked", "metric"],
    ),
    "comparisons": _schema(
        {
            "taxonomy": _column(str, "labels scored", isin=TAXONOMIES),
            "asked": _column(str, "labels asked for", isin=TAXONOMIES),
            "metric": _column(str, "name of the score"),
            "strategy_a": _column(str, "predictions.strategy of the one"),
            "model_a": _column(str, "its annotator"),
            "strategy_b": _column(str, "predictions.strategy of the other"),
            "model_b": _column(str, "its annotator"),
            "n_clips": _column(int, "clips with a true label and a prediction of both"),
            "value_a": _column(float, "score of the one on these clips", nullable=True),
            "value_b": _column(float, "score of the other", nullable=True),
            "difference": _column(float, "value_a - value_b", nullable=True),
            "ci_low": _column(float, "lower end of its paired 95 % interval", nullable=True),
            "ci_high": _column(float, "upper end", nullable=True),
            "test": _column(str, "the paired test; empty if nothing can be tested", nullable=True),
            "p": _column(float, "its p value", nullable=True),
            "p_holm": _column(float, "p adjusted for all pairs of the question and metric (Holm)", nullable=True),
            "detectable": _column(float, "minimum detectable difference (80 % power, unadjusted)", nullable=True),
            "sentence": _column(str, "the result in words"),
        },
        unique=["taxonomy", "asked", "metric", "strategy_a", "model_a", "strategy_b", "model_b"],
    ),
    "labels": _schema(
        {
            "clip_id": _column(str, "clips.clip_id"),
            "path": _column(str, "clips.path"),
            "label": _column(str, "the finished label: perceived expression", nullable=True, isin=LABELS),
            **_probabilities(),
            "source": _column(str, "who gave the label; empty if there is none", nullable=True, isin=SOURCES),
            "annotator": _column(str, "name of the model, strategy and model, or people"),
            "promise": _column(str, "under which promise it was taken without looking; empty: none", nullable=True),
            "n_votes": _column(int, "people's labels of the clip"),
            "needs_look": _column(bool, "somebody should look: no label, people disagree, or on the worklist"),
        },
        unique=["clip_id"],
    ),
}

WRITTEN_BY = {
    "clips": "01_data_exploration",
    "frames": "02_frame_extraction",
    "videos": "02_frame_extraction",
    "requests": "03_zero_shot_annotation",
    "answers": "03_zero_shot_annotation",
    "predictions": "04_strategy_comparison",
    "scores": "04_strategy_comparison",
    "comparisons": "04_strategy_comparison",
}
