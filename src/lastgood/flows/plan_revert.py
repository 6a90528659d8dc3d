"""Revert: take back what given commits did to an application, path by path; a conflict stops the plan."""

from collections.abc import Sequence

from lastgood.core.application import Application
from lastgood.core.commit import Commit, Edit, TreeEntry
from lastgood.core.errors import NothingToUndo, RevertConflict
from lastgood.core.inputs import OwnInputs
from lastgood.core.ports import ConfigRepo
from lastgood.core.tree import shown_path
from lastgood.core.version import Version, version_at
from lastgood.flows.branch import Look
from lastgood.flows.draft import Part
from lastgood.flows.plan_restore import version_now


async def plan_revert(look: Look, app: Application, commits: Sequence[Commit]) -> Part:
    """Plan one application without what these commits did to it.

    commits: as the person gave them; they are undone newest first, merges against their first parent.
    None given: the newest commit of the branch that changed the application.
    Raises RevertConflict with the commit and the paths, NothingToUndo.
    """
    repo = look.branch.repo
    if not commits:
        entries = (await repo.history(look.head.oid, app.scope, limit=1)).entries
        if not entries:
            raise NothingToUndo(app=app.name)
        commits = [entries[0].commit]
    newest_first = sorted(commits, key=lambda commit: commit.committed_at, reverse=True)
    around = [oid for commit in commits for oid in (commit.oid, *commit.parents[:1])]
    own = await look.own_inputs(app, *around)
    tree, edits = look.head.tree, dict[str, Edit]()
    for commit in newest_first:
        step = await undo_commit(repo, own, tree, commit)
        tree = await repo.write_tree(tree, step)
        edits.update({edit.path: edit for edit in step})
    to = await _result(look, app, tree)
    return Part(
        app=app,
        from_=await version_now(look, app),
        to=to,
        edits=tuple(edits.values()),
        commits=tuple(newest_first),
    )


async def undo_commit(repo: ConfigRepo, own: OwnInputs, tree: str, commit: Commit) -> list[Edit]:
    """Return the edits of `tree` that take back what one commit did to an application's own inputs.

    A three-way merge by path: base is the commit's tree, ours is `tree`, theirs is the commit's first parent.
    """
    parent = (await repo.commit(commit.parents[0])).tree if commit.parents else None
    edits, conflicts = [], []
    for change in await repo.changes(parent, commit.tree, lines=False):
        if not own.owns(change.path):
            continue
        base = await repo.entry(commit.tree, change.path)
        ours = await repo.entry(tree, change.path)
        theirs = await repo.entry(parent, change.path) if parent is not None else None
        if _same(ours, theirs):
            continue
        if _same(ours, base):
            edits.append(_put(change.path, theirs))
            continue
        merged = await _merge(repo, base, ours, theirs)
        if merged is None:
            conflicts.append(shown_path(change.path))
        else:
            edits.append(Edit(path=change.path, mode=merged.mode, oid=merged.oid))
    if conflicts:
        raise RevertConflict(app=own.app, commit=commit.short, paths=conflicts, conflicts=", ".join(conflicts[:10]))
    return edits


async def _merge(
    repo: ConfigRepo, base: TreeEntry | None, ours: TreeEntry | None, theirs: TreeEntry | None
) -> TreeEntry | None:
    """Merge contents and modes; None for a conflict. Only regular files have lines to merge."""
    if base is None or ours is None or theirs is None or not (base.is_file and ours.is_file and theirs.is_file):
        return None
    oid = ours.oid
    if base.oid not in {ours.oid, theirs.oid} and ours.oid != theirs.oid:
        merged = await repo.merge_files(base.oid, ours.oid, theirs.oid)
        if merged is None:
            return None
        oid = merged
    elif ours.oid == base.oid:
        oid = theirs.oid
    mode = theirs.mode if ours.mode == base.mode else ours.mode
    return TreeEntry(path=ours.path, mode=mode, oid=oid)


async def _result(look: Look, app: Application, tree: str) -> Version:
    """Describe the result: by the commit of the branch's line that had this version, if one did."""
    repo = look.branch.repo
    commit = await repo.make_commit(
        tree=tree,
        parents=[look.head.oid],
        author=look.head.author,
        authored_at=look.head.committed_at,
        message="A plan of lastgood; no branch has this commit\n",
    )
    version, path_tree = await repo.version(commit, app.scope)
    ran = await look.ran(app.name, version)
    for entry in (await repo.history(look.head.oid, app.scope)).entries:
        if entry.version == version and version is not None:
            return version_at(entry.commit, version=version, path_tree=path_tree, ran=ran)
    return Version(
        version=version,
        path_tree=path_tree,
        commit=None,
        short=None,
        subject=None,
        author=None,
        committed_at=None,
        ran=ran,
    )


def _same(one: TreeEntry | None, other: TreeEntry | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.mode, one.oid) == (other.mode, other.oid)


def _put(path: str, entry: TreeEntry | None) -> Edit:
    return Edit(path=path) if entry is None else Edit(path=path, mode=entry.mode, oid=entry.oid)
