"""The words that records, pages and JSON use, and no synonyms of them."""

from typing import Literal

Health = Literal["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]
Sync = Literal["Synced", "OutOfSync", "Unknown"]
Outcome = Literal["succeeded", "failed", "partial", "superseded", "in-progress"]
Trigger = Literal["commit", "rollback", "undo", "definition", "drift", "retry"]
Mode = Literal["restore", "revert", "reset"]
Via = Literal["push", "pr"]
DeliveryPolicy = Literal["push", "pull-request", "pull-request-if-refused"]
CheckOutcome = Literal["pass", "warn", "block", "unknown"]
Change = Literal["added", "modified", "removed"]
OperationKind = Literal["rollback", "undo", "hold", "unhold", "pause", "resume", "retry", "forget"]
RendererName = Literal["plain", "kustomize", "helm", "process-compose", "unknown"]
Occasion = Literal["install", "upgrade", "return", "heal"]
"""Why a version is applied: the first one, a new one, one that ran before, or the same one once more after drift."""
