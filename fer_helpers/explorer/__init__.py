"""Step 05: the interactive confusion matrix as a widget, a page served by Voila, and a file; marks on clips."""

from fer_helpers.explorer import marks, serve
from fer_helpers.explorer.widget import ConfusionExplorer

__all__ = ["ConfusionExplorer", "marks", "serve"]
