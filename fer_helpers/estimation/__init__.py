"""Step 06, pure: labels for a corpus that has none, from few people's labels and all of a model's.

`population` joins clips and predictions; `draw_core`, `draw_audit`, `draw_worklist` say what people look at;
`read_labels`, `drawn_only`, `by_clip` read what they said; `estimate_shares`, `estimate_performance`, `more_labels`
say what follows; `accept` or `would_accept` and `accept_audited` certify; `finished_labels` closes. A session with
made-up data is in tests/estimation/test_session.py. Beside it, `replacement_test` and `distribution_agreement` compare
the model with several raters, and `drift_test` says whether it is still the same model.
"""

from fer_helpers.estimation import answers
from fer_helpers.estimation.acceptance import (
    Acceptance,
    accept,
    accept_audited,
    certify,
    labels_needed,
    p_value,
    risk_by_coverage,
    would_accept,
)
from fer_helpers.estimation.drift import drift_test
from fer_helpers.estimation.estimates import by_whom, estimate, in_words, redraws
from fer_helpers.estimation.finished import PERSON, finished_labels
from fer_helpers.estimation.people import CANNOT_TELL, RULES, SKIP, Labels, by_clip, drawn_only, read_labels, waiting
from fer_helpers.estimation.performance import estimate_performance, linearised
from fer_helpers.estimation.replacement import distribution_agreement, replacement_test
from fer_helpers.estimation.samples import (
    ACCEPTED,
    AUDIT,
    CORE,
    WORKLIST,
    draw_audit,
    draw_core,
    draw_worklist,
    population,
    strata,
)
from fer_helpers.estimation.shares import CORPUS, PEOPLE, estimate_shares
from fer_helpers.estimation.sizes import labels_for, more_labels, plan, planned, split_budget

__all__ = [
    "ACCEPTED",
    "AUDIT",
    "CANNOT_TELL",
    "CORE",
    "CORPUS",
    "PEOPLE",
    "PERSON",
    "RULES",
    "SKIP",
    "WORKLIST",
    "Acceptance",
    "Labels",
    "accept",
    "accept_audited",
    "answers",
    "by_clip",
    "by_whom",
    "certify",
    "distribution_agreement",
    "draw_audit",
    "draw_core",
    "draw_worklist",
    "drawn_only",
    "drift_test",
    "estimate",
    "estimate_performance",
    "estimate_shares",
    "finished_labels",
    "in_words",
    "labels_for",
    "labels_needed",
    "linearised",
    "more_labels",
    "p_value",
    "plan",
    "planned",
    "population",
    "read_labels",
    "redraws",
    "replacement_test",
    "risk_by_coverage",
    "split_budget",
    "strata",
    "waiting",
    "would_accept",
]
