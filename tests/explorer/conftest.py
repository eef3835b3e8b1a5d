"""The page that the explorer is driven in."""

import pytest


@pytest.fixture
def page(browser, request):
    """A page whose errors, requests and executed hostile text fail the test."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 1100}} | getattr(request, "param", {}))
    page = context.new_page()
    errors, outside = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda sent: outside.append(sent.url))
    page.on("dialog", lambda dialog: (errors.append("dialog"), dialog.dismiss()))
    yield page
    hacked = page.evaluate("window.hacked")
    context.close()
    assert errors == []
    assert hacked is None
    own = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:")
    icons = "https://cdn.jsdelivr.net/npm/@fortawesome/"  # Voila's page asks for them; its policy refuses
    assert [url for url in outside if not url.startswith((*own, icons))] == []
