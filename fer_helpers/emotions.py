"""The seven classes, the ternary taxonomy, and the words that mean them."""

from __future__ import annotations

from collections.abc import Sequence

SEVEN = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
TERNARY = ("negative", "neutral", "positive")
TAXONOMIES: dict[str, tuple[str, ...]] = {"seven": SEVEN, "ternary": TERNARY}
LABELS = (*SEVEN, "negative", "positive")  # "neutral" belongs to both taxonomies
SURPRISE_VALENCES = ("positive", "neutral", "negative", "left_out")

_VALENCE = {
    "angry": "negative",
    "disgust": "negative",
    "fear": "negative",
    "happy": "positive",
    "neutral": "neutral",
    "sad": "negative",
}

# Nouns and adjectives under which corpora and models name the seven classes; lower case.
_WORDS = {
    "angry": "anger",
    "disgust": "disgusted",
    "fear": "fearful afraid scared",
    "happy": "happiness joy joyful",
    "neutral": "neutrality",
    "sad": "sadness",
    "surprise": "surprised",
}
_MEANING = {word: emotion for emotion, words in _WORDS.items() for word in [emotion, *words.split()]}


def parse_emotion(word: str) -> str | None:
    """The one of the seven classes that `word` names ("Happiness" -> "happy"), or None for any other word.

    >>> parse_emotion("Happiness"), parse_emotion("contempt")
    ('happy', None)
    """
    return _MEANING.get(word.strip().lower())


def valence(emotion: str, surprise: str = "positive") -> str | None:
    """Collapse one of the seven classes to negative, neutral or positive.

    Surprise has no standard valence: corpora and papers call it positive, neutral or negative, or leave
    it out; `surprise` says which (one of SURPRISE_VALENCES), and "left_out" returns None.

    >>> valence("fear"), valence("surprise"), valence("surprise", "negative")
    ('negative', 'positive', 'negative')
    """
    if emotion == "surprise":
        return None if surprise == "left_out" else surprise
    return _VALENCE[emotion]


def collapse(probabilities: Sequence[float], surprise: str = "positive") -> list[float]:
    """Probabilities over SEVEN, in that order, summed over TERNARY, in that order.

    With `surprise="left_out"` its share is dropped, so the result sums to one minus that share.

    >>> probabilities = [0.25, 0.0, 0.25, 0.125, 0.25, 0.0, 0.125]  # angry, ..., surprise
    >>> collapse(probabilities)  # negative, neutral, positive
    [0.5, 0.25, 0.25]
    >>> collapse(probabilities, surprise="left_out")
    [0.5, 0.25, 0.125]
    """
    total = dict.fromkeys(TERNARY, 0.0)
    for emotion, probability in zip(SEVEN, probabilities, strict=True):
        side = valence(emotion, surprise)
        if side:
            total[side] += probability
    return list(total.values())


def question(taxonomy: str, asked: str) -> str:
    """How a taxonomy was reached, in words.

    >>> question("ternary", "seven")
    'three, collapsed from seven'
    """
    if taxonomy == "seven":
        return "seven classes"
    return "three, asked directly" if asked == "ternary" else "three, collapsed from seven"
