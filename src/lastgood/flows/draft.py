"""A rollback in the making: what each application leaves and gets, before it is weighed. Values only."""

from typing import Any

from lastgood.core.application import Application
from lastgood.core.commit import Commit, Edit
from lastgood.core.hold import Hold
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.core.words import Mode, OperationKind, Via


class Part(Value, frozen=True, kw_only=True):
    """One application's part. to: what was chosen (commit None: no commit has it). edits: of the root tree.

    commits: those that a revert undoes, newest first. holds: the whole hold file's new entries where an undo puts
    them back (None: the plan decides). holds_written: `edits` already has the file, byte for byte as it was.
    recorded: what deployment records alone say of the version, where it was chosen by a feature.
    ended: ids of holds that end with this, wherever they stand. with_shared: `edits` are of shared inputs, too.
    """

    app: Application
    from_: Version
    to: Version
    edits: tuple[Edit, ...]
    commits: tuple[Commit, ...] = ()
    holds: tuple[Hold, ...] | None = None
    holds_written: bool = False
    ended: tuple[str, ...] = ()
    with_shared: bool = False
    recorded: str = ""


class Draft(Value, frozen=True, kw_only=True):
    """A plan without its checks. place_holds: versions left go on hold. despite, reason: as asked for.

    title: what an undo takes back, for the subject. without, with_: the feature that somebody wants to be without, or
    to have. asked: the request as the journal keeps it. via: how it is to be delivered; None: as lastgood.yaml
    says.
    """

    operation: str
    kind: OperationKind
    mode: Mode
    parts: tuple[Part, ...]
    reason: str
    despite: tuple[str, ...]
    place_holds: bool
    expect_versions: dict[str, str | None] = {}
    title: str = ""
    without: str | None = None
    with_: str | None = None
    asked: dict[str, Any] = {}
    via: Via | None = None
