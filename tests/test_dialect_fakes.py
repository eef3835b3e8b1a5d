"""The fakes of servers speak as documented: looked at raw, and through the openai client."""

import base64
import json
import math
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import openai
import pytest
import yaml

from fer_helpers.paths import ROOT
from tests.support.dialects import (
    DIALECTS,
    azure,
    gateway,
    gemini,
    llama_cpp,
    lm_studio,
    mistral,
    ollama,
    openrouter,
    serve,
    transformers_serve,
    vllm,
)
from tests.support.dialects import openai as openai_fake
from tests.support.dialects.base import SEVEN, TERNARY, label_of

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PICTURE = b"abc"  # SHA-256 begins ba 78 (FIPS 180-4): 186 mod 7 = 4, 186 mod 3 = 0; 120 mod 12 = 0: a sentence
WORDS = f"Choose exactly one of these labels: {', '.join(SEVEN)}."
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "expression",
        "schema": {
            "type": "object",
            "properties": {"label": {"type": "string", "enum": list(SEVEN)}, "confidence": {"type": "number"}},
        },
    },
}
WITH_SCHEMA = {"response_format": SCHEMA}
LOGPROBS = {"logprobs": True, "top_logprobs": 10}


def message(text=WORDS, pictures=(PICTURE,)):
    urls = ["data:image/jpeg;base64," + base64.b64encode(picture).decode() for picture in pictures]
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": "user", "content": [{"type": "text", "text": text}, *images]}


def get(url, key="", **headers):
    """Status, headers and text of a GET or, with `data` among the headers, of a POST."""
    data = headers.pop("data", None)
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {key}", **headers} if key else headers)
    try:
        with DIRECT.open(request, timeout=5) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def post(dialect, server, *, text=WORDS, pictures=(PICTURE,), key=None, **fields):
    """A chat request as `dialect` wants it; status, headers and text of the reply."""
    body = {"model": dialect.model, "messages": [message(text, pictures)], **fields}
    url = server.base_url + "/chat/completions"
    return get(url, dialect.key if key is None else key, data=json.dumps(body).encode())


def asked(dialect, special="", **fields):
    """The JSON of one reply to a chat request, and its status."""
    with serve(dialect, special) as server:
        status, _, text = post(dialect, server, **fields)
    return status, json.loads(text)


def choice(dialect, special="", **fields):
    status, body = asked(dialect, special, **fields)
    assert status == 200, body
    return body["choices"][0]


def client(dialect, server, **settings):
    return openai.OpenAI(base_url=server.base_url, api_key=dialect.key or "none", max_retries=0, **settings)


def test_labels_hang_on_the_pictures_bytes_alone():
    assert label_of([PICTURE], SEVEN) == "neutral"
    assert label_of([PICTURE], TERNARY) == "negative"
    assert label_of([b"ab", b"c"], SEVEN) == "neutral"  # several pictures count as one


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "transformers_serve"])
def test_a_schema_is_filled_in(name):
    content = choice(DIALECTS[name], **WITH_SCHEMA)["message"]["content"]
    assert json.loads(content) == {"label": "neutral", "confidence": 0.8}


def test_a_schema_that_is_ignored_leaves_prose_or_a_bare_word():
    said = choice(transformers_serve.DIALECT, **WITH_SCHEMA)["message"]["content"]
    assert said == "The person in the picture looks neutral."
    # SHA-256 of nothing begins e3 b0: 227 mod 7 = 3, 176 mod 12 = 8
    assert choice(transformers_serve.DIALECT, pictures=(), **WITH_SCHEMA)["message"]["content"] == "happy"


def test_json_of_its_own_accord_is_none_by_the_schema():
    said = json.loads(choice(transformers_serve.DIALECT, "own_json", **WITH_SCHEMA)["message"]["content"])
    assert said.keys() == {"label", "because"}


def test_a_temperature_can_be_refused_in_words_alone():
    status, body = asked(gateway.ONLY_ONE, temperature=0)
    assert status == 400
    assert body["error"].keys() == {"message", "type"}
    assert asked(gateway.ONLY_ONE, temperature=1)[0] == 200


