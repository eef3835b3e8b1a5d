"""Step 03, pure: prompts and strategies, what has to be asked, what it costs, what a reply says."""

from fer_helpers.prompting import content, orders, planning, pricing, prompts, replies, sources, strategies
from fer_helpers.prompting.content import urls_of
from fer_helpers.prompting.planning import groups, stages
from fer_helpers.prompting.prompts import FORMS, KINDS, PROMPTS
from fer_helpers.prompting.strategies import DEFAULT_STRATEGIES, STRATEGIES, Strategy, find

__all__ = [
    "DEFAULT_STRATEGIES",
    "FORMS",
    "KINDS",
    "PROMPTS",
    "STRATEGIES",
    "Strategy",
    "content",
    "find",
    "groups",
    "orders",
    "planning",
    "pricing",
    "prompts",
    "replies",
    "sources",
    "stages",
    "strategies",
    "urls_of",
]
