"""The second embedded annotator: crude rules on action units, read off facial landmarks; trained on no expressions.

MediaPipe's face mesh finds 468 landmarks (Kartynnik et al. 2019, arXiv 1907.06724); distances between them, compared
with a face at rest, stand for action units, and the prototype of EMFACS (Friesen & Ekman 1983) that fits them best
gives the label. The face at rest and the size of the movements are round figures set by hand, fitted to nothing. One
picture does not show how a person looks at rest, so that low brows or full lips are taken for expressions; furrows are
not seen at all.
"""

from __future__ import annotations

from hashlib import sha256

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint.model import FaceReader
from fer_helpers.endpoint.weights import FACE_MESH

RULES = "facs-rules"
VERSION = "1"  # raise it when the crop, a measure or a rule changes
FINGERPRINT = "fp_" + sha256(f"{FACE_MESH.sha256} {VERSION}".encode()).hexdigest()[:10]

_SIDE = 192  # pixels of the network's picture
_AROUND = 1.5  # that picture's side in sides of the face's box: MediaPipe's own choice
_EYES = (33, 263)  # outer corners of the eyes, viewer's left and right

# Of a face at rest, in distances between the outer corners of the eyes; heights are above the line between them. Round
# figures of adults: some 90 mm between those corners, eyes open 11 mm, mouths 51 mm wide, lips and upper lip 15 mm.
AT_REST = {
    "inner brow": 0.20, "outer brow": 0.19, "between brows": 0.285, "eye opening": 0.12, "nose": 0.46,
    "upper lip": 0.16, "lips": 0.16, "mouth width": 0.57, "mouth corner": 0.01, "mouth opening": 0.02,
}  # fmt: skip

# What shows an action unit: a measure, and how far it moves at full strength.
MOVES = {
    1: ("inner brow", 0.08), 2: ("outer brow", 0.06), 5: ("eye opening", 0.03), 7: ("eye opening", -0.03),
    9: ("nose", -0.05), 10: ("upper lip", -0.04), 12: ("mouth corner", 0.08), 15: ("mouth corner", -0.04),
    20: ("mouth width", 0.10), 23: ("lips", -0.05), 26: ("mouth opening", 0.18),
}  # fmt: skip
# AU 4 lowers the brow or, against AU 1, draws it inwards.
FROWN = (("inner brow", -0.06), ("between brows", -0.03))
SMILE_TOO = (9, 10, 20, 23)  # a smile widens the mouth, thins the lips and lifts the cheeks by itself

# EMFACS prototypes as far as landmarks show them: 7 stands for 6 and 7, 26 for 16, 25 and 26, 23 for 23 and 24.
# Strengths below 1 are of units that often come along.
PROTOTYPES: dict[str, dict[int, float]] = {
    "angry": {4: 1, 7: 1, 23: 1},
    "disgust": {9: 1, 15: 1, 10: 0.5, 26: 0.25},
    "fear": {1: 1, 2: 1, 5: 1, 20: 1, 26: 1, 4: 0.5},
    "happy": {7: 1, 12: 1, 26: 0.5},
    "neutral": {},
    "sad": {1: 1, 15: 1, 4: 0.5},
    "surprise": {1: 1, 2: 1, 5: 1, 26: 1},
}
_UNITS = sorted({4, *MOVES})
_TEMPLATES = np.array([[PROTOTYPES[label].get(unit, 0.0) for unit in _UNITS] for label in SEVEN])
_FAINTEST = 0.3  # strength below which an expression is no expression
_SPREAD = 0.5  # standard deviation of an action unit's strength about its prototype's


def measures(points: np.ndarray) -> dict[str, float]:
    """The distances of `AT_REST` from landmarks, (468, 2) in pixels, of a face at any size and roll."""
    across = points[_EYES[1]] - points[_EYES[0]]
    size = float(np.hypot(*across))
    right, down = across / size, np.array([-across[1], across[0]]) / size
    upright = (points - points[list(_EYES)].mean(0)) @ np.stack([right, down], 1) / size

    def height(*at: int) -> float:
        return -float(upright[list(at), 1].mean())

    def apart(*pairs: tuple[int, int]) -> float:
        return float(np.mean([np.hypot(*(upright[a] - upright[b])) for a, b in pairs]))

    return {
        "inner brow": height(55, 107, 285, 336),
        "outer brow": height(46, 70, 105, 276, 300, 334),
        "between brows": apart((55, 285)),
        "eye opening": apart((159, 145), (386, 374)),
        "nose": apart((133, 98), (362, 327)),
        "upper lip": height(2) - height(0),
        "lips": apart((0, 13)) + apart((14, 17)),
        "mouth width": apart((61, 291)),
        "mouth corner": height(61, 291) - height(13, 14),
        "mouth opening": apart((13, 14)),
    }