def test_json_asked_for_in_words_is_given_without_a_schema():
    text = WORDS + '\n\nReply with JSON and nothing else: {"label": "...", "confidence": 0.0 to 1.0}'
    said = choice(transformers_serve.DIALECT, text=text)["message"]["content"]
    assert json.loads(said) == {"label": "neutral", "confidence": 0.8}


def test_the_labels_are_those_that_are_named():
    text = f"Choose exactly one of these labels: {', '.join(TERNARY)}."
    said = choice(transformers_serve.DIALECT, text=text)["message"]["content"]
    assert said == "The person in the picture looks negative."


def test_what_was_sent_is_kept():
    dialect = vllm.DIALECT
    with serve(dialect) as server:
        client(dialect, server).models.list()
        post(dialect, server, pictures=(b"one", b"two"), key="mine", temperature=0, store=False)
    [request] = server.asked
    assert request.pictures == [b"one", b"two"]
    assert request.headers["authorization"] == "Bearer mine"
    assert server.fields == {"model", "messages", "temperature", "store"}
    assert server.listings[0]["authorization"] == "Bearer none"


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("ollama", ["gemma3:latest", "nomic-embed-text:latest"]),
        ("vllm", ["Qwen/Qwen2.5-VL-7B-Instruct"]),
        ("lm_studio", ["text-embedding-nomic-embed-text-v1.5", "qwen/qwen3-8b", "google/gemma-4-26b-a4b"]),
        ("azure", ["gpt-6-luna-2026-09-22"]),  # its deployment has another name
        ("gemini", ["models/gemini-3.8-flash", "models/gemini-embedding-001"]),
        ("openrouter", ["google/gemma-4-31b-it"]),
    ],
)
def test_the_client_reads_a_listing(name, ids):
    dialect = DIALECTS[name]
    with serve(dialect) as server:
        assert [model.id for model in client(dialect, server).models.list()] == ids


def test_ollama_knows_a_model_with_and_without_its_tag():
    assert choice(ollama.DIALECT, model="gemma3:latest") == choice(ollama.DIALECT, model="gemma3")
    status, body = asked(ollama.DIALECT, model="gemma3:27b")
    assert (status, body["error"]["type"]) == (404, "not_found_error")


def test_llama_cpp_answers_whatever_model_is_named():
    assert asked(llama_cpp.DIALECT, model="another")[1]["model"] == llama_cpp.DIALECT.model


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("missing", 404, None),
        ("empty", 200, {"object": "list", "data": []}),
        ("null", 200, {"object": "list", "data": None}),
        ("names", 200, {"models": [{"name": "faces"}]}),
        ("keyed", 401, None),
        ("loading", 503, None),
    ],
)
def test_odd_listings_do_not_keep_the_gateway_from_chatting(name, status, body):
    dialect = gateway.LISTINGS[name]
    with serve(dialect) as server:
        found, _, text = get(server.base_url + "/models")
        assert post(dialect, server)[0] == 200
    assert found == status
    assert body is None or json.loads(text) == body


def test_the_bare_listing_and_the_page_are_none_of_openais_shape():
    with serve(gateway.LISTINGS["bare"]) as server:
        assert json.loads(get(server.base_url + "/models")[2])[0]["id"] == "faces"
    with serve(gateway.LISTINGS["html"]) as server:
        _, headers, text = get(server.base_url + "/models")
    assert headers.get_content_type() == "text/html"
    assert text.startswith("<!doctype")


def test_keys_are_wanted_where_the_server_wants_them():
    with serve(openrouter.DIALECT) as server:  # anyone may read the listing
        assert get(server.base_url + "/models")[0] == 200
        assert post(openrouter.DIALECT, server, key="")[0] == 401
    with serve(llama_cpp.KEYED) as server:
        assert get(server.base_url + "/models")[0] == 200
        assert post(llama_cpp.KEYED, server, key="")[0] == 401
    with serve(azure.DIALECT) as server:
        assert get(server.base_url + "/models", **{"api-key": azure.DIALECT.key})[0] == 200
        assert get(server.base_url + "/models")[0] == 401


