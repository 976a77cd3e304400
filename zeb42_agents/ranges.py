"""Options typed once: a field has its range or its choices in its type, and its default says what JSON may hold."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints


class Between(NamedTuple):
    """The range of a number, ends included: ``sims: Annotated[int, Between(2, 64)]``."""

    low: float
    high: float


def check_fields(config: Any) -> None:
    """ValueError unless each field of a dataclass is one of the choices, or within the range, that its type gives."""
    for name, kind in get_type_hints(type(config), include_extras=True).items():
        check_field(name, kind, getattr(config, name))


def check_field(name: str, kind: Any, value: Any) -> None:
    """The same for one ``value`` of type ``kind``."""
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise ValueError(f"expected {name}, got {value!r}; allowed: {', '.join(get_args(kind))}")
    if get_origin(kind) is Annotated:
        (between,) = kind.__metadata__
        if not between.low <= value <= between.high:
            raise ValueError(f"expected {name} in {between.low}..{between.high}, got {value!r}")


def values_from_json(content: dict[str, Any], usual: Any, what: str) -> dict[str, Any]:
    """The fields of a dataclass from their JSON, lists as tuples; ``usual`` is one of it, ``what`` its name in errors.

    ValueError names what does not belong.
    """
    known = {field.name: getattr(usual, field.name) for field in fields(usual)}
    if unknown := sorted(set(content) - set(known)):
        raise ValueError(f"expected {what}, got also {', '.join(unknown)}")
    for name, value in content.items():
        like = list(known[name]) if isinstance(known[name], tuple) else known[name]
        whole_for_real = isinstance(like, float) and type(value) is int
        of_words = not isinstance(value, list) or all(isinstance(word, str) for word in value)
        if not (type(value) is type(like) or whole_for_real) or not of_words:
            raise ValueError(f"expected {name} such as {like!r} in {what}, got {value!r}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
