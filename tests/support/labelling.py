"""The labelling view in a page, and its Python beside the test: messages pass between the two as they are."""

import base64
import secrets

import pandas as pd

from fer_helpers import tables
from fer_helpers.explorer import LabellingView
from tests.support.explorer_runs import make_run
from tests.support.jupyter import WAIT

SECRET = "stratum-of-the-model"  # what must not be seen where people label
ADDRESS = "http://127.0.0.1:9/labelling"  # nothing is there: the test answers
_EMPTY = "<!doctype html><html lang=en><title>labelling</title><body></body></html>"
_PAGE = """async ([module, style, labels, python]) => {
  const sheet = document.createElement("style");
  sheet.textContent = `:root { color-scheme: light dark } ${style}`;
  document.head.append(sheet);
  const place = document.body.appendChild(document.createElement("main")).appendChild(document.createElement("div"));
  const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
  const listeners = [];
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const model = {
    get: (name) => ({ _labels: labels })[name],
    on: (_, listener) => listeners.push(listener),
    off: () => {},
    send: async (message) => {
      for (const [content, buffers] of await window[python](message)) {
        for (const listener of listeners) listener(content, buffers.map(bytes));
      }
    },
  };
  (await import(url)).default.render({ model, el: place });
}"""


def drawn_run(folder, n_drawn=40, queue="core", stratum=SECRET, **more):
    """A run of noise with two thirds of its clips drawn for `queue`, in an order that is not the clips'."""
    run = make_run(folder, n_drawn * 3 // 2, n_frames=2, **more)
    ids = run.read("clips")["clip_id"].sample(frac=1, random_state=3)
    about = {"seed": 1, "taxonomy": run.params.taxonomies[0], "annotator": SECRET, "label": None}
    rows = pd.DataFrame({"clip_id": ids, "queue": queue, "stratum": stratum, "probability": 0.618034, **about})
    rows["order"] = pd.array([*range(n_drawn), *[None] * (len(rows) - n_drawn)], dtype="Int64")
    rows.sample(frac=1, random_state=4).to_parquet(run.folder / "draws.parquet")
    tables.write("scores", tables.empty("scores"), run.folder)
    return run


def order_of(run):
    """The clips drawn, in the order of labelling."""
    rows = pd.read_parquet(run.folder / "draws.parquet").dropna(subset="order")
    return rows.sort_values("order")["clip_id"].tolist()


def open_view(page, run, queue="core"):
    """A labelling view in `page`; returns all that passed between page and Python: messages, and what they brought."""
    view, traffic = LabellingView(run, queue), []

    def python(message):
        sent = []
        view.send = lambda content, buffers=(): sent.append(
            [content, [base64.b64encode(one).decode() for one in buffers]]
        )
        view._receive(None, message, [])
        traffic.append((message, sent))
        return sent

    name = f"python{secrets.token_hex(4)}"  # a page that is loaded again gets another view
    page.expose_function(name, python)
    page.route(ADDRESS, lambda route: route.fulfill(content_type="text/html", body=_EMPTY))
    page.goto(ADDRESS)
    page.evaluate(_PAGE, [str(view._esm), str(view._css), view._labels, name])
    return traffic


def enter(page, name):
    page.get_by_test_id("fer-reviewer").fill(name)
    page.keyboard.press("Enter")
    page.get_by_test_id("fer-desk").wait_for(timeout=WAIT)


def progress(page):
    return page.get_by_test_id("fer-progress").text_content()


def press(page, *keys):
    """Keys, each after the page has the clip that it is for."""
    busy = page.locator(".fer-labelling[aria-busy]")  # the served page's policy lets nothing be evaluated in it
    for key in keys:
        busy.wait_for(state="detached", timeout=WAIT)
        page.keyboard.press(key)
    busy.wait_for(state="detached", timeout=WAIT)
