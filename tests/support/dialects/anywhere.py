"""Replies that come from more than one server: proxies' pages, wrappings, strange ends, broken entries.

Sources: evalscope pull request 1673 (an error in a 200); CherryHQ/cherry-studio issue 19824 (a 200 that is no
completion); openai-dotnet pull request 267 (`eos`, Together); openai-openapi pull request 20 (null as finish reason);
vllm and sglang sources (`abort`); litellm `core_helpers._FINISH_REASON_MAP` (the other vendors' finish reasons);
vercel/ai pull request 12425 and inspect_ai issue 5528 (reasoning outside completion_tokens, xAI). Wrappings, deep JSON
and broken log-probabilities: tried on the project, see the issue about servers.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.support.dialects.base import CONFIDENCE, Answer, Asked, reply

# A page of the proxy in front.
HTML = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
ABRUPT = ("abort", "error", "network_error")  # ends of a half reply
FILTERS = ("content_filter", "SAFETY", "PROHIBITED_CONTENT", "sensitive", "guardrail_intervened", "content_filtered")
ENDS = ("eos", "eos_token", "end_turn", "COMPLETE")  # ends of a whole reply, in other words


def changed(asked: Asked, **choice: Any) -> dict[str, Any]:
    """A good reply with parts of its choice replaced; `content` replaces the message's."""
    body = copy.deepcopy(reply(asked))
    if "content" in choice:
        body["choices"][0]["message"]["content"] = choice.pop("content")
    body["choices"][0].update(choice)
    return body


def _json(asked: Asked) -> str:
    return json.dumps({"label": asked.label, "confidence": CONFIDENCE})


def half(asked: Asked) -> str:
    return '{"label":"' + asked.label[:2]


def ended(reason: str | None) -> Any:
    """A special: half a reply, whose finish reason is `reason`."""
    return lambda asked: Answer(changed(asked, content=half(asked), finish_reason=reason, logprobs=None))


def stopped(reason: str | None) -> Any:
    """A special: a whole reply, whose finish reason is `reason`."""
    return lambda asked: Answer(changed(asked, finish_reason=reason))


def filtered(reason: str) -> Any:
    """A special: no words, and the vendor's own word for a filter as finish reason."""
    return lambda asked: Answer(changed(asked, content=None, finish_reason=reason, logprobs=None))


def _wrapped(form: str) -> Any:
    """A special: the JSON of the label put in the place of JSON in `form`."""
    return lambda asked: Answer(changed(asked, content=form.replace("JSON", _json(asked)), logprobs=None))


def _worded(form: str) -> Any:
    """A special: `form` with the label and another one, which leaves open what was meant."""

    def special(asked: Asked) -> Answer:
        text = form.replace("LABEL", asked.label).replace("OTHER", other(asked))
        return Answer(changed(asked, content=text, logprobs=None))

    return special


def other(asked: Asked) -> str:
    """A label that is not the one said."""
    return next(name for name in (*asked.labels, "other") if name != asked.label)


def _parts(asked: Asked) -> Answer:
    return Answer(changed(asked, content=[{"type": "text", "text": _json(asked)}], logprobs=None))


def _other_case(asked: Asked) -> Answer:
    return Answer(changed(asked, content=json.dumps({"Label": asked.label.capitalize()}), logprobs=None))


def _bad_logprobs(asked: Asked) -> Answer:
    entries = [{"token": asked.label, "logprob": None, "top_logprobs": None}, None, {"token": 7}]
    return Answer(changed(asked, logprobs={"content": entries}))


def _contradicting(asked: Asked) -> Answer:
    """Log-probabilities among the labels that favour another label than the one said."""
    top = [
        {"token": other(asked), "logprob": -0.1, "bytes": None},
        {"token": asked.label, "logprob": -3.0, "bytes": None},
    ]
    entry = {"token": asked.label, "logprob": -3.0, "bytes": None, "top_logprobs": top}
    return Answer(changed(asked, content=json.dumps({"label": asked.label}), logprobs={"content": [entry]}))


def _unsure(asked: Asked) -> Answer:
    """A stated confidence below one in the number of labels."""
    text = json.dumps({"label": asked.label, "confidence": 0.05})
    return Answer(changed(asked, content=text, logprobs=None))


def reasoning_outside(asked: Asked) -> Answer:
    """xAI: completion_tokens are the text's alone; only total_tokens holds the reasoning as well."""
    body = copy.deepcopy(reply(asked))
    usage, reasoning = body["usage"], 317
    usage["total_tokens"] += reasoning
    usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return Answer(body)


def refusal_in_prose(asked: Asked) -> Answer:
    return Answer(changed(asked, content="I'm sorry, but I can't identify emotions from faces.", logprobs=None))


def _cut(asked: Asked) -> Answer:
    return Answer(json.dumps(reply(asked))[:-20])


def _stream(asked: Asked) -> Answer:
    return Answer(f"data: {json.dumps(reply(asked))}\n\ndata: [DONE]\n\n", kind="text/event-stream")


REPLIES = {
    "html": lambda asked: Answer(HTML, kind="text/html"),
    "html_502": lambda asked: Answer(HTML, 502, kind="text/html"),
    "html_413": lambda asked: Answer(
        HTML.replace("502 Bad Gateway", "413 Request Entity Too Large"), 413, kind="text/html"
    ),
    "plain_502": lambda asked: Answer("Bad Gateway", 502, kind="text/plain"),
    "stream": _stream,
    "cut": _cut,
    "empty": lambda asked: Answer(""),
    "hang_up": lambda asked: Answer(hang_up=True),
    "silence": lambda asked: Answer(seconds=3600),
    "error_in_200": lambda asked: Answer({"error": {"message": "upstream failed", "code": 502}}),
    "no_choices": lambda asked: Answer({**reply(asked), "choices": None}),
    "empty_choices": lambda asked: Answer({**reply(asked), "choices": []}),
    "null_content": lambda asked: Answer(changed(asked, content=None, logprobs=None)),
    "refusal_in_prose": refusal_in_prose,
    "think": _wrapped("<think>\nThe brows are raised.\n</think>\n\nJSON"),
    "fence": _wrapped("```json\nJSON\n```"),
    "one_line_fence": _wrapped("```json JSON ```"),
    "explained": _wrapped("Here is my answer:\nJSON\nLet me know if you need more."),
    "other_case": _other_case,
    "parts": _parts,
    "doubled_key": _worded('{"label": "LABEL", "label": "OTHER"}'),
    "two_labels": _worded("LABEL or OTHER"),
    "deep": lambda asked: Answer(changed(asked, content="[" * 3000 + "]" * 3000, logprobs=None)),
    "bad_logprobs": _bad_logprobs,
    "contradicting_logprobs": _contradicting,
    "unsure": _unsure,
    "reasoning_outside": reasoning_outside,
    "finish_null": stopped(None),
    "half_null": ended(None),
    **{f"finish_{reason}": stopped(reason) for reason in ENDS},
    **{f"finish_{reason}": ended(reason) for reason in ABRUPT},
    **{f"finish_{reason}": filtered(reason) for reason in FILTERS},
}
