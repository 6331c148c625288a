"""What a rule is: the benchmark's control behind it, how strict it is, and how to comply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from policy.declared import UNKNOWN, Resource, text

# A resource to what is wrong with it, each a sentence's beginning such as "x is false".
Check = Callable[[Resource], Iterable[str]]
# All resources of a stack to what is wrong, each with the resource that lacks it.
StackCheck = Callable[[Sequence[Resource]], Iterable[tuple[Resource, str]]]


class Level(Enum):
    """Whether a violation stops the preview and the update, or is only reported."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


class Benchmark(Enum):
    """Where the controls' numbers come from: its short name, full name and version."""

    CIS = ("CIS", "CIS Microsoft Azure Foundations Benchmark", "4.0.0")
    MCSB = ("MCSB", "Microsoft cloud security benchmark", "1.0")


@dataclass(frozen=True)
class Control:
    """One recommendation of a benchmark, such as CIS 10.3.7."""

    benchmark: Benchmark
    number: str

    def __str__(self) -> str:
        return f"{self.benchmark.value[0]} {self.number}"


@dataclass(frozen=True)
class Rule:
    """A rule about one resource of one of the `types`, or, with `check_stack`, about what a stack
    has to hold. `remedy` says what to type in this project."""

    name: str
    control: Control
    level: Level
    description: str
    remedy: str
    types: tuple[str, ...] = ()
    check: Check | None = None
    check_stack: StackCheck | None = None

    def __post_init__(self) -> None:
        if (self.check is None) == (self.check_stack is None):
            raise ValueError(f"rule {self.name}: either check or check_stack")
        if (self.check is None) == bool(self.types):
            raise ValueError(f"rule {self.name}: types go with check")

    def violations(self, resources: Sequence[Resource]) -> list[tuple[Resource, str]]:
        """What is wrong with these resources, each with the resource."""
        if self.check_stack is not None:
            return list(self.check_stack(resources))
        check = self.check
        assert check is not None  # noqa: S101 - __post_init__ has seen to it
        judged = (resource for resource in resources if resource.type in self.types)
        return [(resource, wrong) for resource in judged for wrong in check(resource)]


def cis(number: str) -> Control:
    return Control(Benchmark.CIS, number)


def mcsb(number: str) -> Control:
    return Control(Benchmark.MCSB, number)


def expects(path: str, *good: object) -> Check:
    """A check that the value at `path` is one of `good`; one that is not set is wrong as well, for
    Azure's defaults differ with an account's age."""

    def check(resource: Resource) -> Iterable[str]:
        value = resource.at(path)
        if value is not UNKNOWN and value not in good:
            yield f"{path} is {text(value)}, not {' or '.join(text(each) for each in good)}"

    return check
