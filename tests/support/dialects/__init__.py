"""Fakes of the servers people use, one file a server, each with its sources; real sockets on 127.0.0.1.

    from tests.support.dialects import DIALECTS, mistral, serve
    with serve(mistral.DIALECT) as server: ...                        # server.base_url, server.asked, server.fields
    with serve(mistral.DIALECT, special={3: "busy"}) as server: ...   # the third chat request; a name alone: all
    with serve(replace(vllm.DIALECT, max_pictures=1, thinks=300)) as server: ...

ollama              `name:latest`, max_completion_tokens does nothing, raw log-probabilities
vllm                raw log-probabilities, pictures a request, unknown fields pass, old flat errors (OLD)
llama_cpp           503 while loading, text-only 500, context with sizes, log-probabilities before the grammar
lm_studio           errors are strings, no log-probabilities, all downloads listed
sglang              flat errors, abort, matched_stop, reasoning tokens at the top of usage
transformers_serve  response_format and log-probabilities ignored, `{"detail": text}`
openrouter          public listing, errors inside a 200, moderation, credits, free models a day
azure               deployments, content_filter with innererror, filter results in every reply
gemini              errors in a list, fields refused, thoughts outside usage, filters in Google's words
mistral             422 for unknown fields, content as parts (REASONING)
litellm             upstream errors as text, budget, cooling down, "error" ends as "stop"
openai              reasoning, temperature 1, log-probabilities 403, quota, billing, limits a day
gateway             `"error": null`, odd listings (LISTINGS), dead backends, redirects, ONLY_ONE temperature
anywhere            replies that come from more than one server; every dialect's specials have them
"""

from tests.support.dialects import (
    azure,
    gateway,
    gemini,
    litellm,
    llama_cpp,
    lm_studio,
    mistral,
    ollama,
    openai,
    openrouter,
    sglang,
    transformers_serve,
    vllm,
)
from tests.support.dialects.base import Answer, Asked, Dialect, label_of
from tests.support.dialects.serving import Served, serve

DIALECTS = {
    "ollama": ollama.DIALECT,
    "vllm": vllm.DIALECT,
    "llama_cpp": llama_cpp.DIALECT,
    "lm_studio": lm_studio.DIALECT,
    "sglang": sglang.DIALECT,
    "transformers_serve": transformers_serve.DIALECT,
    "openrouter": openrouter.DIALECT,
    "azure": azure.DIALECT,
    "gemini": gemini.DIALECT,
    "mistral": mistral.DIALECT,
    "litellm": litellm.DIALECT,
    "openai": openai.DIALECT,
    "gateway": gateway.DIALECT,
}
__all__ = ["DIALECTS", "Answer", "Asked", "Dialect", "Served", "label_of", "serve"]
