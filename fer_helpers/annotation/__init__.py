"""Step 03: asking a model, online or in batches, and keeping every reply."""

from fer_helpers.annotation import access, batches, books, capabilities, drift, online, plans
from fer_helpers.annotation.access import Access
from fer_helpers.annotation.archive import Archive, Entry
from fer_helpers.annotation.asking import ask, continued
from fer_helpers.annotation.batch_files import Limits
from fer_helpers.annotation.batch_ledger import Ledger

__all__ = [
    "Access",
    "Archive",
    "Entry",
    "Ledger",
    "Limits",
    "access",
    "ask",
    "batches",
    "books",
    "capabilities",
    "continued",
    "drift",
    "online",
    "plans",
]
