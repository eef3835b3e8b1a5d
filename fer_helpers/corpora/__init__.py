"""Step 01: a corpus becomes the clips table; one module a published corpus, any folder, and the rendered demo."""

from fer_helpers.corpora import checks, demo
from fer_helpers.corpora._manifest import read_truth
from fer_helpers.corpora.corpus import Corpus, ListedClip
from fer_helpers.corpora.registry import (
    CORPORA,
    OWN,
    about,
    fingerprint,
    listed,
    load,
    location,
    outside,
    prepare,
    votes,
)

__all__ = [
    "CORPORA",
    "OWN",
    "Corpus",
    "ListedClip",
    "about",
    "checks",
    "demo",
    "fingerprint",
    "listed",
    "load",
    "location",
    "outside",
    "prepare",
    "read_truth",
    "votes",
]
