"""What the config repo itself changed between two versions: fields of rendered resources, apart from images. Pure.

A raised memory limit and a new flag are features, too; the program's own come from its source repo. Secrets are told
as changed, without a value. What only repeats the version (labels of charts, checksums) is left out.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from lastgood.core.asked_image import plain_name
from lastgood.core.redact import redact_plain
from lastgood.core.resource import Rendered, Resource
from lastgood.core.setting import MOST_SETTINGS, SettingChange, Settings

MOST_TEXT = 200
_MOST_LINES = 2_000
_MAX_DEPTH = 64
# Of what is alike before the first difference so many letters are shown.
_BEFORE_IT = 40
_REPEATS = re.compile(r"app\.kubernetes\.io/version|helm\.sh/chart|checksum/.*")
# Kustomize ends the name of what it generates with ten letters of a hash, written in these.
_GENERATED = re.compile(r"(.+)-[2456789bcdfghkmt]{10}")
_GENERATED_KINDS = ("ConfigMap", "Secret")
_NOTHING = object()


class _Node(NamedTuple):
    """A value, and what may be shown of it. _NOTHING: there is none."""

    real: Any
    shown: Any


_ABSENT = _Node(_NOTHING, _NOTHING)
_Key = tuple[str, str, str, str]


def setting_changes(before: Rendered, after: Rendered) -> Settings:
    """Compare two renders of one application."""
    old, new = _by_key(before.resources), _by_key(after.resources)
    renamed = _renamed(old, new)
    # Whatever an image or a generated name became is told elsewhere: by the features, and by what was generated.
    images = {(a, b) for a in _image_texts(before) for b in _image_texts(after)}
    names = [(old[a].name, new[b].name) for a, b in renamed.items()]
    found: list[SettingChange] = []
    more = 0
    for one in _changes(old, new, renamed):
        if (one.before, one.after) in images or _only_leads_to(one, names):
            continue
        if len(found) == MOST_SETTINGS:
            more += 1
        else:
            found.append(_short(one))
    return Settings(changes=tuple(found), more=more)


def _image_texts(rendered: Rendered) -> set[str]:
    """Return the images as they may stand in a manifest: a reference alone, or with the name before it."""
    found = set(rendered.images.values())
    for name, reference in rendered.images.items():
        found |= {f"{plain_name(name)}{sign}{reference}" for sign in ":@"}
        if reference == "latest":
            found.add(plain_name(name))
    return found


def _only_leads_to(change: SettingChange, names: Sequence[tuple[str, str]]) -> bool:
    """Say whether all that changed are the names of what was generated."""
    text = change.before
    if text is None or change.after is None:
        return False
    for old, new in names:
        text = text.replace(old, new)
    return text == change.after


def _by_key(resources: Sequence[Resource]) -> dict[_Key, Resource]:
    return {(r.kind, r.group, r.namespace or "", r.name): r for r in resources}


def _renamed(old: Mapping[_Key, Resource], new: Mapping[_Key, Resource]) -> dict[_Key, _Key]:
    """Pair what was generated with another hash in its name."""
    gone = _stems(key for key in old if key not in new)
    come = _stems(key for key in new if key not in old)
    return {gone[stem]: come[stem] for stem in gone.keys() & come.keys()}


def _stems(keys: Iterator[_Key]) -> dict[_Key, _Key]:
    found: dict[_Key, _Key] = {}
    for key in keys:
        generated = _GENERATED.fullmatch(key[3]) if key[0] in _GENERATED_KINDS else None
        if generated is not None:
            found[(*key[:3], generated[1])] = key
    return found


def _changes(
    old: Mapping[_Key, Resource], new: Mapping[_Key, Resource], renamed: Mapping[_Key, _Key]
) -> Iterator[SettingChange]:
    generated = set(renamed.values())
    for key in sorted(old.keys() | new.keys()):
        if key in generated:
            continue
        a, b = old.get(key), new.get(renamed.get(key, key))
        shown = b if b is not None else a
        if shown is None:
            continue
        if a is None or b is None:
            yield _change(shown, "", None if a is None else "there", None if b is None else "there")
        elif a.manifest != b.manifest:
            for path, was, now in _walk(_node(a), _node(b), "", _MAX_DEPTH):
                # The hash in the name of what is paired is no setting.
                if path != "metadata.name":
                    yield _leaf(shown, path, was, now)


def _node(resource: Resource) -> _Node:
    return _Node(resource.manifest, redact_plain(resource.manifest))


def _walk(old: _Node, new: _Node, path: str, depth: int) -> Iterator[tuple[str, _Node, _Node]]:
    """Yield each place below which nothing but a value differs."""
    if old.real is not _NOTHING and new.real is not _NOTHING and old.real == new.real:
        return
    for kind, parts in ((dict, _fields), (list, _items)):
        # One that came or went as a whole is told field by field, too.
        sides = [node for node in (old, new) if node.real is not _NOTHING]
        alike = all(isinstance(node.real, kind) and isinstance(node.shown, kind) for node in sides)
        if not depth or not alike or not any(node.real for node in sides):
            continue
        before, after = ({} if node.real is _NOTHING else parts(node) for node in (old, new))
        if before is None or after is None:
            continue
        for name in dict.fromkeys((*before, *after)):
            below = _join(path, name, bracket=kind is list)
            yield from _walk(before.get(name, _ABSENT), after.get(name, _ABSENT), below, depth - 1)
        return
    yield path, old, new


def _fields(node: _Node) -> dict[str, _Node] | None:
    return {
        str(key): _Node(value, node.shown[key])
        for key, value in node.real.items()
        if key in node.shown and not _REPEATS.fullmatch(str(key))
    }


def _items(node: _Node) -> dict[str, _Node] | None:
    """Return a list's items by their names, None where they have none of their own: such a list is one value."""
    named: dict[str, _Node] = {}
    for real, shown in zip(node.real, node.shown, strict=True):
        name = real.get("name") if isinstance(real, dict) else None
        if not isinstance(name, str) or name in named or not isinstance(shown, dict):
            return None
        rest = {key: value for key, value in real.items() if key != "name"}
        named[name] = _Node(rest, {key: shown[key] for key in rest})
    return named


