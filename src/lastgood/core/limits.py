"""What the operator allows, whatever the writers of a config repo want. Pure values."""

from lastgood.core.application import Policy
from lastgood.core.value import Value


class Limits(Value, frozen=True, kw_only=True):
    """Upper limits. lost_share: see `loses_too_many`. progress_s: a deployment not Healthy after this has failed."""

    prune: bool = True
    self_heal: bool = True
    lost_share: float = 0.5
    progress_s: float = 300.0

    def lower(self, policy: Policy) -> Policy:
        """Return the policy as far as it is allowed."""
        return Policy(
            bake_s=policy.bake_s,
            prune=policy.prune and self.prune,
            self_heal=policy.self_heal and self.self_heal,
            reason_required=policy.reason_required,
            auto_rollback=policy.auto_rollback,
        )

    def loses_too_many(self, lost: int, *, of: int) -> bool:
        """Say whether a change that loses so many of a repo's applications has to ask first.

        One application may always go: the smallest repos would ask at every step.
        """
        return lost > 1 and lost > self.lost_share * of
