"""What lastgood must be allowed to do in a cluster, what of it the cluster refuses, and a role that would allow it.

The cluster is asked (SelfSubjectAccessReview), never guessed at. Changes nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import msgspec

from lastgood.core.value import Value
from lastgood.targets.kubernetes.cluster import SUPPORTING
from lastgood.targets.kubernetes.connection import Connection
from lastgood.targets.kubernetes.kinds import GroupKind, Kind
from lastgood.targets.kubernetes.options import PRECIOUS
from lastgood.targets.kubernetes.together import together
from lastgood.targets.kubernetes.trouble import Answered

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_SERVICE_ACCOUNT = "system:serviceaccount:"
WATCH = ("list", "watch")
_IMPERSONATE = ("impersonate",)
APPLY = ("get", "create", "patch", "update", "delete")
# What the applications of most repos are made of; others are asked about once an application has them.
USUAL: tuple[GroupKind, ...] = (
    ("", "Namespace"),
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("", "PersistentVolumeClaim"),
    ("", "Pod"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("policy", "PodDisruptionBudget"),
)


class Need(Value, frozen=True, kw_only=True):
    """Verbs that are needed on a resource (`deployments`, `pods/log`).

    namespace, name: only there, None: everywhere. must: nothing works without; else only applications that have such
    objects need it.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    must: bool
    namespace: str | None = None
    name: str | None = None


def needs(
    kinds: Mapping[GroupKind, Kind],
    *,
    applied: Iterable[GroupKind],
    namespace: str,
    account: str | None,
    may_delete: frozenset[str],
) -> list[Need]:
    """Return what lastgood needs.

    kinds: of the cluster. applied: that applications have there by now. namespace: of lastgood's own objects.
    account: that it acts as for an application, which then needs the rights to apply instead of lastgood.
    """
    own = Need(group="", resource="configmaps", verbs=(*WATCH, *APPLY), must=True, namespace=namespace)
    found = [own, Need(group="", resource="namespaces", verbs=("get", "create", "patch"), must=True, name=namespace)]
    have = set(applied)
    for key in dict.fromkeys([*SUPPORTING, *USUAL, *sorted(have)]):
        kind = kinds.get(key)
        if kind is None or "watch" not in kind.verbs:
            continue
        watch = Need(group=kind.group, resource=kind.plural, verbs=WATCH, must=key in SUPPORTING or key in have)
        found.append(watch)
        if account is None and (key in USUAL or key in have):
            keeps = key in PRECIOUS and kind.kind not in may_delete
            verbs = tuple(verb for verb in APPLY if not (keeps and verb == "delete"))
            found.append(Need(group=kind.group, resource=kind.plural, verbs=verbs, must=key in have))
    found.append(Need(group="", resource="pods/log", verbs=("get",), must=False))
    found.append(Need(group="", resource="events", verbs=("list",), must=False))
    return found if account is None else [*found, _impersonation(account)]


def _impersonation(account: str) -> Need:
    """Say what acting as an account takes. A part with a {word} differs with the application, so: any."""
    if account.startswith(_SERVICE_ACCOUNT) and account.count(":") == _SERVICE_ACCOUNT.count(":") + 1:
        namespace, name = (_certain(part) for part in account.removeprefix(_SERVICE_ACCOUNT).split(":"))
        resource = "serviceaccounts"
    else:
        namespace, name, resource = None, _certain(account), "users"
    return Need(group="", resource=resource, verbs=_IMPERSONATE, must=True, namespace=namespace, name=name)


def _certain(part: str) -> str | None:
    return None if "{" in part else part


async def missing(connection: Connection, needed: Iterable[Need]) -> list[Need]:
    """Return what the cluster refuses, each with just the verbs that are. Raises ClusterTrouble."""
    if await _may(connection, Need(group="*", resource="*", verbs=("*",), must=True), "*"):
        return []
    asked = [(need, verb) for need in needed for verb in need.verbs]
    answers = await together(_may(connection, need, verb) for need, verb in asked)
    refused: dict[Need, list[str]] = {}
    for (need, verb), allowed in zip(asked, answers, strict=True):
        if not allowed:
            refused.setdefault(need, []).append(verb)
    return [msgspec.structs.replace(need, verbs=tuple(verbs)) for need, verbs in refused.items()]


