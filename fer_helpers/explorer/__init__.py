"""The interactive confusion matrix: in JupyterLab, in Voila and in a file."""

from fer_helpers.explorer.explorer import ConfusionExplorer

__all__ = ["ConfusionExplorer"]
