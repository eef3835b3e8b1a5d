"""Another folder in the place of outputs/."""

import contextlib

import pytest


@contextlib.contextmanager
def outputs_in(folder):
    """Until the block ends, outputs/ is `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_OUTPUTS", str(folder))
        yield folder