async def _may(connection: Connection, need: Need, verb: str) -> bool:
    resource, _, subresource = need.resource.partition("/")
    asked = {"verb": verb, "group": need.group, "resource": resource, "subresource": subresource}
    asked |= {key: value for key, value in (("namespace", need.namespace), ("name", need.name)) if value is not None}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    answer = await connection.request("POST", _REVIEWS, body=body)
    status = answer.get("status") if isinstance(answer, dict) else None
    return isinstance(status, dict) and status.get("allowed") is True


async def whoami(connection: Connection) -> str | None:
    """Return the user that the cluster takes us for; None where it does not tell. Raises Unreachable."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer: Any = await connection.request("POST", _WHO, body=body)
    except Answered:
        return None
    for key in ("status", "userInfo", "username"):
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer if isinstance(answer, str) and answer else None


def role(destination: str, refused: Iterable[Need], *, user: str | None) -> str:
    """Return YAML that `kubectl apply` takes: roles with the missing rules, bound to the user if it is known.

    What is needed in lastgood's own namespace alone stands in a Role there, with that namespace before it.
    """
    needed = list(refused)
    everywhere = [need for need in needed if need.namespace is None or need.verbs == _IMPERSONATE]
    given = {(need.group, need.resource, verb) for need in everywhere if need.name is None for verb in need.verbs}
    inside: dict[str, list[Need]] = {}
    for need in needed:
        verbs = tuple(verb for verb in need.verbs if (need.group, need.resource, verb) not in given)
        if need not in everywhere and need.namespace is not None and verbs:
            inside.setdefault(need.namespace, []).append(msgspec.structs.replace(need, verbs=verbs))
    written = _role(destination, everywhere, user=user, namespace=None) if everywhere else []
    for namespace, some in inside.items():
        written.append(f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {json.dumps(namespace)}\n")
        written += _role(destination, some, user=user, namespace=namespace)
    return "---\n".join(written)


def _role(destination: str, needed: Iterable[Need], *, user: str | None, namespace: str | None) -> list[str]:
    """Write a role and its binding. Its name has a digest of the rules: it replaces no role that gives other things."""
    rules = _rules(needed)
    name = f"lastgood-{destination}-{hashlib.sha256(rules.encode()).hexdigest()[:8]}"
    api, kind, place = "rbac.authorization.k8s.io", "ClusterRole", ""
    if namespace is not None:
        kind, place = "Role", f"  namespace: {json.dumps(namespace)}\n"
    head = f"apiVersion: {api}/v1\nkind: {kind}"
    metadata = f"metadata:\n  name: {name}\n{place}"
    made = f"{head}\n{metadata}rules:\n{rules}"
    if user is None:
        return [made]
    subject = f"  - apiGroup: {api}\n    kind: User\n    name: {json.dumps(user)}\n"
    parts = user.removeprefix(_SERVICE_ACCOUNT).split(":")
    if user.startswith(_SERVICE_ACCOUNT) and len(parts) == 2:  # noqa: PLR2004 - a namespace and a name
        subject = f"  - kind: ServiceAccount\n    namespace: {parts[0]}\n    name: {parts[1]}\n"
    bound = f"roleRef:\n  apiGroup: {api}\n  kind: {kind}\n  name: {name}\nsubjects:\n{subject}"
    return [made, f"{head}Binding\n{metadata}{bound}"]


def _rules(needed: Iterable[Need]) -> str:
    """Write the rules, one for each group of resources that lack the same verbs."""
    verbs: dict[tuple[str, str, str | None], set[str]] = {}
    for need in needed:
        for verb in need.verbs:
            # Whoever may create something cannot be limited to a name: the API server knows none yet.
            name = need.name if verb != "create" else None
            verbs.setdefault((need.group, need.resource, name), set()).add(verb)
    lines = [
        ((group, tuple(sorted(mine, key=_verb_order)), name), resource)
        for (group, resource, name), mine in verbs.items()
        if name is None or mine - verbs.get((group, resource, None), set())
    ]
    written = []
    lines.sort(key=lambda one: (one[0][0], one[0][1], one[0][2] or "", one[1]))
    for (group, mine, name), some in groupby(lines, key=lambda one: one[0]):
        resources = list(dict.fromkeys(resource for _, resource in some))
        rule = f"  - apiGroups: [{json.dumps(group)}]\n    resources: {json.dumps(resources)}\n"
        rule += f"    resourceNames: [{json.dumps(name)}]\n" if name is not None else ""
        written.append(f"{rule}    verbs: {json.dumps(list(mine))}\n")
    return "".join(written)


def _verb_order(verb: str) -> int:
    order = ("get", "list", "watch", "create", "patch", "update", "delete", "impersonate")
    return order.index(verb)