def _join(path: str, name: str, *, bracket: bool) -> str:
    if bracket or not re.fullmatch(r"[\w-]+", name):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def _leaf(resource: Resource, path: str, old: _Node, new: _Node) -> SettingChange:
    if old.shown is not _NOTHING and new.shown is not _NOTHING and old.shown == new.shown:
        return _change(resource, path, None, None, hidden=True)
    before, after = _text(old.shown), _text(new.shown)
    if before is not None and after is not None and ("\n" in before or "\n" in after):
        before, after = _differing_lines(before, after)
    return _change(resource, path, before, after)


def _change(
    resource: Resource, path: str, before: str | None, after: str | None, *, hidden: bool = False
) -> SettingChange:
    return SettingChange(
        kind=resource.kind,
        namespace=resource.namespace,
        name=resource.name,
        path=path,
        before=before,
        after=after,
        hidden=hidden,
    )


def _text(value: Any) -> str | None:
    if value is _NOTHING:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _differing_lines(before: str, after: str) -> tuple[str, str]:
    """Return of two texts the lines that only one of them has."""
    old, new = before.splitlines()[:_MOST_LINES], after.splitlines()[:_MOST_LINES]
    lines = list(difflib.unified_diff(old, new, lineterm="", n=0))[2:]
    only = ["\n".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+"]
    return only[0], only[1]


def _short(change: SettingChange) -> SettingChange:
    """Cut long values, so that where they begin to differ is still seen."""
    before, after = change.before, change.after
    if before is not None and after is not None and max(len(before), len(after)) > MOST_TEXT:
        pairs = enumerate(zip(before, after, strict=False))
        start = next((at for at, (a, b) in pairs if a != b), min(len(before), len(after))) - _BEFORE_IT
        if start > 0:
            before, after = f"... {before[start:]}", f"... {after[start:]}"
    return msgspec.structs.replace(change, before=_cut(before), after=_cut(after))


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MOST_TEXT else text[: MOST_TEXT - 4] + " ..."
