"""What else decides how an applied object looks: the definition of its kind, webhooks, and autoscalers.

When one of these changes, what was found equal before must be asked anew. Pure, over what is kept in memory.
"""

import hashlib

from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import Key
from lastgood.targets.kubernetes.scaled import AUTOSCALER, scaled

DEFINITIONS: GroupKind = ("apiextensions.k8s.io", "CustomResourceDefinition")
WEBHOOKS: tuple[GroupKind, ...] = (
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
)
MARKING: tuple[GroupKind, ...] = (DEFINITIONS, AUTOSCALER, *WEBHOOKS)


class Marks:
    """Marks of objects, made anew only when a definition, a webhook or an autoscaler changed."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._at = -1
        self._webhooks = b""
        self._definitions: dict[str, bytes] = {}
        self._scaled: frozenset[tuple[str | None, str, str]] = frozenset()

    def is_defined(self, group: str) -> bool:
        """Say whether the cluster has a definition of a kind of that group."""
        self._bring_up_to_date()
        return group in self._definitions

    def definitions(self) -> dict[str, bytes]:
        """Return what stands for the definitions of each group; equal: none came, went or changed."""
        self._bring_up_to_date()
        return self._definitions

    def is_scaled(self, key: Key) -> bool:
        """Say whether an autoscaler decides how many replicas an object has."""
        self._bring_up_to_date()
        (_, kind), namespace, name = key
        return (namespace, kind, name) in self._scaled

    def of(self, key: Key) -> str:
        """Return the mark of an object; equal marks: nothing that decides changed."""
        self._bring_up_to_date()
        decides = self._webhooks + self._definitions.get(key[0][0], b"")
        if self.is_scaled(key):
            decides += b"scaled"
        return hashlib.blake2b(decides, digest_size=8).hexdigest() if decides else ""

    def _bring_up_to_date(self) -> None:
        if self._at != self._live.marking_changes:
            self._at = self._live.marking_changes
            self._webhooks = b"".join(one.digest for group in WEBHOOKS for one in self._live.of_kind(group))
            self._scaled = scaled(self._live)
            self._definitions = {}
            for one in self._live.of_kind(DEFINITIONS):
                # A definition is called by its plural and its group; the group is enough to tell it by.
                group = one.name.partition(".")[2]
                self._definitions[group] = self._definitions.get(group, b"") + one.digest
