"""An entry of `lastgood.yaml`, and the application that it makes of one matching folder. Pure values and rules."""

from collections.abc import Mapping
from typing import Any

import msgspec

from lastgood.core.application import Application, DeclaredScope, IgnoredDrift, Policy
from lastgood.core.pattern import as_word, fill, is_label, is_name, without_environment, words_in
from lastgood.core.tree import OURS
from lastgood.core.value import Value, to_json, to_plain


class Helm(Value, frozen=True, kw_only=True):
    """How a chart is released. release None: the application's name. values: files, as segments from the root."""

    release: str | None = None
    values: tuple[tuple[str, ...], ...] = ()


class Entry(Value, frozen=True, kw_only=True):
    """One item of `applications`: fields are patterns over the words of `path`, which is in segments, () the root."""

    name: str
    path: tuple[str, ...]
    destination: str
    namespace: str | None = None
    environment: str | None = None
    group: str | None = None
    render: str = "auto"
    policy: Policy = Policy()
    helm: Helm | None = None
    ignore_drift: tuple[IgnoredDrift, ...] = ()
    line: int = 1

    @property
    def is_literal(self) -> bool:
        """Whether it names one folder rather than a pattern of them."""
        return not any(as_word(segment) for segment in self.path)


class NotAnApplication(Exception):
    """The words of a match do not make a valid application; the text says why. Discovery makes a Problem of it."""


def makes(entry: Entry, app: Application) -> bool:
    """Say whether an entry makes this application of its folder, there now or not."""
    segments = app.path.split("/") if app.path else []
    if len(segments) != len(entry.path):
        return False
    words: dict[str, str] = {}
    for wanted, segment in zip(entry.path, segments, strict=True):
        word = as_word(wanted)
        if (wanted if word is None else words.setdefault(word, segment)) != segment:
            return False
    return fill(entry.name, words) == app.name


def application_at(entry: Entry, words: Mapping[str, str], *, repo: str, branch: str) -> Application:
    """Fill an entry in with the words of one match.

    Raises NotAnApplication if a filled-in field is not what such a field may be.
    """
    name = _named("name", fill(entry.name, words))
    environment = _labelled("environment", entry.environment, words)
    group = _labelled("group", entry.group, words) or without_environment(name, environment)
    namespace = None if entry.namespace is None else _named("namespace", fill(entry.namespace, words))
    destination = _named("destination", fill(entry.destination, words))
    path = "/".join(fill(segment, words) for segment in entry.path)
    scope, helm = _scope(entry, words, name, path)
    ignored = tuple(_ignored(one, words) for one in entry.ignore_drift)
    definition: dict[str, Any] = {
        "name": name,
        "path": path or ".",
        "environment": environment,
        "group": group,
        "destination": destination,
        "namespace": namespace,
        "render": entry.render,
        "policy": to_plain(entry.policy),
        "helm": helm,
    }
    if ignored:
        # Only then: definitions that were recorded before there were such rules stay the same.
        definition["ignore_drift"] = to_plain(ignored)
    # As the records give it back: with a tuple for a list it would never be the same again, and be deployed for ever.
    definition = msgspec.json.decode(to_json(definition))
    return Application(
        name=name,
        repo=repo,
        branch=branch,
        path=path,
        group=group,
        environment=environment,
        destination=destination,
        namespace=namespace,
        render=entry.render,
        scope=scope,
        policy=entry.policy,
        definition=definition,
        ignore_drift=ignored,
    )


def _ignored(rule: IgnoredDrift, words: Mapping[str, str]) -> IgnoredDrift:
    return rule if rule.name is None else msgspec.structs.replace(rule, name=fill(rule.name, words))


def _named(field: str, text: str) -> str:
    if not is_name(text):
        raise NotAnApplication(f"the {field} {text[:120]!r} must be made of small letters, digits, - and .")
    return text


def _labelled(field: str, pattern: str | None, words: Mapping[str, str]) -> str | None:
    if pattern is None:
        return None
    text = fill(pattern, words)
    if not is_label(text):
        raise NotAnApplication(f"the {field} {text[:120]!r} must be made of letters, digits, - and .")
    return text


def _scope(entry: Entry, words: Mapping[str, str], name: str, path: str) -> tuple[DeclaredScope, dict[str, Any] | None]:
    left_out = () if path else OURS
    if entry.helm is None:
        return DeclaredScope(path=path, left_out=left_out, render=entry.render), None
    values = ["/".join(fill(segment, words) for segment in file) for file in entry.helm.values]
    release = name if entry.helm.release is None else _named("release", fill(entry.helm.release, words))
    inside = f"{path}/" if path else ""
    others = dict.fromkeys(file for file in values if not file.startswith(inside))
    # An empty `helm: {}` says no more than its absence, and so compares equal to it.
    helm = {"release": release, "values": values} if values or release != name else None
    declared = DeclaredScope(
        path=path, others=tuple(others), left_out=left_out, render=entry.render, values=tuple(values)
    )
    return declared, helm


def entry_words(entry: Entry) -> tuple[str, ...]:
    """Return the words of an entry's path."""
    return words_in("/".join(entry.path))
