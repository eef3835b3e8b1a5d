"""The second embedded annotator: distances by hand, rules by hand, and a drawn smile through the official client."""

from __future__ import annotations

import json
import math

import cv2
import numpy as np
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers import endpoint
from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint import action_units
from fer_helpers.endpoint.weights import FACE_MESH
from tests.support.chat import encoded, noise, part, request, schema

AT_REST = dict.fromkeys([4, *action_units.MOVES], 0.0)


def face(**moved: tuple[float, float]) -> np.ndarray:
    """Landmarks with 100 pixels between the eyes' corners, where a few points lie as said and the rest at (50, 60)."""
    points = np.full((468, 2), (50.0, 60.0))
    points[33], points[263] = (0, 0), (100, 0)
    for name, place in moved.items():
        points[int(name.removeprefix("p"))] = place
    return points


def test_distances_are_in_units_of_the_eyes() -> None:
    brows = dict.fromkeys(("p55", "p107", "p285", "p336"), (50.0, -20.0))
    corners = {"p61": (20.0, 52.0), "p291": (80.0, 52.0)}
    found = action_units.measures(face(**brows, **corners, p13=(50, 58), p14=(50, 62), p2=(50, 30), p0=(50, 46)))
    assert found["inner brow"] == pytest.approx(0.20)
    assert found["mouth width"] == pytest.approx(0.60)
    assert found["mouth corner"] == pytest.approx(0.08)  # the lips meet at 60, the corners are at 52
    assert found["mouth opening"] == pytest.approx(0.04)
    assert found["upper lip"] == pytest.approx(0.16)


@given(st.floats(0.2, 5), st.floats(-60, 60), st.floats(-300, 300), st.floats(-300, 300))
def test_size_roll_and_place_make_no_difference(size: float, roll: float, x: float, y: float) -> None:
    points = face(p61=(20, 52), p291=(80, 50), p55=(42, -18), p107=(40, -20))
    turn = cv2.getRotationMatrix2D((0, 0), roll, size)
    moved = points @ turn[:, :2].T + (x, y)
    assert action_units.measures(moved) == pytest.approx(action_units.measures(points), abs=1e-9)


def test_strengths_by_hand() -> None:
    smile = action_units.AT_REST | {"mouth corner": 0.05, "mouth width": 0.62, "inner brow": 0.17}
    found = action_units.strengths(smile)
    assert found[12] == pytest.approx(0.5)  # (.05 - .01) / .08
    assert found[20] == pytest.approx(0.25)  # (.62 - .57) / .10, of which the smile explains half
    assert found[4] == pytest.approx(0.5)  # (.17 - .20) / -.06
    assert action_units.strengths(action_units.AT_REST) == AT_REST


def test_a_face_at_rest_is_neutral_by_the_distances_to_the_prototypes() -> None:
    """The faintest surprise is .3 in four units: 4 x .09 away, so exp(-.36 / .5) as likely as neutral."""
    found = dict(zip(SEVEN, action_units.probabilities(AT_REST), strict=True))
    assert max(found, key=found.__getitem__) == "neutral"
    assert found["surprise"] / found["neutral"] == pytest.approx(math.exp(-0.72))


@pytest.mark.parametrize("label", [label for label in SEVEN if label != "neutral"])
def test_each_prototype_at_full_strength_is_its_label(label: str) -> None:
    found = action_units.probabilities(AT_REST | action_units.PROTOTYPES[label])
    assert SEVEN[int(found.argmax())] == label
    assert found.sum() == pytest.approx(1)


def test_it_answers_by_its_name_beside_the_other(drawn_smile: bytes) -> None:
    body = request(part(drawn_smile), response_format=schema()) | {"model": action_units.RULES}
    with endpoint.serve() as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        reply = client.chat.completions.create(**body)
        assert reply.model == action_units.RULES
        assert reply.system_fingerprint == action_units.FINGERPRINT != endpoint.FINGERPRINT
        assert json.loads(reply.choices[0].message.content)["label"] == "happy"
        description = client.models.retrieve(action_units.RULES).description  # type: ignore[attr-defined]
        assert "trained on no expressions" in description


def test_where_there_is_no_face_it_says_what_it_says_of_one_at_rest() -> None:
    rules = action_units.ActionUnitModel()
    assert rules.predict(noise(1)) == pytest.approx(action_units.probabilities(AT_REST))


def test_the_landmark_weights_are_the_pinned_ones() -> None:
    assert FACE_MESH.path().stat().st_size == 1_242_398


@pytest.fixture(scope="module")
def drawn_smile() -> bytes:
    from fer_helpers.corpora.demo.renderer import Identity, Light, Pose, render

    return encoded(render({6: 1.0, 12: 1.0, 25: 0.6}, Identity(seed=3), Pose(), Light()))
