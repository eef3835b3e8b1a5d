"""What a server can do with a model: learned once by small requests, remembered beside the archive, and shown.

What is learned decides what is sent, and so the requests' keys. It is therefore never learned anew by itself: that
would make what was paid for unreachable.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pandas as pd

from fer_helpers.annotation import access
from fer_helpers.annotation._probe import OPTIONAL, Capabilities, Probe
from fer_helpers.annotation._video_probe import with_video
from fer_helpers.annotation.archive import Archive
from fer_helpers.prompting import FORMS, content, planning

ASSUMED = Capabilities()


def known(to: access.Access, model: str, archive: Archive) -> Capabilities | None:
    """What was learned of the server before; None if nothing was."""
    if to.base_url in (access.EMBEDDED, access.REPLAY):
        return ASSUMED
    return _read(archive.server(to.base_url, model))


def _read(text: str) -> Capabilities | None:
    """What `remember` kept; the text may come from anybody's archive."""
    try:
        found = Capabilities(**json.loads(text))
    except (ValueError, TypeError):
        return None
    fits = found.form in FORMS and found.limit_field in ("max_completion_tokens", "max_tokens")
    return found if fits and set(found.omitted.split()) <= {*OPTIONAL, content.CLIP_AS_IMAGE} else None


def learn(
    to: access.Access,
    asking: planning.Asking,
    archive: Archive,
    pictures: int = 1,
    again: bool = False,
    video: bool = False,
) -> Capabilities:
    """What the server can do with asking.model: as remembered, or found out by a few requests about a grey square.

    Args:
        to: the server.
        asking: how the run asks, as far as it does not depend on the server.
        archive: beside whose replies it is remembered.
        pictures: most pictures that a request of the run will have.
        again: find out anew although it is known.
        video: requests of the run will have videos.

    Raises:
        EndpointError: it refuses even a plain request with so many pictures, or a video, or any request would fail.
    """
    found = None if again else known(to, asking.model, archive)
    with to.client(retries=1) as client:
        if found is None or pictures > found.pictures:
            probe = Probe(client, to, asking, pictures)
            found = probe.more_pictures(found) if found else probe.run()
            archive.remember(to.base_url, asking.model, json.dumps(asdict(found)))
        if video and not found.video:
            found = with_video(client, to, asking, found)
            archive.remember(to.base_url, asking.model, json.dumps(asdict(found)))
    return found


def of_replay(model: str, archive: Archive, plan: Callable[[Capabilities], pd.DataFrame]) -> Capabilities:
    """What the server could do whose replies an archive holds: that under which most of a plan is answered."""
    remembered = [_read(learned) for _, _, learned in archive.servers(model)]
    candidates = [*filter(None, remembered), *(replace(ASSUMED, form=form) for form in FORMS)]
    return max(candidates, key=lambda one: len(archive.prices(plan(one)["key"].unique())))


def described(found: Capabilities) -> pd.DataFrame:
    """What a server can do, as a table for readers."""
    omitted = [name for name in found.omitted.split() if name != content.CLIP_AS_IMAGE]
    video = "video_url" if content.CLIP_AS_IMAGE not in found.omitted.split() else "image_url"
    rows = {
        "replies asked for by": found.form,
        "JSON schema": found.schema,
        "log-probabilities": found.logprobs,
        "most tokens of a reply sent as": found.limit_field + (f" ({found.limit})" if found.limit else ""),
        "fields left out": " ".join(omitted) or "none",
        "pictures in a request, tried": found.pictures or "",
        **({"videos sent as": video} if found.video else {}),
        "learned": found.learned or "assumed",
    }
    return pd.DataFrame({"what the server does": rows})
