"""The labelling view as a widget: one clip at a time from a drawn queue, without anything that a model said."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from fer_helpers.explorer._assets import LABELLING, joined
from fer_helpers.explorer._desk import Desk
from fer_helpers.runs import Run

_STILL = "<p>Clips are labelled in a running kernel: run this cell, or <code>fer-helpers label</code>.</p>"


class LabellingView(anywidget.AnyWidget):
    """One clip at a time from a drawn queue: its key frames play, and a key or button gives it a label.

    What the browser is told, and what is kept, is the `Desk`'s; no picture is part of the widget's state.

    Args:
        run: a run with key frames, of which clips were drawn.
        queue: "core", "audit" or "worklist".

    Raises:
        RunError: there is no such queue, nothing was drawn for it, or there is no frames table.
    """

    _esm = joined(*LABELLING)
    _css = joined("explorer.css", "labelling.css")
    _labels: traitlets.List = traitlets.List().tag(sync=True)

    def __init__(self, run: Run, queue: str) -> None:
        self.desk = Desk(run, queue)
        super().__init__(_labels=self.desk.labels)
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return f"LabellingView({self.desk.queue}, {len(self.desk.clips)} clips)"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """With a sentence for viewers without widgets."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle:
            bundle[0]["text/html"] = _STILL
        return bundle

    def _receive(self, _: Any, message: Any, __: Any) -> None:
        content, pictures = self.desk.reply(message)
        self.send(content, buffers=pictures)
