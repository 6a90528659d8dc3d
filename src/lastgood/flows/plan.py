"""Turn a draft into a plan: write its tree (no ref moves), weigh it, check it, and say it in Git's words."""

from collections import Counter
from collections.abc import Sequence

from lastgood.core.checks import overridden
from lastgood.core.commit import Commit, Edit, FileChange, Person
from lastgood.core.hold import MAX_HOLD_BYTES, format_holds, hold_path
from lastgood.core.message import operation_message
from lastgood.core.operation import Moved
from lastgood.core.plan import (
    AlsoAffected,
    Check,
    Plan,
    PlannedApplication,
    PlannedFeatures,
    PlannedFile,
    PlanResult,
)
from lastgood.core.pull_request import proposed_branch
from lastgood.core.resource import Rendered, image_changes
from lastgood.core.resource_diff import resource_changes
from lastgood.core.setting import Settings
from lastgood.core.tree import shown_path
from lastgood.flows.branch import Look
from lastgood.flows.draft import Draft
from lastgood.flows.feature_needed import feature_needed, return_notes
from lastgood.flows.git_commands import move_commands, restore_commands, revert_commands
from lastgood.flows.plan_features import (
    already_so,
    as_shown,
    bounded,
    feature_lines,
    feature_notes,
    planned_features,
    told_by_records,
)
from lastgood.flows.plan_settings import planned_settings, setting_lines
from lastgood.flows.planned import Planned
from lastgood.flows.preflight import named, preflight_application, preflight_reset
from lastgood.flows.weigh import Weighed, weigh

MAX_SINCE = 20


async def plan_commit(look: Look, draft: Draft, *, by: Person) -> Planned:
    """Plan a restore, a revert or an undo: one new commit on the head.

    Writes trees and blobs, and a commit that no ref names. Raises ConfigWrong for a hold file that it would have to
    change and cannot read.
    """
    repo, delivery = look.branch.repo, look.delivery(draft.via)
    content = await repo.write_tree(look.head.tree, [edit for part in draft.parts for edit in part.edits])
    candidate = await _candidate(look, content, by)
    files = await repo.changes(look.head.tree, content)
    weighed = [
        await weigh(look, draft, part, candidate=candidate, files=files, by=_shown_person(by)) for part in draft.parts
    ]
    hold_files = [
        (hold_path(w.app.name), format_holds(w.holds.content) if w.holds.content else None)
        for w in weighed
        if w.holds.content is not None
    ]
    hold_files += [
        (path, await _written(look, content, path))
        for path in (hold_path(w.app.name) for w in weighed if w.part.holds_written and w.holds.content is None)
    ]
    tree = await repo.write_tree(content, await _hold_edits(look, hold_files))
    also = _also(look, draft, files)
    found = await planned_features(look, weighed)
    shown = await as_shown(look, weighed, found)
    checks = await _checks(look, draft, weighed, found)
    settings = await planned_settings(weighed)
    moved = tuple(_moved(w, look) for w in weighed)
    message = operation_message(
        operation=draft.operation,
        kind=draft.kind,
        subject=_subject(draft, weighed),
        reason=draft.reason,
        leaving=feature_lines([one.leaving for one in shown], left=True),
        commits=await _leaving(look, weighed),
        returning=feature_lines([one.returning for one in shown], left=False),
        settings=setting_lines([w.app.name for w in weighed], settings),
        moved=moved,
        despite=tuple(dict.fromkeys(check.name for check in checks if check.overridden)),
    )
    plan = Plan(
        id=draft.operation,
        kind=draft.kind,
        mode=draft.mode,
        via="pr" if delivery == "pull-request" else "push",
        branch=look.branch.name,
        head=look.head.oid,
        applications=tuple(
            [
                await _application(look, w, f, s, files_of_hold=True, tree=tree)
                for w, f, s in zip(weighed, shown, settings, strict=True)
            ]
        ),
        also_affected=also,
        checks=checks,
        git=_commands(look, draft, weighed, message, hold_files, by_request=delivery == "pull-request"),
        result=PlanResult(tree=tree, commit=None, pushed=False, head=look.head.oid),
        reason=draft.reason,
        message=message,
        notes=(*_notes(weighed), *await _feature_notes(look, draft, weighed, found)),
        delivery=look.policy if look.branch.pulls is not None else None,
    )
    if_refused = delivery == "pull-request-if-refused"
    return Planned(plan, moved=moved, ends=_ends(weighed), if_refused=if_refused)