def strengths(found: dict[str, float]) -> dict[int, float]:
    """Strength 0..1 of each action unit of `MOVES`, and of 4, from `measures`."""

    def moved(measure: str, full: float) -> float:
        return float(np.clip((found[measure] - AT_REST[measure]) / full, 0, 1))

    units = {unit: moved(*how) for unit, how in MOVES.items()} | {4: max(moved(*how) for how in FROWN)}
    return units | {unit: units[unit] * (1 - units[12]) for unit in SMILE_TOO}


def probabilities(units: dict[int, float]) -> np.ndarray:
    """Probabilities over SEVEN, shape (7,): how near each prototype, at the strength that fits it best, comes.

    Normal errors of equal spread about the prototype, and each label as likely as any other beforehand.
    """
    seen = np.array([units[unit] for unit in _UNITS])
    lengths = (_TEMPLATES**2).sum(1)
    fits = np.clip(_TEMPLATES @ seen / np.maximum(lengths, 1), _FAINTEST, 1)
    distances = ((seen - fits[:, None] * _TEMPLATES) ** 2).sum(1)
    likely = np.exp(-(distances - distances.min()) / (2 * _SPREAD**2))
    return likely / likely.sum()


class ActionUnitModel(FaceReader):
    """Seven-class probabilities for pictures of faces by rules; may be called from several threads at once.

    Raises:
        EndpointError: if the landmark network's weights are not there and cannot be fetched.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weights = str(FACE_MESH.path())

    def read_face(self, grey: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
        """Probabilities of the face in `box` of a grey picture; those of a face at rest where the network sees none."""
        points, score = self.landmarks(grey, box)
        return probabilities(strengths(measures(points)) if score > 0 else dict.fromkeys(_UNITS, 0.0))

    def landmarks(self, grey: np.ndarray, box: tuple[int, int, int, int]) -> tuple[np.ndarray, float]:
        """Landmarks, (468, 2) in pixels of the picture, and the network's score: above 0 for a face.

        Two looks: the second turns the face upright and fits the picture to what the first has found.
        """
        left, top, width, height = box
        centre, side, angle = np.array([left + width / 2, top + height / 2]), _AROUND * max(width, height), 0.0
        for _ in range(2):
            into = cv2.getRotationMatrix2D(centre.tolist(), angle, _SIDE / side)
            into = into + np.column_stack([np.zeros((2, 2)), _SIDE / 2 - centre])
            small = cv2.warpAffine(grey, into, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
            found, score = self._network_says(np.repeat(small[..., None], 3, 2))
            back = cv2.invertAffineTransform(into)
            points = found @ back[:, :2].T + back[:, 2]
            low, high = points.min(0), points.max(0)
            across = points[_EYES[1]] - points[_EYES[0]]
            centre, side = (low + high) / 2, _AROUND * max(8.0, float((high - low).max()))
            angle = float(np.degrees(np.arctan2(across[1], across[0])))
        return points, score

    def _network_says(self, small: np.ndarray) -> tuple[np.ndarray, float]:
        if not hasattr(self._own, "mesh"):
            plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # the same numbers on every machine
            mesh = Interpreter(self._weights, num_threads=1, experimental_op_resolver_type=plain)
            mesh.allocate_tensors()
            self._own.mesh = mesh
        mesh = self._own.mesh
        mesh.set_tensor(mesh.get_input_details()[0]["index"], small[np.newaxis].astype(np.float32) / 255)
        mesh.invoke()
        points, score = (mesh.get_tensor(output["index"]) for output in mesh.get_output_details())
        return points.reshape(468, 3)[:, :2].astype(float), float(score.ravel()[0])