def test_a_model_that_is_loading_answers_503_and_then_as_ever():
    dialect = llama_cpp.LOADING
    with serve(dialect) as server:
        status, _, text = get(server.base_url + "/models")
        assert post(dialect, server)[0] == 503
        assert post(dialect, server)[0] == 200
    assert status == 503
    assert json.loads(text)["error"] == {"code": 503, "message": "Loading model", "type": "unavailable_error"}


def _in(body, path):
    for step in path.split("."):
        body = body[int(step) if step.isdigit() else step]
    return body


ERRORS = [
    ("mistral", "", {"store": False}, 422, "detail.0.type", "extra_forbidden"),
    ("mistral", "", {"store": False}, 422, "detail.0.loc", ["body", "store"]),
    ("mistral", "", {"max_completion_tokens": 64}, 422, "detail.0.input", 64),
    ("mistral", "", LOGPROBS, 422, "detail.1.loc", ["body", "top_logprobs"]),
    ("mistral", "", {"key": ""}, 401, "detail", "Unauthorized"),
    ("mistral", "busy", {}, 429, "code", "1300"),
    ("mistral", "capacity", {}, 429, "type", "invalid_request_error"),
    ("gemini", "", {"store": False}, 400, "0.error.status", "INVALID_ARGUMENT"),
    ("gemini", "", LOGPROBS, 400, "0.error.message", "Logprobs is not enabled for models/gemini-3.8-flash"),
    ("gemini", "per_day", {}, 429, "0.error.details.1.retryDelay", "45s"),
    ("gemini", "", {"key": ""}, 401, "0.error.code", 401),
    ("openai", "", {"max_tokens": 64}, 400, "error.code", "unsupported_parameter"),
    ("openai", "", {"temperature": 0}, 400, "error.code", "unsupported_value"),
    ("openai", "", LOGPROBS, 400, "error.param", "logprobs"),
    ("openai", "", {"model": "gpt-3"}, 404, "error.code", "model_not_found"),
    ("openai", "quota", {}, 429, "error.code", "insufficient_quota"),
    ("openai", "billing", {}, 429, "error.code", "billing_not_active"),
    ("openai", "too_large", {}, 429, "error.type", "tokens"),
    ("openai", "invalid_prompt", {}, 400, "error.code", "invalid_prompt"),
    ("openrouter", "poor", {}, 402, "error.code", 402),
    ("openrouter", "moderated", {}, 403, "error.metadata.reasons", ["violence"]),
    ("openrouter", "per_day", {}, 429, "error.metadata.headers.X-RateLimit-Remaining", "0"),
    ("openrouter", "blind", {}, 404, "error.code", 404),
    ("openrouter", "upstream_502", {}, 502, "error.metadata.provider_name", "Fake"),
    ("azure", "filtered", {}, 400, "error.innererror.code", "ResponsibleAIPolicyViolation"),
    ("azure", "", {"model": azure.BASE}, 404, "error.code", "DeploymentNotFound"),
    ("azure", "per_day", {}, 429, "error.code", "429"),
    ("litellm", "filtered", {}, 400, "error.code", "400"),
    ("litellm", "budget", {}, 429, "error.type", "budget_exceeded"),
    ("litellm", "dead_backend", {}, 500, "error.type", None),
    ("llama_cpp", "blind", {}, 500, "error.type", "server_error"),
    ("llama_cpp", "", {"pictures": [b"1"] * 16}, 400, "error.n_ctx", 4096),
    ("lm_studio", "blind", {}, 400, "error", "Model does not support images."),
    ("lm_studio", "", {"response_format": {"type": "json_object"}}, 400, "error",
     "'response_format.type' must be 'json_schema' or 'text'"),
    ("sglang", "", {"pictures": [b"1"] * 128}, 400, "object", "error"),
    ("vllm", "", {"model": "other"}, 404, "error.code", 404),
    ("vllm", "", {"pictures": [b"1"] * 32}, 400, "error.type", "BadRequestError"),
    ("ollama", "busy", {}, 503, "error.type", "api_error"),
    ("transformers_serve", "", {"metadata": {}}, 422, "detail", "Unexpected fields in the request: {'metadata'}"),
    ("gateway", "error_in_200", {}, 200, "error.code", 502),
]  # fmt: skip


