"""Validates a configuration as a whole, so that all of its problems can be reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, TypeAdapter, ValidationError

from .config import DjangoBlobStorageArgs
from .contradictions import refuse_contradictions
from .errors import Refusal
from .rules import PLAIN_VALUE, is_output
from .settings import FIELDS

Config = TypeVar("Config", bound=DjangoBlobStorageArgs)


def validated(
    model: type[Config], values: Mapping[str, Any]
) -> tuple[Config | None, list[Refusal]]:
    """The configuration out of values by field, or what is wrong with them.

    Contradictions are looked for once each value is valid by itself.
    """
    whole: Any = Annotated[model, AfterValidator(refuse_contradictions)]
    try:
        config: Config = TypeAdapter(whole).validate_python(dict(values))
    except ValidationError as error:
        return None, refusals(error)
    return config, []


def refusals(error: ValidationError, field: str = "") -> list[Refusal]:
    """pydantic's errors with the rules of this project. `field` is whose value was validated, if it
    was a value by itself."""
    found = []
    for each in error.errors(include_url=False):
        where = (field,) if field else each["loc"]
        context = each.get("ctx", {})
        fix = None
        if each["type"] == "refused":
            rule, fix = context["rule"], context["fix"]
        elif each["type"] == "value_error":
            rule = str(context["error"])
        elif is_output(each["input"]):
            rule = PLAIN_VALUE
        else:
            rule = "not a string" if len(where) > 1 else FIELDS[str(where[0])].form
        found.append(Refusal(where, each["input"], rule, fix))
    return found
