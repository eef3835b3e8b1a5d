"""A server that keeps what it is asked, and an environment whose every proxy variable names it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@contextmanager
def listening(answer, status=200, **headers):
    """Its address, and (path, headers) of every request; all are answered alike."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def _any(self):
            seen.append((self.path, dict(self.headers.items())))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_CONNECT = _any

        def log_message(self, *_):
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}", seen
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


@contextmanager
def proxied():
    """The paths that went through the proxy while every variable named it and nothing was exempt."""
    paths = []
    with listening({}) as (url, seen), pytest.MonkeyPatch.context() as patch:
        for name in PROXIES:
            patch.setenv(name, url)
        for name in ("NO_PROXY", "no_proxy"):
            patch.delenv(name, raising=False)
        try:
            yield paths
        finally:
            paths += [path for path, _ in seen]
