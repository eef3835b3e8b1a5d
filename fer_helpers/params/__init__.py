"""The parameters of a run: one flat set of names for the YAML files and the notebooks, checked at once."""

from fer_helpers.params._checks import flat_yaml, from_text, load, problems_in, validate
from fer_helpers.params._fields import Params

__all__ = ["Params", "flat_yaml", "from_text", "load", "problems_in", "validate"]
