"""`serve --host`: a room of students over real sockets: who gets in, limits, fairness, books, and no token seen."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from types import SimpleNamespace

import aiohttp
import httpx2
import pytest

from fer_helpers import endpoint
from fer_helpers.annotation import Access, Archive, online
from fer_helpers.endpoint import limits, students
from fer_helpers.endpoint import room as rooms
from fer_helpers.errors import AccountError, EndpointError, ListError
from fer_helpers.paths import ROOT
from tests.support.chat import encoded, noise, part, request, schema
from tests.support.command import fer
from tests.support.completions import picture
from tests.support.plans import planned_for

CLASS = [f"student {n:02}" for n in range(30)]
BODY = request(part(encoded(noise(1))), response_format=schema())


class Gate(endpoint.ConstantModel):
    """Looks at no picture before it is opened, and notes in which order it looks."""

    def __init__(self):
        super().__init__()
        self.opened, self.seen = threading.Event(), []

    def read(self, data):
        self.opened.wait(60)
        self.seen.append(data)
        return super().read(data)


@pytest.fixture
def classroom(tmp_path, monkeypatch):
    """An outputs/ of the test's own, and a list of thirty names."""
    monkeypatch.setenv("FER_OUTPUTS", str(tmp_path / "outputs"))
    (tmp_path / "names.txt").write_text("# class 7b\n" + "\n".join(CLASS) + "\n\n", encoding="utf-8")
    return tmp_path / "names.txt"


