"""What errors mean, from bodies as servers send them: the request's, the account's, the moment's."""

import json

import httpx2
import openai
import pytest

from fer_helpers.annotation import _failures
from fer_helpers.annotation._failures import BadReply, judge, said


def error(status, body, **headers):
    """An error as the client raises it; `body` is JSON, or text as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    request = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")
    response = httpx2.Response(status, text=text, headers=headers, request=request)
    return openai.APIStatusError("Error code", response=response, body=None)


def openai_body(message, code=None, kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (openai_body("no such model"), "no such model"),
        ({"detail": "Not a picture"}, "Not a picture"),
        ({"detail": [{"loc": ["body", "store"], "msg": "Extra inputs"}]}, '[{"loc": ["body", "store"], "msg": "Extra'),
        ([{"error": {"code": 400, "message": "Invalid JSON payload", "status": "INVALID_ARGUMENT"}}], "Invalid JSON"),
        ({"error": "model not loaded"}, "model not loaded"),
        ({"message": "rate limited"}, "rate limited"),
        ({"error": {"message": "Provider error", "metadata": {"raw": "upstream says no"}}}, "(upstream says no)"),
        ("<html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"),
        ("plain\n text", "plain text"),
        ("", "status 400"),
        ("[" * 5000, "[["),
        ({"error": None}, "error"),
        ({"error": {"message": None, "code": 7}}, "code"),
    ],
)
def test_what_a_server_says_is_found_whatever_its_form(body, words):
    found, _ = said(error(400, body))
    assert words in found
    assert "\n" not in found
    assert len(found) <= 500


@pytest.mark.parametrize(
    ("status", "words", "code", "kind"),
    [
        (400, "Unsupported value", "unsupported_value", "request"),
        (400, "This model's maximum context length is 8192 tokens", "context_length_exceeded", "request"),
        (400, "Billing hard limit has been reached", "billing_hard_limit_reached", "account"),
        (400, "Your credit balance is too low to access the API", None, "account"),
        (400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", "account"),
        (400, "Your input image may contain content that is not allowed by our safety system", None, "request"),
        (401, "anything", None, "account"),
        (402, "anything", None, "account"),
        (403, "Your input was flagged", None, "request"),
        (403, "Request blocked", None, "request"),
        (403, "Your account has been deactivated", None, "account"),
        (403, "Country, region, or territory not supported", None, "account"),
        (404, "no such model", None, "account"),
        (307, "", None, "account"),
        (408, "", None, "transient"),
        (413, "Payload too large", None, "request"),
        (422, "bad field", None, "request"),
        (429, "Rate limit reached on tokens per min", "rate_limit_exceeded", "limited"),
        (429, "slow down", None, "limited"),
        (429, "Request too large for m on tokens per min", "rate_limit_exceeded", "request"),
        (429, "Rate limit reached on requests per day (RPD)", "rate_limit_exceeded", "account"),
        (429, "You exceeded your current quota, check your plan and billing details", "insufficient_quota", "account"),
        (429, "You exceeded your current quota. quotaId: GenerateRequestsPerMinutePerProject", None, "limited"),
        (429, "You exceeded your current quota. quotaId: GenerateRequestsPerDayPerProject", None, "account"),
        (500, "The server had an error", None, "transient"),
        (500, "image input is not supported - hint: mmproj", None, "request"),
        (503, "Loading model", None, "transient"),
        (529, "overloaded", None, "transient"),
    ],
)
def test_what_is_true_of_the_request_the_account_or_the_moment(status, words, code, kind):
    assert judge(error(status, openai_body(words, code))).kind == kind


def test_failures_of_one_cause_have_one_sign():
    """Signs tell whether many requests failed alike."""
    one, two = (judge(error(500, openai_body("down", "boom"))).sign for _ in range(2))
    assert one == two != judge(error(502, openai_body("down", "boom"))).sign


def test_a_time_out_may_have_been_billed_and_is_told_from_a_server_that_is_gone():
    late = openai.APITimeoutError(request=httpx2.Request("POST", "http://127.0.0.1/"))
    late.__cause__ = httpx2.ReadTimeout("late")
    failure = judge(late)
    assert (failure.kind, failure.lost, failure.timed_out) == ("transient", True, True)
    gone = openai.APIConnectionError(request=httpx2.Request("POST", "http://127.0.0.1/"))
    gone.__cause__ = httpx2.ConnectError("refused")
    assert judge(gone).kind == "account"


def test_a_certificate_that_is_not_trusted_is_named():
    """It was taken for a server that does not answer."""
    wrong = openai.APIConnectionError(request=httpx2.Request("POST", "https://127.0.0.1/"))
    wrong.__cause__ = httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    assert _failures.untrusted(wrong)
    assert judge(wrong).kind == "account"


@pytest.mark.parametrize(
    ("status", "kind"), [(None, "transient"), (429, "limited"), (402, "account"), (502, "transient")]
)
def test_an_error_inside_a_200_means_what_its_code_does(status, kind):
    assert judge(BadReply("no", "{}", status)).kind == kind
