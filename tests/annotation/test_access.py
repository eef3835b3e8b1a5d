"""Who is asked: what a server can do is found out, and what the user should know is said beforehand."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fer_helpers import endpoint, params
from fer_helpers.annotation import access
from fer_helpers.errors import EndpointError
from fer_helpers.paths import ROOT
from fer_helpers.prompting import planning
from fer_helpers.prompting.planning import Asking
from fer_helpers.runs.run import Run
from tests.support.plans import frames_of

MODEL = "m"
ASKING = Asking(MODEL)


@contextmanager
def server(refuses=(), passes_over=(), **model):
    """A server that answers 400 to the settings it `refuses` and takes no notice of those it `passes_over`."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def _send(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self):
            self._send(200, {"object": "list", "data": [{"id": MODEL, "object": "model", **model}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            if set(refuses) & body.keys():
                self._send(400, {"error": {"message": f"unknown setting {refuses[0]}", "code": None}})
                return
            schema = "response_format" in body and "response_format" not in passes_over
            choice = {"index": 0, "finish_reason": "stop"}
            choice["message"] = {"role": "assistant", "content": '{"label":"neutral"}' if schema else "It is neutral."}
            if "logprobs" in body and "logprobs" not in passes_over:
                choice["logprobs"] = {"content": [{"token": "neutral", "logprob": 0.0, "top_logprobs": []}]}
            self._send(200, {"id": "x", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]})

        def log_message(self, *_):
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}/v1", asked
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("refuses", "passes_over", "form", "requests_sent"),
    [
        ((), (), "schema+logprobs", 1),
        (("logprobs",), (), "schema", 2),
        (("response_format",), (), "logprobs", 3),
        (("response_format", "logprobs"), (), "text", 4),
        ((), ("logprobs",), "schema", 1),
        ((), ("response_format",), "logprobs", 1),
        ((), ("response_format", "logprobs"), "text", 1),
        (("logprobs",), ("response_format",), "text", 2),
    ],
)
def test_what_a_server_can_do_is_found_out(refuses, passes_over, form, requests_sent):
    """Servers refuse what they do not know, or take it and do nothing; the latter shows only in the reply."""
    with server(refuses, passes_over) as (url, asked):
        assert access.probe(url, ASKING) == form
        assert len(asked) == requests_sent


def test_a_server_that_takes_no_pictures_is_named():
    with server(refuses=("messages",)) as (url, _), pytest.raises(EndpointError, match="refuses a request with a"):
        access.probe(url, ASKING)


def test_the_probe_is_no_face():
    """A grey square: nobody's picture leaves the machine before the plan was seen."""
    with server() as (url, asked):
        access.probe(url, ASKING)
    picture = asked[0]["messages"][0]["content"][1]["image_url"]["url"]
    assert len(picture) < 1200


def test_the_embedded_endpoint_does_what_is_assumed_of_it():
    with endpoint.serve() as url:
        assert access.probe(url, Asking(endpoint.MODEL)) == access.probe("embedded", Asking(endpoint.MODEL))


@pytest.mark.parametrize("date", [1799884800, "2027-01-14"])
def test_a_model_about_to_be_shut_down_is_warned_of(date):
    with server(shutdown_date=date) as (url, _):
        assert "is shut down on 2027-01-14" in access.check_access(url, MODEL, True, False)[0]
    with server() as (url, _):
        assert access.check_access(url, MODEL, True, False) == []


def test_a_replay_needs_no_key_and_no_network(monkeypatch):
    monkeypatch.delenv(access.KEY_VARIABLE, raising=False)
    assert access.check_access("replay", "gpt-4o-mini", False, False) == []


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_file_can_be_planned(path, tmp_path):
    """Tokens, and a price for every hosted model: a model nobody priced would be asked blindly."""
    run = Run(tmp_path, params.load(path))
    planned = planning.plan(frames_of({"a": 5}), run.params.strategies, run.params.taxonomies, run.asking())
    assert len(planned) == planned["key"].nunique() > 0
    assert planned["tokens_in"].gt(0).all()
    if not access.is_local(run.params.base_url):
        assert planned["cost_usd"].gt(0).all()
        assert run.params.allow_upload is False