async def plan_move(look: Look, draft: Draft, to: Commit, *, by: Person) -> Planned:
    """Plan a reset to a commit, or (kind undo) the way forward again to the head that a reset discarded."""
    repo = look.branch.repo
    files = await repo.changes(look.head.tree, to.tree)
    weighed = [
        await weigh(look, draft, part, candidate=to.oid, files=files, by=_shown_person(by)) for part in draft.parts
    ]
    also = _also(look, draft, files)
    found = await planned_features(look, weighed)
    shown = await as_shown(look, weighed, found)
    checks = await _checks(look, draft, weighed, found)
    if draft.kind == "rollback":
        checks = overridden([*checks, *await preflight_reset(look, to.oid, me=by, also=also)], draft.despite)
    discards = draft.kind == "rollback"
    plan = Plan(
        id=draft.operation,
        kind=draft.kind,
        mode="reset",
        via="push",
        branch=look.branch.name,
        head=look.head.oid,
        applications=tuple(
            [
                await _application(look, w, f, s, files_of_hold=False, tree=to.tree)
                for w, f, s in zip(weighed, shown, await planned_settings(weighed), strict=True)
            ]
        ),
        also_affected=also,
        checks=checks,
        git=move_commands(branch=look.branch.name, head=look.head.oid, to=to.oid, discards=discards),
        result=PlanResult(tree=to.tree, commit=to.oid, pushed=False, head=look.head.oid),
        reason=draft.reason,
        notes=(*(_reset_notes(look, weighed) if discards else ()), *await _feature_notes(look, draft, weighed, found)),
    )
    return Planned(plan, moved=tuple(_moved(w, look) for w in weighed), ends=_ends(weighed))


async def _candidate(look: Look, tree: str, by: Person) -> str:
    return await look.branch.repo.make_commit(
        tree=tree,
        parents=[look.head.oid],
        author=by,
        authored_at=look.head.committed_at,
        message="A plan of lastgood; no branch has this commit\n",
    )


async def _hold_edits(look: Look, hold_files: Sequence[tuple[str, bytes | None]]) -> list[Edit]:
    return [
        Edit(path=path, oid=await look.branch.repo.write_blob(data)) if data is not None else Edit(path=path)
        for path, data in hold_files
    ]


async def _written(look: Look, tree: str, path: str) -> bytes | None:
    entry = await look.branch.repo.entry(tree, path)
    return await look.branch.repo.read(entry.oid, max_bytes=MAX_HOLD_BYTES, path=path) if entry is not None else None


async def _checks(
    look: Look, draft: Draft, weighed: Sequence[Weighed], found: Sequence[PlannedFeatures]
) -> tuple[Check, ...]:
    checks = [check for one in weighed for check in await preflight_application(look, draft, one)]
    if look.discovered.sources:
        together = {one.app.name for one in weighed}
        pairs = zip(weighed, found, strict=True)
        checks += [await feature_needed(look, w, f, together=together) for w, f in pairs]
    return overridden(checks, draft.despite)


async def _application(
    look: Look, weighed: Weighed, found: PlannedFeatures, settings: Settings, *, files_of_hold: bool, tree: str
) -> PlannedApplication:
    part = weighed.part
    files = list(weighed.files)
    if files_of_hold:
        path = hold_path(part.app.name)
        changes = await look.branch.repo.changes(
            await _folder(look, look.head.tree, path), await _folder(look, tree, path)
        )
        name = path.rpartition("/")[2]
        files += [_at(change, path) for change in changes if change.path == name]
    before, after = weighed.before, weighed.after
    both = isinstance(before, Rendered) and isinstance(after, Rendered)
    old = before if isinstance(before, Rendered) else None
    new = after if isinstance(after, Rendered) else None
    known = both or (old is not None and after is None) or (new is not None and before is None)
    return PlannedApplication(
        app=part.app.name,
        from_=part.from_,
        to=part.to,
        version=weighed.version,
        path_tree=weighed.path_tree,
        files=tuple(_planned_file(change) for change in files),
        resources=resource_changes(old.resources if old else (), new.resources if new else ()) if known else (),
        renders_as_ran=await _renders_as_ran(look, weighed),
        images=image_changes(old.images if old else {}, new.images if new else {}) if known else (),
        features=bounded(found),
        hold=weighed.holds.placed,
        settings=settings,
        recorded=part.recorded,
    )


async def _folder(look: Look, tree: str, path: str) -> str | None:
    entry = await look.branch.repo.entry(tree, path.rpartition("/")[0])
    return entry.oid if entry is not None and entry.is_tree else None


def _at(change: FileChange, path: str) -> FileChange:
    return FileChange(
        path=path, change=change.change, added=change.added, removed=change.removed, old=change.old, new=change.new
    )


def _planned_file(change: FileChange) -> PlannedFile:
    return PlannedFile(
        path=shown_path(change.path),
        change=change.change,
        added=change.added,
        removed=change.removed,
        new=change.new,
    )


async def _renders_as_ran(look: Look, weighed: Weighed) -> bool | None:
    if look.branch.store is None or not isinstance(weighed.after, Rendered):
        return None
    runs = await look.runs(weighed.app.name)
    digest = next((run.digest for run in runs if run.version == weighed.part.to.version and run.digest), None)
    return None if digest is None else digest == weighed.after.digest


