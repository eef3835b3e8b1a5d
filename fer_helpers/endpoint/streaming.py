"""A chat completion on its way out: as one JSON object, or as the events of a stream (Server-Sent Events)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fer_helpers.endpoint.chat import text_of, with_text
from fer_helpers.endpoint.questions import StreamOptions


class Completion(web.Response):
    """The response that carries the whole completion `reply`, written as the request's `stream` wants it.

    Nothing is sent before all of it is known, so what goes wrong is told by an HTTP status in a stream too.
    """

    def __init__(self, reply: Mapping[str, Any], stream: StreamOptions | None) -> None:
        if stream is None:
            super().__init__(text=json.dumps(reply), content_type="application/json")
        else:
            events = [*map(json.dumps, chunks(reply, bool(stream.include_usage))), "[DONE]"]
            text = "".join(f"data: {event}\n\n" for event in events)
            super().__init__(text=text, content_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self.reply, self.stream = reply, stream


def chunks(reply: Mapping[str, Any], include_usage: bool) -> list[dict[str, Any]]:
    """`reply` as OpenAI's chat.completion.chunk objects: the role, the text piece by piece, why it ended, the usage.

    A piece is a token where log-probabilities were asked for, each with its own; otherwise a word or what is
    between two.
    """
    (choice,) = reply["choices"]
    message = choice["message"]
    entries = (choice["logprobs"] or {}).get("content") or []
    pieces = [entry["token"] for entry in entries] or re.findall(r"\w+|\W+", text_of(message))
    each: list[Any] = [{"content": [entry], "refusal": None} for entry in entries] or [None] * len(pieces)
    steps: list[tuple[dict[str, Any], Any, str | None]] = [
        (_opening(message), None, None),
        *((_delta(message, piece), logprobs, None) for piece, logprobs in zip(pieces, each, strict=True)),
        ({}, None, choice["finish_reason"]),
    ]
    head = {name: reply[name] for name in ("id", "created", "model", "system_fingerprint")}
    head |= {"object": "chat.completion.chunk"} | ({"usage": None} if include_usage else {})
    found = [
        {**head, "choices": [{"index": 0, "delta": step, "logprobs": logprobs, "finish_reason": finish_reason}]}
        for step, logprobs, finish_reason in steps
    ]
    return found + ([{**head, "choices": [], "usage": reply["usage"]}] if include_usage else [])


def _opening(message: Mapping[str, Any]) -> dict[str, Any]:
    """The first delta: the role, and a call's id and name, but nothing yet of the text."""
    opening = with_text(message, "") if text_of(message) else dict(message)
    if "tool_calls" in opening:
        opening["tool_calls"] = [{"index": 0, **call} for call in opening["tool_calls"]]
    return opening


def _delta(message: Mapping[str, Any], piece: str) -> dict[str, Any]:
    match message:
        case {"tool_calls": _}:
            return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        case {"function_call": _}:
            return {"function_call": {"arguments": piece}}
    return {"refusal" if message["refusal"] else "content": piece}
