"""The tables of people's labels, which notebook 06 and `fer-helpers sample` write."""

from __future__ import annotations

import pandera.pandas as pa

from fer_helpers.emotions import LABELS, TAXONOMIES
from fer_helpers.tables._columns import BY_WHOM, QUEUES, SOURCES, TARGETS, column, probabilities, schema

SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "draws": schema(
        {
            "clip_id": column(str, "clips.clip_id"),
            "queue": column(str, "which queue; queues are never mixed in an estimate", isin=QUEUES),
            "stratum": column(str, "core: the model's label, or why there is none; worklist: why it is on the list"),
            "probability": column(float, "share of its stratum that is drawn; empty for a worklist", nullable=True),
            "order": column("Int64", "place in the order of labelling, from 0; empty: not drawn", nullable=True),
            "seed": column(int, "of the draw"),
            "taxonomy": column(str, "labels that people are asked for", isin=TAXONOMIES),
            "annotator": column(str, "name of the model whose labels the queue was drawn by"),
            "label": column(str, "its label of the clip when the queue was drawn", nullable=True, isin=LABELS),
        },
        unique=["clip_id", "queue"],
    ),
    "estimates": schema(
        {
            "quantity": column(str, "share: <label>, mean valence, WAR, UAR or recall: <label>"),
            "target": column(str, "what it is of: this corpus, or people like these", isin=TARGETS),
            "source": column(str, "by whom: model alone, people alone, or both together", isin=BY_WHOM),
            "value": column(float, "the estimate", nullable=True),
            "ci_low": column(float, "lower end of its 95 % interval; empty where there is none", nullable=True),
            "ci_high": column(float, "upper end", nullable=True),
            "error": column(float, "its standard error, of shares and valence", nullable=True),
            "sd": column(float, "standard deviation of a clip's residual, likewise", nullable=True),
            "saved": column(float, "by how much the model narrowed the squared width, likewise", nullable=True),
            "n": column(int, "clips labelled by people"),
            "n_clips": column(int, "clips it is about"),
            "n_subjects": column("Int64", "subjects labelled, of shares and valence", nullable=True),
            "n_missing": column(
                "Int64", "clips without an answer of the model, of WAR, UAR and recalls", nullable=True
            ),
            "taxonomy": column(str, "label set", isin=TAXONOMIES),
            "annotator": column(str, "the model: strategy and model"),
            "raters": column(str, "who labelled: people, or the simulated panel"),
        },
        unique=["quantity", "target", "source"],
    ),
    "labels": schema(
        {
            "clip_id": column(str, "clips.clip_id"),
            "path": column(str, "clips.path"),
            "label": column(str, "the finished label: perceived expression", nullable=True, isin=LABELS),
            **probabilities(),
            "source": column(str, "who gave the label; empty if there is none", nullable=True, isin=SOURCES),
            "annotator": column(str, "name of the model, strategy and model, or people"),
            "promise": column(str, "under which promise it was taken without looking; empty: none", nullable=True),
            "n_votes": column(int, "people's labels of the clip"),
            "needs_look": column(bool, "somebody should look: no label, people disagree, or on the worklist"),
        },
        unique=["clip_id"],
    ),
}
