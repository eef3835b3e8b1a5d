"""The endpoint with faults on purpose: served, its books read, and the name it gives a request."""

import base64
import json
from hashlib import sha256
from urllib.request import urlopen

import numpy as np

from fer_helpers import endpoint
from fer_helpers.endpoint import faults, faulty
from fer_helpers.prompting import planning
from tests.support.plans import planned_for


class ByPicture:
    """A model whose answer depends on the picture's bytes, so that an answer given to another request shows."""

    def read(self, data):
        chosen = sha256(data).digest()[0] % 7
        return np.array([0.88 if number == chosen else 0.02 for number in range(7)]), (224, 224)


def served(plan):
    return endpoint.serve(faults=plan, model=ByPicture())


def books(url):
    with urlopen(url.removesuffix("/v1") + faulty.BOOKS) as reply:
        return json.load(reply)


def data_url(text):
    return "data:image/jpeg;base64," + base64.b64encode(text.encode()).decode()


_ROW = planned_for(1).iloc[0]


def body(text="a"):
    """What annotation sends for a picture whose bytes are `text`."""
    return planning.body_of(_ROW, [data_url(text)])


def named(text="a"):
    return faults.digest(json.dumps(body(text)).encode())
