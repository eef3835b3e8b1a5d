"""Step 03, pure: prompts and strategies, what has to be asked, what it costs, what a reply says."""

from fer_helpers.prompting import content, planning, pricing, prompts, replies, strategies
from fer_helpers.prompting.content import urls_of
from fer_helpers.prompting.planning import groups, stages
from fer_helpers.prompting.prompts import FORMS, PROMPTS
from fer_helpers.prompting.strategies import DEFAULT_STRATEGIES, STRATEGIES, Strategy, find

__all__ = [
    "DEFAULT_STRATEGIES",
    "FORMS",
    "PROMPTS",
    "STRATEGIES",
    "Strategy",
    "content",
    "find",
    "groups",
    "planning",
    "pricing",
    "prompts",
    "replies",
    "stages",
    "strategies",
    "urls_of",
]
