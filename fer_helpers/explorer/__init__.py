"""Step 05: the confusion matrix to click in, as widget, served page and file; reviewers' marks; the labelling view."""

from fer_helpers.explorer import marks, page, serve
from fer_helpers.explorer.labelling import LabellingView
from fer_helpers.explorer.widget import ConfusionExplorer

__all__ = ["ConfusionExplorer", "LabellingView", "marks", "page", "serve"]
