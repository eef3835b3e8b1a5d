"""The seven classes, the ternary taxonomy, and the words that mean them or something else."""

from __future__ import annotations

import difflib
import re
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

# Words for what corpora, raters and models name besides the seven; lower case. A word that is neither here nor above is
# taken for a slip of the pen until a mapping names it.
_OTHER_WORDS = """
admiration agitated agitation amazed amazement amused amusement annoyance annoyed anticipation anxiety anxious
apathetic apathy approval arousal arrogance arrogant ashamed awe awkward awkwardness bitterness blank bliss
bored boredom calm calmness caring cheerful compassion compound concentrated concentration concern concerned
confidence confident confused confusion contemplation contemplative contempt contemptuous content contentment
crying curiosity curious cute delight delighted depressed depression desire despair desperate determination
determined disappointed disappointment disapproval disbelief discomfort disconnection displeased displeasure
distracted distress distressed doubt doubtful dread drowsy ecstasy ecstatic elated elation embarrassed
embarrassment empathy engaged engagement enjoyment ennui enthusiasm enthusiastic envious envy esteem euphoria
excited excitement exhausted fatigue fatigued flirtatious focused friendliness friendly frustrated frustration
funny furious fury gloomy grateful gratitude greed grief guilt guilty hate hateful hatred helpless helplessness
hesitant hesitation hope hopeful hopeless horror hostile hostility hurt impatience impatient indifference
indifferent insecure interest interested irritated irritation jealous jealousy laughing lonely longing love lust
melancholy mischievous mixed nervous nervousness nf no-face noface non-face none nonface nostalgia optimism
other others overwhelmed pain painful panic passion peace peaceful pensive pessimism playful pleased pleasure
pride proud puzzled realization regret relaxed relief relieved remorse resentment resignation resigned reverence
sarcasm sarcastic satisfaction satisfied sensitivity serene serenity serious shame shock shocked shy shyness
skeptical skepticism sleepiness sleepy smirk smug stress stressed suffering suspicion suspicious sympathy tender
tenderness tense tension thinking thoughtful tired tiredness triumph trust uncertain uncertainty undecided
unhappy unknown unlabeled unlabelled unsure upset vigilance vulnerable weary worried worry yearning
"""
_OTHERS = frozenset(_OTHER_WORDS.split())


def parse_emotion(word: str) -> str | None:
    """The one of the seven classes that `word` names ("Happiness" -> "happy"), or None for any other word.

    >>> parse_emotion("Happiness"), parse_emotion("contempt")
    ('happy', None)
    """
    return _MEANING.get(word.strip().lower())


def names_another(word: str) -> bool:
    """Whether `word` is one that corpora, raters or models use for something besides the seven, or for none of them.

    >>> names_another("Contempt"), names_another("Non Face"), names_another("sda"), names_another("sad")
    (True, True, False, False)
    """
    plain = word.strip().lower()
    return plain in _OTHERS or re.sub(r"[\W_]+", "", plain) in _OTHERS


def near_words(word: str, cutoff: float = 0.6) -> list[str]:
    """The known word that `word` looks like a slip of, if there is one.

    >>> near_words("joyy"), near_words("3")
    (['joy'], [])
    """
    return difflib.get_close_matches(word.strip().lower(), [*_MEANING, *sorted(_OTHERS)], n=1, cutoff=cutoff)


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
