"""Who is asked: local means local, a key belongs to one address, and what the user should know is said beforehand."""

import json
import socket

import pytest

from fer_helpers import params
from fer_helpers.annotation import access
from fer_helpers.annotation.access import Access
from fer_helpers.errors import EndpointError
from fer_helpers.paths import ROOT
from fer_helpers.prompting import planning
from fer_helpers.runs.run import Run
from tests.support.dialects import gateway, mistral, ollama, openrouter, serving
from tests.support.plans import frames_of
from tests.support.proxies import listening, proxied

MODEL = "m"
RUNS = [
    path for path in sorted((ROOT / "params").glob("*.yaml")) if not {"sweep", "each"} & params.flat_yaml(path).keys()
]


def given(base_url, **more):
    model = "fer2013-cnn" if base_url == "embedded" else MODEL
    return params.validate({"base_url": base_url, "model": model, **more})


LISTED = {"object": "list", "data": [{"id": MODEL}]}


def test_nothing_local_goes_through_a_proxy():
    with listening(LISTED) as (url, seen), proxied() as through_it:
        assert access.check(given(url + "/v1"), False) == []
    assert [path for path, _ in seen] == ["/v1/models"]
    assert through_it == []


def test_a_demo_run_sends_a_proxy_nothing(small_outputs):
    """Kernels and all: 82 posts went there, pictures included, and the run ended with nothing scored."""
    assert (small_outputs / "said").is_file()
    assert (small_outputs / "through the proxy").read_text() == ""


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_is_named(status):
    """A local server's 307 carried a picture to another host."""
    with listening(LISTED) as (there, elsewhere), listening({}, status, Location=there + "/v1/models") as (url, _):
        with pytest.raises(
            EndpointError, match=r"redirects to http://127\.0\.0\.1:\d+/v1/models, which was not followed"
        ):
            access.check(given(url + "/v1"), False)
        with Access(url + "/v1").client() as client, pytest.raises(Exception, match=str(status)):
            client.post("/chat/completions", body={}, cast_to=object)
    assert elsewhere == []


SECRETS = {
    "OPENAI_API_KEY": "sk-of-openai",
    "OPENAI_ORG_ID": "org-mine",
    "OPENAI_PROJECT_ID": "proj-mine",
    "OPENAI_ADMIN_KEY": "sk-admin",
    "OPENAI_CUSTOM_HEADERS": "X-Team: blue\nX-Token: t0ken",
}


def test_openais_key_and_headers_go_to_no_other_address(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with listening(LISTED) as (url, seen):
        access.check(given(url + "/v1"), False)
        with Access(url + "/v1").client() as client:
            client.get("/models", cast_to=object)
    words = json.dumps([headers for _, headers in seen])
    assert not [value for value in ("sk-of", "org-mine", "proj-mine", "sk-admin", "blue", "t0ken") if value in words]


def test_openais_own_host_gets_them(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with Access("https://api.openai.com/v1").client() as client:
        headers = client.default_headers | client.auth_headers
    assert headers["Authorization"] == "Bearer sk-of-openai"
    assert headers["OpenAI-Organization"] == "org-mine"


@pytest.mark.parametrize("url", ["https://api.openai.com.example.org/v1", "https://openai.com@example.org/v1"])
def test_a_host_that_only_looks_like_openais_gets_no_key(monkeypatch, url):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    assert Access(url).key == ""


def test_a_key_goes_to_the_address_whose_parameters_name_its_variable(monkeypatch):
    monkeypatch.setenv("MISTRAL_KEY", " “sk-mine”\n")  # as pasted from a page
    with listening(LISTED) as (url, seen):
        access.check(given(url + "/v1", api_key_env="MISTRAL_KEY"), False)
    assert {name.lower(): value for name, value in seen[0][1].items()}["authorization"] == "Bearer sk-mine"


@pytest.mark.parametrize(
    ("value", "message"),
    [("", "set the"), ("sk-a b", "a character that is invalid"), ("sk-ä", "a character that is invalid")],
)
def test_a_key_that_cannot_be_one_is_named_by_its_variable_and_not_shown(monkeypatch, value, message):
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(EndpointError, match=message) as caught:
        access.check(given("http://127.0.0.1:9/v1", api_key_env="MY_KEY"), False)
    assert "MY_KEY" in str(caught.value)
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("embedded", True),
        ("http://127.0.0.1:1234/v1", True),
        ("http://localhost/v1", True),
        ("http://localhost./v1", True),
        ("http://[::1]:80/v1", True),
        ("http://[::ffff:127.0.0.1]/v1", True),
        ("https://api.example.org/v1", False),
        ("http://192.168.1.5/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://localhost@example.org/v1", False),
        ("http://2130706433/v1", False),
    ],
)
def test_what_stays_on_this_machine(url, local):
    assert access.is_local(url) == local


