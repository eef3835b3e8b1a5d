"""The errors a user can act on; every message names the thing, what was found and the remedy."""


class FerError(Exception):
    """Base of all errors raised on purpose; the command line prints it as one line and exits with 1."""


class ParamsError(FerError):
    """A parameter is unknown, of the wrong type or out of range, or two parameters contradict each other."""


class CorpusError(FerError):
    """A corpus folder or its manifest is missing, empty or wrong."""


class ListError(FerError):
    """A list that a user made (a manifest, imported predictions, votes) is missing, or wrong in some line."""


class EndpointError(FerError):
    """The model's endpoint cannot be used: not answering, no key, unknown model, quota gone, no consent."""


class AccountError(EndpointError):
    """No request to an address can be answered: nobody is there, or its key or account is of no use."""


class BudgetError(FerError):
    """The cap in US$ is reached; what was answered is kept. The command line exits with 3."""


class RunError(FerError):
    """A run's folder lacks a table that an earlier notebook writes, a notebook failed, or the archive is damaged."""


def one_line(error: Exception) -> str:
    """What an exception says, for a table's `reason`: no file name, no line break."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]