@pytest.mark.parametrize(("name", "special", "fields", "status", "path", "value"), ERRORS)
def test_errors_have_the_servers_own_shape(name, special, fields, status, path, value):
    found, body = asked(DIALECTS[name], special, **fields)
    assert found == status
    assert _in(body, path) == value


def test_the_context_overflows_by_what_was_sent():
    """16 pictures of 256 tokens and 88 characters of words: 4096 + 22 of 4096."""
    assert len(WORDS) == 88
    _, body = asked(llama_cpp.DIALECT, pictures=[b"1"] * 16)
    assert body["error"]["n_prompt_tokens"] == 16 * 256 + 22


def test_several_forbidden_fields_are_named_at_once():
    _, body = asked(mistral.DIALECT, store=False, max_completion_tokens=64)
    assert [entry["loc"][1] for entry in body["detail"]] == ["store", "max_completion_tokens"]
    _, [body] = asked(gemini.DIALECT, store=False, metadata={})
    assert len(body["error"]["details"][0]["fieldViolations"]) == 2


def test_vllm_takes_so_many_pictures_and_once_had_flat_errors():
    _, body = asked(vllm.ONE_PICTURE, pictures=[b"1", b"2"])
    assert body["error"]["message"] == "At most 1 image(s) may be provided in one prompt."
    _, body = asked(replace(vllm.OLD, max_pictures=1), pictures=[b"1", b"2"])
    assert (body["object"], body["code"]) == ("error", 400)


@pytest.mark.parametrize("name", ["ollama", "lm_studio"])
def test_max_completion_tokens_does_nothing_where_only_max_tokens_is_known(name):
    assert choice(DIALECTS[name], max_completion_tokens=1)["finish_reason"] == "stop"
    assert choice(DIALECTS[name], max_tokens=1)["finish_reason"] == "length"


@pytest.mark.parametrize("name", ["vllm", "llama_cpp", "sglang", "litellm", "transformers_serve"])
def test_max_completion_tokens_cuts_elsewhere(name):
    cut = choice(DIALECTS[name], max_completion_tokens=3)
    assert (cut["message"]["content"], cut["finish_reason"]) == ("The person", "length")


def _at_label(dialect, **fields):
    entries = choice(dialect, **WITH_SCHEMA, **LOGPROBS, **fields)["logprobs"]["content"]
    [entry] = [entry for entry in entries if entry["token"] == "neutral"]
    return entry, {option["token"]: math.exp(option["logprob"]) for option in entry["top_logprobs"]}


def test_log_probabilities_after_the_schema_are_among_the_labels():
    entry, shares = _at_label(openai_fake.DIALECT, reasoning_effort="none")
    assert shares == pytest.approx({**dict.fromkeys(SEVEN, 0.05), "neutral": 0.7})
    assert math.exp(entry["logprob"]) == pytest.approx(0.7)


@pytest.mark.parametrize("dialect", [llama_cpp.DIALECT, ollama.DIALECT, vllm.OLD])
def test_log_probabilities_before_the_schema_leave_the_label_out(dialect):
    entry, shares = _at_label(dialect)
    assert shares == pytest.approx({"The": 0.4, "a": 0.2, "angry": 0.1, "I": 0.05})
    assert math.exp(entry["logprob"]) == pytest.approx(0.02)


def test_vllm_puts_the_label_first_among_raw_alternatives_and_clamps_processed_ones():
    _, shares = _at_label(vllm.DIALECT)
    assert shares == pytest.approx({"neutral": 0.02, "The": 0.4, "a": 0.2, "angry": 0.1, "I": 0.05})
    entry, _ = _at_label(vllm.PROCESSED)
    assert entry["top_logprobs"][-1]["logprob"] == -9999.0


def test_what_the_grammar_forbids_can_have_a_null_log_probability():
    entries = choice(DIALECTS["sglang"], "null_logprobs", **WITH_SCHEMA, **LOGPROBS)["logprobs"]["content"]
    assert {entry["top_logprobs"][-1]["token"] for entry in entries} == {"Angry"}
    assert {entry["top_logprobs"][-1]["logprob"] for entry in entries} == {None}