@pytest.mark.parametrize(
    ("url", "more", "allowed", "message"),
    [
        ("https://api.example.org/v1", {}, False, "set allow_upload: true"),
        ("http://192.168.1.5:8000/v1", {"allow_upload": True}, False, "set allow_plain_http: true"),
        ("https://api.openai.com/v1", {}, True, "set the environment variable OPENAI_API_KEY"),
        ("ftp://x", {}, True, "give an http"),
        ("http://0.0.0.0:8000/v1", {}, True, "use 127.0.0.1"),
        ("http://127.0.0.1:9/v1/chat/completions", {}, True, "remove what follows http://127.0.0.1:9/v1"),
        ("https://user:word@example.org/v1", {}, True, "for example.org contains a user"),
        ("https://example.org/v1?key=abc", {}, True, "for example.org contains a user"),
        ("embedded", {"model": "gpt-4o-mini"}, True, "has only fer2013-cnn and facs-rules"),
    ],
)
def test_access_is_refused_before_anything_is_sent(monkeypatch, url, more, allowed, message):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EndpointError, match=message) as caught:
        access.check(given(url, **more), allowed)
    assert "word" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_server_that_is_not_there_is_named():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with pytest.raises(EndpointError, match=f":{port}/v1 does not respond: start the server"):
        access.check(given(f"http://127.0.0.1:{port}/v1"), False)


def test_a_replay_needs_no_key_and_no_network(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert access.check(given("replay"), False) == []


# A list of models is a help, and no more: the first request decides.


@pytest.mark.parametrize(
    "listing",
    [
        {"object": "list", "data": [{"id": "m:latest"}]},
        {"object": "list", "data": []},
        {"object": "list", "data": None},
        {"models": [{"name": "m"}]},
        [{"id": "m"}],
        [],
        {"data": [None, 7, {"id": None}]},
        {},
        "nothing",
    ],
)
def test_a_list_in_any_form_stops_nobody(listing):
    with listening(listing) as (url, _):
        assert access.check(given(url + "/v1"), False) == []


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500, 501, 503])
def test_a_server_without_a_list_stops_nobody(status):
    with listening({"detail": "no"}, status) as (url, _):
        assert access.check(given(url + "/v1"), False) == []


@pytest.mark.parametrize("dialect", [ollama.DIALECT, mistral.DIALECT, openrouter.DIALECT, gateway.DIALECT])
def test_the_lists_of_servers_people_use_stop_nobody(monkeypatch, dialect):
    monkeypatch.setenv("A_KEY", dialect.key or "sk-any")
    with serving.serve(dialect) as served:
        said = access.check(given(served.base_url, model=dialect.model, api_key_env="A_KEY"), False)
    assert said == []


def test_a_model_that_is_not_listed_is_warned_of():
    with listening({"data": [{"id": "other"}]}) as (url, _):
        assert access.check(given(url + "/v1"), False) == [
            "'m' is not in the server's list of models (other): a first request will show if it is served."
        ]


@pytest.mark.parametrize("date", [1799884800, "2027-01-14"])
def test_a_model_about_to_be_shut_down_is_warned_of(date):
    with listening({"data": [{"id": MODEL, "shutdown_date": date}]}) as (url, _):
        assert "is shut down on 2027-01-14" in access.check(given(url + "/v1"), False)[0]


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_every_shipped_file_can_be_planned(path, tmp_path):
    """Tokens, and a price for every hosted model: a model nobody priced would be asked blindly."""
    run = Run(tmp_path, params.load(path))
    planned = planning.plan(frames_of({"a": 5}), run.params.strategies, run.params.taxonomies, run.asking())
    assert len(planned) == planned["key"].nunique() > 0
    assert planned["tokens_in"].gt(0).all()
    if not access.is_local(run.params.base_url):
        assert planned["cost_usd"].notna().all()
