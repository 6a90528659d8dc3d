"""What else decides how an applied object looks: the definition of its kind, webhooks, and autoscalers.

When one of these changes, what was found equal before must be asked anew; and once more a little later what was found
just after it: the API server itself goes by the change only some time after it told of it. Pure, over what is kept in
memory, but for the time.
"""

import hashlib
from collections.abc import Callable

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
# API servers read mutating policies about every second, each for itself.
SETTLES_S = 5.0
_NOT_SETTLED = "?"


class Marks:
    """Marks of objects, made anew only when a definition, a webhook or an autoscaler changed.

    now: returns seconds that only go up.
    """

    def __init__(self, live: Live, *, now: Callable[[], float]) -> None:
        self._live = live
        self._now = now
        self._at = -1
        self._webhooks = b""
        self._definitions: dict[str, bytes] = {}
        self._scaled: frozenset[tuple[str | None, str, str]] = frozenset()
        # By the API group whose definitions changed; None: webhooks, which decide about all.
        self._settles_at: dict[str | None, float] = {}

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
        """Return the mark of an object, for what is found now; see `holds`."""
        mark = self._settled(key)
        return mark + _NOT_SETTLED if self._is_settling(key) else mark

    def holds(self, mark: str, key: Key) -> bool:
        """Say whether nothing that decides changed since an object had that mark, and what was found then counts."""
        settled = self._settled(key)
        return mark == settled or (mark == settled + _NOT_SETTLED and self._is_settling(key))

    def _settled(self, key: Key) -> str:
        self._bring_up_to_date()
        decides = self._webhooks + self._definitions.get(key[0][0], b"")
        if self.is_scaled(key):
            decides += b"scaled"
        return hashlib.blake2b(decides, digest_size=8).hexdigest() if decides else ""

    def _is_settling(self, key: Key) -> bool:
        now = self._now()
        return any(self._settles_at.get(decides, now) > now for decides in (None, key[0][0]))

    def _bring_up_to_date(self) -> None:
        if self._at != self._live.marking_changes:
            self._at = self._live.marking_changes
            webhooks, definitions = self._webhooks, self._definitions
            self._webhooks = b"".join(one.digest for group in WEBHOOKS for one in self._live.of_kind(group))
            self._scaled = scaled(self._live)
            self._definitions = {}
            for one in self._live.of_kind(DEFINITIONS):
                # A definition is called by its plural and its group; the group is enough to tell it by.
                group = one.name.partition(".")[2]
                self._definitions[group] = self._definitions.get(group, b"") + one.digest
            settles_at = self._now() + SETTLES_S
            if self._webhooks != webhooks:
                self._settles_at[None] = settles_at
            for group in self._definitions.keys() | definitions.keys():
                if self._definitions.get(group) != definitions.get(group):
                    self._settles_at[group] = settles_at
