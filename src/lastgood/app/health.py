"""The health of the Kubernetes objects in a file: read, judged, told, for `lastgood health`."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lastgood.core.errors import MalformedResource
from lastgood.core.health_words import in_words
from lastgood.core.value import Value
from lastgood.core.words import Health

if TYPE_CHECKING:
    from lastgood.app.settings import Settings
    from lastgood.targets.kubernetes.health.cel_rules import CelRules
    from lastgood.targets.kubernetes.health.judge import OwnRules

MAX_BYTES = 50_000_000
MAX_NODES = 4_000_000
MAX_CHARS = 200_000_000


class ObjectHealth(Value, frozen=True, kw_only=True, rename={"api_version": "apiVersion"}):
    """One object and how it is. namespace: as it says itself. name: "" where the object has none.

    message: of what is not Healthy with the reason before it (`CrashLoopBackOff: ...`), at most some 2,000 characters.
    """

    api_version: str
    kind: str
    namespace: str | None
    name: str
    health: Health
    message: str


def health_rules(settings: "Settings") -> "CelRules":
    """Return the operator's own rules, each read and found to be CEL. Raises SettingsWrong. Close them at the end."""
    from lastgood.targets.kubernetes.health.cel_rules import CelRule, CelRules  # noqa: PLC0415 - only with such rules

    rules = CelRules(
        [
            CelRule(
                api_version=rule.api_version,
                kind=rule.kind,
                current=rule.current,
                in_progress=rule.in_progress,
                failed=rule.failed,
            )
            for rule in settings.health
        ]
    )
    try:
        rules.check()
    except BaseException:
        rules.close()
        raise
    return rules


def health_of_file(
    content: bytes, *, file: str, now: dt.datetime, settings_file: Path | None = None
) -> list[ObjectHealth]:
    """Judge each object of a file of YAML or JSON documents and Lists, in their order.

    settings_file: a lastgood.toml whose `[[health]]` rules count, too. An object that cannot be judged is Unknown.
    Raises ConfigWrong (file, line, reason) for what is no Kubernetes object, SettingsWrong.
    """
    objects = list(_objects(content, file))
    if settings_file is None:
        return [_judged(one, now, None) for one in objects]
    from lastgood.app.settings import read_settings  # noqa: PLC0415 - only beside a lastgood.toml

    settings = read_settings(settings_file)
    if not settings.health:
        return [_judged(one, now, None) for one in objects]
    rules = health_rules(settings)
    try:
        return [_judged(one, now, rules) for one in objects]
    finally:
        rules.close()


def _objects(content: bytes, file: str) -> Iterator[tuple[str, str, str | None, dict[str, Any]]]:
    """Yield the name, kind and namespace of each object with the object: (name, kind, namespace, object)."""
    from lastgood.render.kube_composer import Budget  # noqa: PLC0415 - only where manifests are read
    from lastgood.render.kube_object import objects_of, read_object  # noqa: PLC0415
    from lastgood.render.kube_yaml import read_kube_yaml  # noqa: PLC0415

    budget = Budget(nodes=MAX_NODES, chars=MAX_CHARS)
    for document in read_kube_yaml(content, file=file, budget=budget):
        for value in objects_of(document, file=file):
            resource = read_object(value, document, file=file, nameless=True)
            yield resource.name, resource.kind, resource.namespace, value


def _judged(
    found: tuple[str, str, str | None, dict[str, Any]], now: dt.datetime, rules: "OwnRules | None"
) -> ObjectHealth:
    from lastgood.targets.kubernetes.health import HealthVerdict, health_of  # noqa: PLC0415 - only where one is judged

    name, kind, namespace, manifest = found
    try:
        verdict = health_of(manifest, now=now, own=rules)
    except MalformedResource as wrong:
        verdict = HealthVerdict(health="Unknown", reason="Malformed", message=wrong.message)
    return ObjectHealth(
        api_version=manifest["apiVersion"],
        kind=kind,
        namespace=namespace,
        name=name,
        health=verdict.health,
        message=in_words(verdict.health, verdict.reason, verdict.message),
    )


def kinds_with_rules() -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the built-in kinds, and for the others (group, kinds, rules) in words, for the reference."""
    from lastgood.targets.kubernetes.health.built_in import BUILT_IN, POD  # noqa: PLC0415 - only for the reference
    from lastgood.targets.kubernetes.health.table import ROWS  # noqa: PLC0415
    from lastgood.targets.kubernetes.health.table.row import read_rule  # noqa: PLC0415

    rows = []
    for row in sorted(ROWS, key=lambda one: (one.group.removeprefix("*."), one.kinds == "*", one.kinds)):
        said = []
        for rule in row.rules:
            health, tests = read_rule(rule)
            asked = " and ".join(
                f"not `{test[1:]}`" if test.startswith("!") else f"`{test.replace('|', ', ')}`" for test in tests
            )
            said.append(f"{health}: {asked}")
        kinds = "all others" if row.kinds == "*" else ", ".join(f"`{kind}`" for kind in row.kinds.split())
        rows.append((row.group, kinds, "; ".join([*said, f"else {row.otherwise}"])))
    names = sorted({f"{group}/{kind}" if group else kind for group, kind in (POD, *BUILT_IN)})
    return names, rows