@pytest.fixture
def clock(monkeypatch):
    """The time by which rates are measured: it stands still, and a second passes with each refusal."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)

    def refuse(*arguments):
        clock.now += 1
        return limits.rate_limited(*arguments)

    monkeypatch.setattr(limits, "time", clock)
    monkeypatch.setattr(rooms, "rate_limited", refuse)


def serve(names, **given):
    tokens = students.tokens_of(names)
    room = endpoint.Room(tokens, students.classroom() / endpoint.BOOKS, endpoint.Limits(**given))
    return tokens, endpoint.serve(model=endpoint.ConstantModel(), host="127.0.0.1", room=room)


def books():
    return endpoint.read_books(students.classroom() / endpoint.BOOKS).set_index("student")


def run(url, n, folder):
    """A student's `n` requests through the project's own client; the key is in CLASS_TOKEN."""
    with Archive(folder / "archive.sqlite") as archive:
        return asyncio.run(online.annotate(planned_for(n), picture, archive, Access(url, "CLASS_TOKEN")))


def post(url, token, body=BODY):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.post(f"{url}/chat/completions", json=body, headers=headers, timeout=60)


# - tokens


def test_tokens_are_made_once_and_only_their_owner_can_read_them(classroom):
    """A second start makes none anew; a new name gets one; a name that is deleted lets nobody in."""
    tokens = students.tokens_of(classroom)
    path = students.classroom() / students.TOKENS
    assert list(tokens) == CLASS
    assert len(set(tokens.values())) == 30
    assert all(len(token) == 16 and token.isalnum() for token in tokens.values())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    classroom.write_text("\n".join([*CLASS[1:], "Zoë"]), encoding="utf-8")
    later = students.tokens_of(classroom)
    assert {name: later[name] for name in CLASS[1:]} == {name: tokens[name] for name in CLASS[1:]}
    assert students.whose(f"Bearer {tokens[CLASS[0]]}", later) is None
    assert students.whose(f"bearer {later['Zoë']}", later) == "Zoë"
    path.chmod(0o644)
    with pytest.raises(ListError, match=r"tokens\.csv can be read by others on this machine: chmod 600 it"):
        students.tokens_of(classroom)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "has no names: write one a line"),
        (b"# nobody\n\n", "has no names"),
        (b"Ana\n ANA \n", "line 2 repeats 'ANA'"),
        (b"Ana\nB\x07\n", "line 2 is no name"),
        (b"Z\xff\n", "is not UTF-8"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_line(classroom, content, problem):
    classroom.write_bytes(content)
    with pytest.raises(ListError, match=problem):
        students.tokens_of(classroom)
    assert not students.classroom().exists()


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "{token}", "Basic {token}", "Bearer {token}x", "Bearer é\udcff"]
)
def test_what_is_no_token_is_nobodys(header):
    assert students.whose(header.format(token="secret"), {"ana": "secret", "ben": "secret2"}) is None


# - who gets in


def test_another_address_without_students_is_refused():
    for host in ("0.0.0.0", "192.168.1.20", "::1", "teacher.example"):
        problem = "without --students FILE, who may ask, only"
        with pytest.raises(EndpointError, match=problem), endpoint.serve(host=host):
            pass
    result = fer("serve", "--host", "0.0.0.0", "--port", "0")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)


def test_a_wrong_token_is_401_everywhere_and_ends_a_run_with_one_line(classroom, tmp_path, monkeypatch):
    tokens, served = serve(classroom)
    monkeypatch.setenv("CLASS_TOKEN", "wrong")
    with served as url:
        for token in ("", "wrong", tokens[CLASS[0]][:-1], tokens[CLASS[0]] + "a"):
            found = post(url, token)
            assert (found.status_code, found.json()["error"]["code"]) == (401, "invalid_api_key")
        for address in ("/models", "/files", "/batches", "/nothing"):
            assert httpx2.get(url + address).status_code == 401
        for address in ("/files", "/batches"):  # others would see them
            found = httpx2.get(url + address, headers={"Authorization": f"Bearer {tokens[CLASS[0]]}"})
            assert found.status_code == 404
            assert found.json()["error"]["message"].endswith("offers /v1/chat/completions, /v1/models.")
        with pytest.raises(AccountError, match="rejected the key: check CLASS_TOKEN"):
            run(url, 3, tmp_path)
    found = books()
    assert found.index.tolist() == [rooms.STRANGER]
    assert found.loc[rooms.STRANGER, "refused"] >= 9


# - limits and books


def test_thirty_students_at_once_and_a_restart(classroom):
    """Eight requests of each: each is answered them all, and the books of both servers have them all."""

    async def all_of(url, tokens):
        async with aiohttp.ClientSession() as session:  # one for all: thirty would take longer to make than to ask

            async def one(token):
                headers = {"Authorization": f"Bearer {token}"}
                async with session.post(f"{url}/chat/completions", json=BODY, headers=headers) as reply:
                    return reply.status

            return await asyncio.gather(*(one(token) for token in tokens.values() for _ in range(8)))

    for total in (8, 16):
        tokens, served = serve(classroom)
        with served as url:
            answered = asyncio.run(all_of(url, tokens))
        assert answered == [200] * 240
        found = books()
        assert found["answered"].to_dict() == dict.fromkeys(CLASS, total)
        assert (found[["refused", "failed"]] == 0).all(axis=None)
    with serve(classroom)[1] as url:
        each = post(url, tokens[CLASS[0]]).json()["usage"]["total_tokens"]
    assert (found["tokens"] == 16 * each).all()
    shown = fer("classroom").output
    assert all(name in shown for name in CLASS)


def test_many_connections_of_one_student_hold_up_no_other(classroom):
    """64 requests of one student wait when five of another come: those are worked on in turn with them, not last."""
    gate, tokens = Gate(), students.tokens_of(classroom)
    room = endpoint.Room(tokens, students.classroom() / endpoint.BOOKS, endpoint.Limits())
    mine, theirs = encoded(noise(2)), encoded(noise(3))

    async def asked(url):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session:

            async def one(name, picture):
                headers = {"Authorization": f"Bearer {tokens[name]}"}
                async with session.post(f"{url}/chat/completions", json=request(part(picture)), headers=headers) as it:
                    return it.status

            async def all_of(name, picture, n):
                tasks = [asyncio.create_task(one(name, picture)) for _ in range(n)]
                while room._under_way[name] < n:
                    await asyncio.sleep(0.01)
                return tasks

            waiting = [*await all_of(CLASS[0], theirs, 64), *await all_of(CLASS[1], mine, 5)]
            gate.opened.set()
            return await asyncio.gather(*waiting)

    with endpoint.serve(model=gate, room=room) as url:
        assert asyncio.run(asked(url)) == [200] * 69
    last = max(at for at, picture in enumerate(gate.seen) if picture == mine)
    assert last < 16


@pytest.mark.usefixtures("clock")
def test_too_many_a_minute_are_429_with_retry_after(classroom):
    tokens, served = serve(classroom, requests_per_minute=60)
    with served as url, httpx2.Client(headers={"Authorization": f"Bearer {tokens['student 03']}"}) as client:
        found = [client.post(f"{url}/chat/completions", json=BODY) for _ in range(63)]
        assert post(url, tokens["student 04"]).status_code == 200
    assert [one.status_code for one in found] == [*[200] * 60, 429, 200, 429]
    assert (found[60].headers["retry-after"], found[60].json()["error"]["code"]) == ("1", "rate_limit_exceeded")


@pytest.mark.usefixtures("clock")
def test_our_client_waits_for_its_rate_and_stops_at_the_cap(classroom, tmp_path, monkeypatch):
    """62 requests where 60 a minute are allowed are all answered, and the books match; then the cap ends a run."""
    tokens, served = serve(classroom, requests_per_minute=60, max_requests=62)
    monkeypatch.setenv("CLASS_TOKEN", tokens["student 05"])
    with served as url:
        answers = run(url, 62, tmp_path)
        assert (answers["status"] == "ok").all()
        found = books().loc["student 05"]
        assert (found["answered"], found["failed"]) == (62, 0)
        assert found["tokens"] == answers["tokens_in"].sum() + answers["tokens_out"].sum()
        assert found["refused"] >= 2
        with pytest.raises(AccountError, match=r"no quota or money left .*quota of 62 requests: ask your teacher"):
            run(url, 63, tmp_path)
    assert books().loc["student 05", "answered"] == 62
    assert not [path for path in tmp_path.glob("archive*") if tokens["student 05"].encode() in path.read_bytes()]


def test_a_killed_server_loses_no_count_and_logs_no_token(classroom, tmp_path):
    """The command itself, on every address of this machine: what it prints says who sees what, and has no token."""
    command = [sys.executable, "-u", "-c", "from fer_helpers.cli import main; main()", "serve", "--host", "0.0.0.0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "FER_OUTPUTS": str(tmp_path / "outputs")}
    with subprocess.Popen(
        [*command, "--port", "0", "--students", classroom], env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path,
    ) as process:  # fmt: skip
        lines = [process.stdout.readline() for _ in range(5)]
        port = int(lines[0].split("/v1")[0].rpartition(":")[2])
        token = students.tokens_of(classroom)["student 07"]
        for _ in range(3):
            assert post(f"http://127.0.0.1:{port}/v1", token).status_code == 200
        with socket.create_connection(("127.0.0.1", port)) as raw:  # what is no HTTP at all
            raw.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer {token}\x00\r\n\r\n".encode())
            raw.recv(1000)
        process.send_signal(signal.SIGKILL)
        said = "".join(lines) + process.stdout.read()
    assert "keeps only counts" in said
    assert "whoever is on this network can read pictures and tokens" in said
    assert not any(one in said for one in students.tokens_of(classroom).values())
    assert books().loc["student 07", "answered"] == 3
