"""Pictures without a face, and chat requests that hold them."""

from __future__ import annotations

import base64
import io
from typing import Any

import cv2
import numpy as np
from PIL import Image

from fer_helpers import endpoint
from fer_helpers.emotions import SEVEN

PROMPT = "Which expression does the face show?"


def noise(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A picture without a face."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(picture: np.ndarray, kind: str = "png") -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()


def part(data: bytes, kind: str = "png", **detail: str) -> dict[str, Any]:
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def video_part(data: bytes) -> dict[str, Any]:
    url = f"data:video/mp4;base64,{base64.b64encode(data).decode()}"
    return {"type": "video_url", "video_url": {"url": url}}


def request(*parts: Any, text: str = PROMPT, **more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text}, *parts]
    return {"model": endpoint.MODEL, "messages": [{"role": "user", "content": content}], **more}


def schema(labels: tuple[str, ...] = SEVEN, **more: Any) -> dict[str, Any]:
    properties = {"label": {"type": "string", "enum": list(labels)}, **more}
    content = {"type": "object", "properties": properties, "required": list(properties)}
    strict = {"name": "answer", "strict": True, "schema": {**content, "additionalProperties": False}}
    return {"type": "json_schema", "json_schema": strict}