@pytest.mark.parametrize("dialect", [lm_studio.DIALECT, openrouter.DIALECT, transformers_serve.DIALECT, ollama.OLD])
def test_some_give_no_log_probabilities_and_say_nothing(dialect):
    assert choice(dialect, **WITH_SCHEMA, **LOGPROBS).get("logprobs") is None


def test_reasoning_eats_the_limit_unless_told_not_to():
    dialect = openai_fake.DIALECT
    status, body = asked(dialect, max_completion_tokens=64, **WITH_SCHEMA)
    assert status == 200
    assert body["choices"][0]["message"]["content"] is None
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 64
    assert choice(dialect, max_completion_tokens=64, reasoning_effort="none")["finish_reason"] == "stop"


def test_reasoning_is_counted_outside_completion_tokens():
    """The five tokens of {"label":"neutral",...} up to the confidence make nine in all: hand-counted."""
    _, body = asked(gemini.DIALECT, **WITH_SCHEMA)
    said = body["choices"][0]["message"]["content"]
    assert said == '{"label":"neutral","confidence":0.8}'  # {" label ": neutral "," confidence ": 0 . 8 }
    usage = body["usage"]
    assert usage["completion_tokens"] == 11
    assert usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"] == gemini.DIALECT.thinks
    usage = asked(gateway.DIALECT, "reasoning_outside")[1]["usage"]
    assert usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"] == 317


def test_a_reply_without_words_lacks_even_its_field_at_gemini():
    cut = choice(gemini.DIALECT, max_tokens=8)
    assert cut["finish_reason"] == "length"
    assert "content" not in cut["message"]
    assert "message" not in choice(gemini.DIALECT, "prohibited")


@pytest.mark.parametrize(
    ("name", "special", "finish", "content"),
    [
        ("sglang", "finish_abort", "abort", '{"label":"ne'),
        ("mistral", "model_length", "model_length", '{"label":"ne'),
        ("litellm", "half_as_stop", "stop", '{"label":"ne'),
        ("openrouter", "inside", "error", '{"label":"ne'),
        ("gemini", "finish_SAFETY", "SAFETY", None),
        ("gateway", "half_null", None, '{"label":"ne'),
        ("lm_studio", "silent_overflow", "stop", ""),
        ("gateway", "fence", "stop", '```json\n{"label": "neutral", "confidence": 0.8}\n```'),
    ],
)  # fmt: skip
def test_finish_reasons_and_wrappings_of_their_own(name, special, finish, content):
    found = choice(DIALECTS[name], special)
    assert (found["finish_reason"], found["message"]["content"]) == (finish, content)


def test_an_error_stands_inside_a_choice_of_a_200():
    assert choice(openrouter.DIALECT, "inside")["error"]["code"] == 502


def test_azure_leaves_the_content_out_of_a_filtered_reply():
    found = choice(azure.DIALECT, "reply_filtered")
    assert found["content_filter_results"]["violence"] == {"filtered": True, "severity": "medium"}
    assert "content" not in found["message"]


def test_mistrals_reasoning_models_answer_in_parts():
    thought, words = choice(mistral.REASONING, **WITH_SCHEMA)["message"]["content"]
    assert thought["type"] == "thinking"
    assert json.loads(words["text"])["label"] == "neutral"


def test_the_gateway_always_sends_a_null_error():
    status, body = asked(gateway.DIALECT, **WITH_SCHEMA)
    assert status == 200
    assert body["error"] is None
    assert body["choices"]


def test_a_special_reply_is_given_to_the_request_of_its_number():
    dialect = openai_fake.DIALECT
    with serve(dialect, {2: "per_minute"}) as server:
        replies = [post(dialect, server) for _ in range(3)]
    assert [status for status, _, _ in replies] == [200, 429, 200]
    assert replies[1][1]["retry-after"] == "1"
    with pytest.raises(KeyError, match="no such special: nonsense"), serve(dialect, "nonsense"):
        pass


