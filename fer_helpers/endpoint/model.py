"""How faces are found, and the first embedded annotator: from the bytes of pictures to probabilities.

It is a supervised network trained on FER2013 and applied to other data, a cross-corpus baseline. It is not
a vision-language model: it does not read the prompt, and its numbers say nothing about one.
"""

from __future__ import annotations

import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image

from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint.weights import FER2013

MODEL = "fer2013-cnn"
VERSION = "2"  # raise it when the crop, the scaling or the pooling changes
FINGERPRINT = "fp_" + sha256(f"{FER2013.sha256} {VERSION}".encode()).hexdigest()[:10]
MAX_PIXELS = 50_000_000
FLOOR = 1e-6
REMEMBERED = 100_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # what OpenAI takes

_OUTPUTS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # the network's own order
_TO_SEVEN = [_OUTPUTS.index(emotion) for emotion in SEVEN]
_DETECT_SIDE = 320  # longer side, pixels, of the copy in which the face is looked for
_SMALLEST_FACE = 8  # a face may be down to 1/8 of the shorter side


class PictureError(Exception):
    """The bytes are not a picture that can be read; the message is fit for the sender."""


def decode(data: bytes) -> np.ndarray:
    """Grey picture, uint8, height x width, turned upright as its EXIF entry says.

    Raises:
        PictureError: if it is no JPEG, PNG, WebP or GIF, is damaged or cut off, or has more than 50 million
            pixels, which the header tells before anything is unpacked.
    """
    too_large = PictureError("it has more than 50 million pixels")
    try:
        width, height = Image.open(io.BytesIO(data), formats=FORMATS).size
    except Image.DecompressionBombError:
        raise too_large from None
    except Exception:  # hostile bytes make the parsers raise nearly anything
        raise PictureError("it is not a JPEG, PNG, WebP or GIF") from None
    if width * height > MAX_PIXELS:
        raise too_large
    try:
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        grey = None
    if grey is None:
        raise PictureError("it is damaged or cut off")
    return grey


class PictureModel(Protocol):
    """What the endpoint needs of a model."""

    def read(self, data: bytes) -> tuple[np.ndarray, tuple[int, int]]:
        """Probabilities over `emotions.SEVEN`, shape (7,), of an encoded picture; its width and height in pixels."""


class ConstantModel:
    """Says the same of every picture, 224 pixels a side, without looking: for timing all but the network.

    `emotion` gets nine tenths of the probability; the other six share the rest.
    """

    def __init__(self, emotion: str = "happy") -> None:
        self._answer = np.array([0.9 if name == emotion else 0.1 / 6 for name in SEVEN])

    def read(self, data: bytes) -> tuple[np.ndarray, tuple[int, int]]:
        return self._answer, (224, 224)


class FaceReader(ABC):
    """A model that finds the faces in a picture and reads them; may be called from several threads at once."""

    def __init__(self) -> None:
        self._own = threading.local()  # neither a network nor the cascade may be shared by threads
        self._read: dict[bytes, tuple[np.ndarray, tuple[int, int]]] = {}

    def read(self, data: bytes) -> tuple[np.ndarray, tuple[int, int]]:
        """Probabilities of an encoded picture as `predict` gives them, and its width and height in pixels.

        Remembered by the hash of the bytes, because every strategy and taxonomy sends the same pictures again.

        Raises:
            PictureError: as `decode`.
        """
        digest = sha256(data).digest()
        known = self._read.get(digest)
        if known is None:
            grey = decode(data)
            known = self.predict(grey), (grey.shape[1], grey.shape[0])
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            self._read[digest] = known
        return known

    def predict(self, grey: np.ndarray) -> np.ndarray:
        """Probabilities over `emotions.SEVEN`, float64, shape (7,), of the face in a grey picture.

        Without a face found, the whole picture counts as one, as for pictures already cut to the face. Several
        faces of nearly one size, as in a mosaic of key frames, are read one by one and pooled.
        """
        return pool([self.read_face(grey, box) for box in self.faces(grey)])

    @abstractmethod
    def read_face(self, grey: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
        """Probabilities over `emotions.SEVEN` of the face in `box` (left, top, width, height) of a grey picture."""

    def faces(self, grey: np.ndarray) -> list[tuple[int, int, int, int]]:
        """Left, top, width and height in pixels of the largest face and those with at least half its area.

        The whole picture if none is found. Viola & Jones's cascade (2001) as OpenCV ships it for frontal faces, in
        a copy of at most 320 pixels a side: the search takes far longer than the network, and a face that matters
        is not small.
        """
        height, width = grey.shape
        scale = min(1.0, _DETECT_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        least = max(24, min(size) // _SMALLEST_FACE)
        found = self._cascade().detectMultiScale(small, 1.1, 5, minSize=(least, least))
        boxes = sorted(tuple(map(int, box)) for box in found) or [(0, 0, *size)]
        largest = max(w * h for _, _, w, h in boxes)
        across, down = width / size[0], height / size[1]
        return [
            (round(x * across), round(y * down), round(w * across), round(h * down))
            for x, y, w, h in boxes
            if 2 * w * h >= largest
        ]

    def _cascade(self) -> cv2.CascadeClassifier:
        if not hasattr(self._own, "cascade"):
            path = Path(cv2.data.haarcascades, "haarcascade_frontalface_default.xml")  # type: ignore[attr-defined]
            self._own.cascade = cv2.CascadeClassifier(str(path))
        return self._own.cascade


class ExpressionModel(FaceReader):
    """Seven-class probabilities for pictures of faces, by the network trained on FER2013.

    Raises:
        EndpointError: if the weights are not there and cannot be fetched.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weights = str(FER2013.path())

    def read_face(self, grey: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
        """Probabilities of the face in `box`, without a margin.

        FER2013's pictures were cut out with the boxes of OpenCV's face detector (Goodfellow et al., 2013, Challenges
        in representation learning), so the same box shows the network a face as it was trained to see it.
        """
        left, top, width, height = box
        crop = grey[top : top + height, left : left + width]
        shrinks = min(crop.shape) > 64  # averaging areas keeps fine detail from turning into stripes
        small = cv2.resize(crop, (64, 64), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        network = self._network()
        entry = small.astype(np.float32)[np.newaxis, :, :, np.newaxis] / 127.5 - 1.0
        network.set_tensor(network.get_input_details()[0]["index"], entry)
        network.invoke()
        output = network.get_tensor(network.get_output_details()[0]["index"])[0].astype(float)
        return output[_TO_SEVEN] / output.sum()

    def _network(self) -> Interpreter:
        if not hasattr(self._own, "network"):
            # Without XNNPACK, whose rounding depends on the processor: the same numbers on every machine.
            plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            network = Interpreter(self._weights, num_threads=1, experimental_op_resolver_type=plain)
            network.allocate_tensors()
            self._own.network = network
        return self._own.network


def pool(probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """One distribution, shape (7,), from one a picture: the logarithmic opinion pool with equal weights.

    That is the normalised geometric mean (Genest & Zidek 1986, Statistical Science 1(1), 114-135), after
    raising every probability to at least 1e-6 so that no single picture has a veto. Soft voting is another
    thing: it averages the probabilities themselves (a linear pool), so one confident picture can carry the
    day, where here a label must be plausible in all of them. The difference keeps "several pictures in one
    request" and "one request a picture, then soft voting" two strategies and not one.
    """
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=float), FLOOR)).mean(axis=0)
    weights_ = np.exp(logs - logs.max())
    return weights_ / weights_.sum()
