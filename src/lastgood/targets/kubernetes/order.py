"""In which order objects are applied and deleted. Pure.

Namespaces and definitions of kinds first; then wave by wave; within a wave by kind, since most kinds need what
stands before them in the table, and what others call (webhooks, APIs) comes when it can answer.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from lastgood.core.kind_order import rank
from lastgood.core.resource import Resource
from lastgood.core.value import Value
from lastgood.targets.kubernetes.options import Options, options_of

FIRST_KINDS = (("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition"))


class Placed(Value, frozen=True, kw_only=True):
    """A resource and how to treat it."""

    resource: Resource
    options: Options

    @property
    def group_kind(self) -> tuple[str, str]:
        """Return the kind."""
        return (self.resource.group, self.resource.kind)


class Wave(Value, frozen=True, kw_only=True):
    """What is applied together, in order; the next wave begins when all of it is healthy."""

    number: int
    first: bool
    objects: tuple[Placed, ...]


def waves(resources: Iterable[Resource]) -> list[Wave]:
    """Return the waves of a version: namespaces and definitions by kind, then the rest by wave."""
    placed = sorted(
        (Placed(resource=one, options=options_of(one.manifest)) for one in resources),
        key=lambda one: (not _is_first(one), _place(one)),
    )
    return [
        Wave(number=number, first=first, objects=tuple(objects))
        for (first, number), objects in groupby(placed, key=lambda one: (_is_first(one), _number(one)))
    ]


def _is_first(one: Placed) -> bool:
    return one.group_kind in FIRST_KINDS


def _number(one: Placed) -> int:
    return FIRST_KINDS.index(one.group_kind) if _is_first(one) else one.options.wave


def _place(one: Placed) -> tuple[Any, ...]:
    resource = one.resource
    return (_number(one), rank(resource.kind), resource.group, resource.kind, resource.namespace or "", resource.name)


def deletion_order(objects: Sequence[tuple[int, tuple[str, str], str]]) -> list[int]:
    """Return the indexes of objects (wave, (group, kind), name) in the order of deletion: the reverse of applying."""

    def place(index: int) -> tuple[Any, ...]:
        wave, kind, name = objects[index]
        first = kind in FIRST_KINDS
        return (not first, FIRST_KINDS.index(kind) if first else wave, rank(kind[1]), kind, name)

    return sorted(range(len(objects)), key=place, reverse=True)
