"""Every table's schema, and which notebook writes it."""

from __future__ import annotations

import pandera.pandas as pa

from fer_helpers.tables import _of_audits, _of_runs, _of_sweeps

SCHEMAS: dict[str, pa.DataFrameSchema] = {**_of_runs.SCHEMAS, **_of_audits.SCHEMAS, **_of_sweeps.SCHEMAS}

WRITTEN_BY = {
    "clips": "01_data_exploration",
    "frames": "02_frame_extraction",
    "videos": "02_frame_extraction",
    "requests": "03_zero_shot_annotation",
    "answers": "03_zero_shot_annotation",
    "predictions": "04_strategy_comparison",
    "scores": "04_strategy_comparison",
    "comparisons": "04_strategy_comparison",
    "estimates": "06_label_audit",
    "labels": "06_label_audit",
    "effects": "07_sweep_comparison",
    "flips": "07_sweep_comparison",
}