def _also(look: Look, draft: Draft, files: Sequence[FileChange]) -> tuple[AlsoAffected, ...]:
    mine = {part.app.name for part in draft.parts}
    moving = Counter(name for change in files for name in look.discovered.sharing.using(change.path))
    return tuple(
        AlsoAffected(app=name, how=f"{count} of its files change")
        for name, count in sorted(moving.items())
        if name not in mine
    )


def _moved(weighed: Weighed, look: Look) -> Moved:
    part = weighed.part
    # Where no commit has the result, the trailer names the new commit's parent.
    return Moved(app=part.app.name, from_=part.from_.commit or look.head.oid, to=part.to.commit or look.head.oid)


def _subject(draft: Draft, weighed: Sequence[Weighed]) -> str:
    names = ", ".join(w.app.name for w in weighed[:3])
    if len(weighed) > 3:  # noqa: PLR2004 - a subject is one line
        names += f" and {len(weighed) - 3} more"
    if draft.kind == "undo":
        return f"Undo {draft.title} of {names}"
    if draft.mode == "revert":
        undone = [commit.short for commit in weighed[0].part.commits]
        return f"Roll back {names}: undo {', '.join(undone[:3])}{' and more' if len(undone) > 3 else ''}"  # noqa: PLR2004
    targets = list(dict.fromkeys(named(w.part.to) for w in weighed))
    return f"Roll back {names} to {', '.join(targets[:3])}"


async def _leaving(look: Look, weighed: Sequence[Weighed]) -> list[str]:
    """Return one line for each change that leaves: what changed the application since the commit it goes back to."""
    lines: list[str] = []
    for one in weighed:
        part = one.part
        if part.commits:
            lines += [f"{commit.short} {commit.subject}" for commit in part.commits]
            continue
        if not one.files or part.to.commit is None:
            continue
        history = await look.branch.repo.history(look.head.oid, part.app.scope, limit=MAX_SINCE)
        since = []
        for entry in history.entries:
            if entry.version == part.to.version or entry.commit.oid == part.to.commit:
                break
            since.append(f"{entry.commit.short} {entry.commit.subject}")
        else:
            # Not on this line of history (a roll forward, a long way back): the one that is left must do.
            since = since[:1]
        lines += since
    return list(dict.fromkeys(lines))


def _commands(
    look: Look,
    draft: Draft,
    weighed: Sequence[Weighed],
    message: str,
    hold_files: Sequence[tuple[str, bytes | None]],
    *,
    by_request: bool,
) -> tuple[str, ...]:
    branch, head = look.branch.name, look.head.oid
    own = proposed_branch(draft.kind, draft.operation) if by_request else None
    if not any(w.files for w in weighed) and not hold_files:
        return ()
    if draft.mode == "revert" and draft.kind == "rollback":
        commits = {commit.oid: len(commit.parents) > 1 for w in weighed for commit in w.part.commits}
        return revert_commands(
            branch=branch,
            head=head,
            message=message,
            commits=list(commits.items()),
            paths=[w.app.path for w in weighed],
            hold_files=hold_files,
            own=own,
        )
    restored = [
        (w.part.to.commit, [edit for edit in w.part.edits if edit.path != hold_path(w.app.name)]) for w in weighed
    ]
    return restore_commands(
        branch=branch, head=head, message=message, restored=restored, hold_files=hold_files, own=own
    )


def _ends(weighed: Sequence[Weighed]) -> tuple[str, ...]:
    return tuple(hold.id for w in weighed for hold in (*w.holds.released, *w.holds.taken_back))


def _notes(weighed: Sequence[Weighed]) -> tuple[str, ...]:
    return tuple(
        f"{w.app.name}: this commit ends {len(w.holds.released)} hold(s) that refuse the version"
        for w in weighed
        if w.holds.released
    )


async def _feature_notes(
    look: Look, draft: Draft, weighed: Sequence[Weighed], found: Sequence[PlannedFeatures]
) -> list[str]:
    notes: list[str] = []
    for one, features in zip(weighed, found, strict=True):
        wanted = draft.with_ if draft.without is None else draft.without
        if wanted is not None and one.version == one.part.from_.version:
            notes.append(already_so(one.app.name, wanted, has=draft.without is None, recorded=one.part.recorded))
            continue
        if wanted is not None and one.part.recorded:
            notes.append(told_by_records(one.app.name, one.part, wanted, has=draft.without is None))
        notes += feature_notes(look, one.app.name, features, without=draft.without)
        notes += await return_notes(look, one, features)
    return notes


def _reset_notes(look: Look, weighed: Sequence[Weighed]) -> tuple[str, ...]:
    names = ", ".join(named(w.part.from_) for w in weighed if w.part.from_.version is not None)
    if look.branch.store is None:
        return (f"a reset writes no hold: nothing keeps {names} from coming back",)
    return ()


def _shown_person(person: Person) -> str:
    return f"{person.name} <{person.email}>"
