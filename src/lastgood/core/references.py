"""What a declaration refers to, as it is written there. Values only; nobody has looked whether it is there."""

from typing import Any

from lastgood.core.value import Value

MAX_PATH = 4_096


class References(Value, frozen=True, kw_only=True):
    """Paths relative to a folder that the declaration names or stands in.

    built: files, or folders that have a kustomization. plugins: likewise, but a file configures a plugin of Kustomize
    that may name more files. files: read as files. charts: folders used as a whole, which may depend on others.
    remote: addresses of what is not in this repo; bases: those of them that are built as `built` is.
    """

    built: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()


def any_case(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields by their names in lower case, as Go reads them: of `Resources` and `resources` the latter."""
    return {name.casefold(): fields[name] for name in sorted(fields)}