@pytest.mark.parametrize("name", DIALECTS)
def test_every_special_can_be_given(name):
    """None of them breaks the fake: aiohttp would say so in plain text."""
    dialect = DIALECTS[name]
    names = sorted(dialect.specials.keys() - {"hang_up", "silence"})
    with serve(dialect, dict(enumerate(names, 1))) as server:
        replies = {special: post(dialect, server, **WITH_SCHEMA)[2] for special in names}
    assert [special for special, text in replies.items() if "Server got itself in trouble" in text] == []


def test_connections_break_and_stall():
    dialect = gateway.DIALECT
    request = {"model": dialect.model, "messages": [message()]}
    with serve(dialect, {1: "hang_up", 2: "silence", 3: "cut"}) as server:
        with pytest.raises(openai.APIConnectionError):
            client(dialect, server).chat.completions.create(**request)
        with pytest.raises(openai.APITimeoutError):
            client(dialect, server, timeout=0.2).chat.completions.create(**request)
        with pytest.raises(json.JSONDecodeError):
            client(dialect, server).chat.completions.create(**request)
    assert len(server.asked) == 3


def test_one_slot_takes_one_request_at_a_time():
    dialect = replace(ollama.DIALECT, slots=1, seconds=0.1)
    with serve(dialect) as server, ThreadPoolExecutor(3) as pool:
        begin = time.monotonic()
        replies = list(pool.map(lambda _: post(dialect, server)[0], range(3)))
        assert time.monotonic() - begin >= 0.3
    assert replies == [200, 200, 200]


def test_a_redirect_names_the_other_address():
    dialect = replace(gateway.DIALECT, specials={"elsewhere": gateway.redirect("http://192.0.2.1/v1")})
    with serve(dialect, "elsewhere") as server:
        own = client(dialect, server, http_client=openai.DefaultHttpxClient(follow_redirects=False))
        with pytest.raises(openai.APIStatusError) as caught:
            own.chat.completions.create(model=dialect.model, messages=[message()])
    assert caught.value.status_code == 307
    assert caught.value.response.headers["location"] == "http://192.0.2.1/v1"


@pytest.mark.parametrize(
    ("name", "special", "fields", "error", "code"),
    [
        ("mistral", "", {"store": False}, openai.UnprocessableEntityError, None),
        ("gemini", "", {"store": False}, openai.BadRequestError, None),
        ("azure", "filtered", {}, openai.BadRequestError, "content_filter"),
        ("openai", "quota", {}, openai.RateLimitError, "insufficient_quota"),
        ("openrouter", "moderated", {}, openai.PermissionDeniedError, "403"),
        ("openrouter", "poor", {}, openai.APIStatusError, "402"),
        ("litellm", "denied", {}, openai.AuthenticationError, "401"),
        ("lm_studio", "blind", {}, openai.BadRequestError, None),
    ],
)
def test_the_client_makes_of_an_error_what_it_can(name, special, fields, error, code):
    """What reaches the project: a number becomes a text, and where the body has no `error` object there is no code."""
    dialect = DIALECTS[name]
    with serve(dialect, special) as server, pytest.raises(error) as caught:
        client(dialect, server).chat.completions.create(model=dialect.model, messages=[message()], **fields)
    assert caught.value.code == code


@pytest.mark.parametrize("name", DIALECTS)
def test_the_client_reads_a_good_reply(name):
    dialect = DIALECTS[name]
    with serve(dialect) as server:
        found = client(dialect, server).chat.completions.create(
            model=dialect.model, messages=[message()], response_format=SCHEMA
        )
    assert "neutral" in found.choices[0].message.content
    assert found.choices[0].finish_reason == "stop"
    assert found.usage.prompt_tokens == 256 + 22


@pytest.mark.parametrize(
    "name",
    ["ollama", "vllm", "llama_cpp", "lm_studio", "sglang", "openrouter", "azure", "gemini", "mistral", "litellm"],
)
def test_the_fakes_serve_what_the_parameter_files_ask_for(name):
    """A file can be run against its fake with nothing changed but the address and the key."""
    values = yaml.safe_load((ROOT / "params" / f"{name}.yaml").read_text(encoding="utf-8"))
    dialect = DIALECTS[name]
    assert values["model"] == dialect.model
    assert urlsplit(values["base_url"]).path == dialect.path
    assert bool(values.get("api_key_env")) == bool(dialect.key)
