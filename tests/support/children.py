"""Processes of their own that serve and annotate, to be killed by a test; importable, so that they can be forked."""

import asyncio
import threading
import time

import numpy as np

from fer_helpers import endpoint
from fer_helpers.annotation import Access, online
from fer_helpers.annotation import _progress as progress
from fer_helpers.annotation import _transport as transport
from fer_helpers.annotation.archive import Archive
from fer_helpers.endpoint.model import ConstantModel
from fer_helpers.media import mp4


def serve(address, faults, seconds):
    """The endpoint's process: puts its URL into the queue `address`, and serves until it is killed."""
    with endpoint.serve(faults=faults, model=ConstantModel()) as url:
        address.put(url)
        time.sleep(seconds)


def annotate(url, path, planned, concurrency):
    """The annotating process; a picture is the name of its clip, and every video the same."""
    transport._backoff = lambda _: 0.01
    progress.tqdm.set_lock(threading.RLock())  # tqdm's own is shared between processes, and a kill would leak it
    video = mp4([(0, np.zeros((16, 16, 3), np.uint8))], 16).data
    with Archive(path) as archive:
        picture = lambda clip_id, index: video if index is None else clip_id.encode()  # noqa: E731
        asyncio.run(online.annotate(planned, picture, archive, Access(url), max_concurrency=concurrency))
