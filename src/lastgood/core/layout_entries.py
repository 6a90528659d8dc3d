"""Turn found applications into entries of `lastgood.yaml`: patterns where they say exactly the same, else one by one.

Pure. What it returns is tried out on the repo's folders before it is believed.
"""

from collections.abc import Callable, Iterable, Sequence

from lastgood.core.environment_word import is_region
from lastgood.core.layout import Found
from lastgood.core.pattern import as_word, fill, is_label, is_name, usable_segment
from lastgood.core.value import Value

DEFAULT_DESTINATION = "default"


class Suggested(Value, frozen=True, kw_only=True):
    """An entry to write: the fields as they stand in the file, and the applications that it names."""

    name: str
    path: str
    destination: str
    environment: str | None = None
    group: str | None = None
    values: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def suggest(found: Sequence[Found], folders: Iterable[str]) -> tuple[Suggested, ...]:
    """Return entries that name exactly the found applications. folders: every folder of the repo, "" aside."""
    by_depth: dict[int, list[tuple[str, ...]]] = {}
    for folder in folders:
        segments = tuple(folder.split("/"))
        by_depth.setdefault(len(segments), []).append(segments)
    shapes: dict[tuple[object, ...], list[Found]] = {}
    for app in found:
        shapes.setdefault(_shape(app), []).append(app)
    entries = [entry for apps in shapes.values() for entry in _entries(apps, by_depth)]
    return tuple(sorted(entries, key=lambda entry: (entry.path, entry.name)))


def _shape(app: Found) -> tuple[object, ...]:
    """Return what applications of one pattern have in common."""
    generic = tuple("*" if n in (*app.service, app.environment_at) else one for n, one in enumerate(_segments(app)))
    # Where the path does not tell environments apart (values files of one chart), each is a pattern of its own.
    apart = app.environment if app.environment_at is None else None
    return (generic, app.service, app.environment_at, apart, app.values, app.kind if app.values else None)


def _segments(app: Found) -> tuple[str, ...]:
    return tuple(app.path.split("/")) if app.path else ()


def _entries(apps: list[Found], by_depth: dict[int, list[tuple[str, ...]]]) -> list[Suggested]:
    """Try one pattern for all, then one for each environment or each service, then single entries."""
    if len(apps) > 1:
        for fixed in (_same_everywhere(apps), set[int]()):
            whole = _pattern(apps, by_depth, fixed)
            if whole is not None:
                return [whole]
        candidates = [_split(apps, key, by_depth) for key in _keys(apps[0])]
        best = min(candidates, key=len, default=None)
        if best is not None and len(best) < len(apps):
            return best
    return [_single(app) for app in apps]


def _same_everywhere(apps: list[Found]) -> set[int]:
    """Return the segments that name a service and are the same in all of several services' paths.

    A word there would take in whatever else the repo has at this depth. One service alone stands for others to come.
    """
    service = apps[0].service
    same = {n for n in service if len({_segments(app)[n] for app in apps}) == 1}
    return same if len(same) < len(service) else set()


def _keys(app: Found) -> list[tuple[int, Callable[[Found], str]]]:
    places = [*app.service] if app.environment_at is None else [app.environment_at, *app.service]
    return [(at, lambda one, at=at: _segments(one)[at]) for at in places]  # type: ignore[misc]  # a default binds `at`


def _split(
    apps: list[Found], key: tuple[int, Callable[[Found], str]], by_depth: dict[int, list[tuple[str, ...]]]
) -> list[Suggested]:
    at, text_of = key
    parts: dict[str, list[Found]] = {}
    for app in apps:
        parts.setdefault(text_of(app), []).append(app)
    entries: list[Suggested] = []
    for part in parts.values():
        pattern = _pattern(part, by_depth, {at}) if len(part) > 1 else None
        entries += [pattern] if pattern is not None else [_single(app) for app in part]
    return entries


def _pattern(apps: list[Found], by_depth: dict[int, list[tuple[str, ...]]], fixed: set[int]) -> Suggested | None:
    """Return the pattern of these applications if it matches their folders and no others, and gives their names.

    fixed: segments that stay as they are.
    """
    first = apps[0]
    segments = _segments(first)
    words = _words([n for n in first.service if n not in fixed], apps)
    if first.environment_at is not None and first.environment_at not in fixed:
        words[first.environment_at] = "{environment}"
    if not words:
        return None
    # Where no folder names the service, the repository does.
    said = [words.get(n, segments[n]) for n in first.service] or [
        first.name.removesuffix(f"-{first.environment}") if first.environment else first.name
    ]
    environment = None if first.environment_at is None else words.get(first.environment_at, first.environment)
    environment = first.environment if environment is None else environment
    entry = Suggested(
        name="-".join((*said, environment) if environment else said),
        path="/".join(words.get(n, one) for n, one in enumerate(segments)),
        destination=environment or DEFAULT_DESTINATION,
        environment=environment,
        group="-".join(said) if environment else None,
        values=first.values,
        names=tuple(app.name for app in apps),
    )
    return entry if _says(entry, by_depth) == {app.path: (app.name, app.environment) for app in apps} else None


def _words(places: list[int], apps: list[Found]) -> dict[int, str]:
    """Name what stands at each place: a region where all folders there are one, a service, its team, or parts."""
    words = {n: "{region}" for n in places[1:] if all(is_region(_segments(app)[n]) for app in apps)}
    words = words if len(words) == 1 else {}
    rest = [n for n in places if n not in words]
    for i, n in enumerate(rest):
        # Two folders are a team and its service.
        above = "{team}" if len(rest) == 2 else f"{{part{i + 1}}}"  # noqa: PLR2004 -- see above
        words[n] = "{service}" if n == rest[-1] else above
    return words


def _says(entry: Suggested, by_depth: dict[int, list[tuple[str, ...]]]) -> dict[str, tuple[str, str | None]] | None:
    """Return what the entry would make of the folders, path to (name, environment); None for a wrong name."""
    pattern = entry.path.split("/")
    found: dict[str, tuple[str, str | None]] = {}
    for segments in by_depth.get(len(pattern), ()):
        words = _match(pattern, segments)
        if words is None:
            continue
        name, destination = fill(entry.name, words), fill(entry.destination, words)
        environment = None if entry.environment is None else fill(entry.environment, words)
        if not is_name(name) or not is_name(destination) or (environment is not None and not is_label(environment)):
            return None
        found["/".join(segments)] = (name, environment)
    return found


def _match(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    words: dict[str, str] = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        word = as_word(wanted)
        if word is None:
            if wanted != segment:
                return None
        elif segment.startswith(".") or not usable_segment(segment):
            return None
        else:
            words[word] = segment
    return words


def _single(app: Found) -> Suggested:
    # A destination's name is stricter than an environment's, which may have capitals.
    destination = (app.environment or DEFAULT_DESTINATION).lower().replace("_", "-")
    return Suggested(
        name=app.name,
        path=app.path or ".",
        destination=destination if is_name(destination) else DEFAULT_DESTINATION,
        environment=app.environment,
        values=app.values,
        names=(app.name,),
    )
