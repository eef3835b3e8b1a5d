"""What the endpoint answers to a request it cannot take: an error in OpenAI's shape that names what is wrong."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

_Body = TypeVar("_Body", bound=BaseModel)


class ApiError(Exception):
    """An error for the sender, in the shape of OpenAI's: status, message, and `param` and `code` if they apply."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        self.body = {"error": error}


def validated(kind: type[_Body], body: bytes) -> _Body:
    """`body` as a `kind`; ApiError that names the first wrong parameter if it is none."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        param = ".".join(map(str, first["loc"])) or None
        raise ApiError(f"{param or 'body'}: {first['msg'][:300]}", param=param) from None
