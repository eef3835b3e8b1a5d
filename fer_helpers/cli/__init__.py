"""The command line, `fer-helpers`; each command a few lines."""

from fer_helpers.cli import archives, batches, runs
from fer_helpers.cli._base import main

__all__ = ["archives", "batches", "main", "runs"]
