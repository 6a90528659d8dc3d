"""What a draft comes to for one application: versions, files, renders and holds, on a tree that is already written.

Judges nothing: `flows/preflight.py` does.
"""

from dataclasses import dataclass

from lastgood.core.application import Application
from lastgood.core.commit import FileChange
from lastgood.core.errors import LastgoodError
from lastgood.core.inputs import uses
from lastgood.core.resource import Rendered
from lastgood.flows.branch import Look
from lastgood.flows.draft import Draft, Part
from lastgood.flows.placing import HoldChange, new_hold, refusing_at


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """One application's part with its consequences.

    candidate: a commit that has it, which no ref names. version, path_tree: what it will have. files: what changes of
    its inputs. before, after: renders, or why there is none; None where the path is not there.
    """

    part: Part
    candidate: str
    version: str | None
    path_tree: str | None
    files: tuple[FileChange, ...]
    before: Rendered | LastgoodError | None
    after: Rendered | LastgoodError | None
    again: Rendered | LastgoodError | None
    holds: HoldChange

    @property
    def app(self) -> Application:
        """The application."""
        return self.part.app

    @property
    def touches_holds(self) -> bool:
        """Whether the hold file changes."""
        return self.part.holds_written or self.holds.content is not None


async def weigh(look: Look, draft: Draft, part: Part, *, candidate: str, files: list[FileChange], by: str) -> Weighed:
    """Find out what a part comes to.

    candidate: a commit with the draft's content, which no ref names. files: all that it changes from the head.
    Raises ConfigWrong if the hold file cannot be read and the plan would have to write it.
    """
    repo = look.branch.repo
    version, path_tree = await repo.version(candidate, part.app.scope)
    scope = await look.inputs(part.app, candidate)
    own = tuple(change for change in files if uses(scope, change.path))
    before = await render(look, part.app, look.head.oid, version=part.from_.version)
    after = await render(look, part.app, candidate, version=version)
    again = await _once_more(look, part.app, candidate) if isinstance(after, Rendered) else None
    weighed = Weighed(
        part=part,
        candidate=candidate,
        version=version,
        path_tree=path_tree,
        files=own,
        before=before,
        after=after,
        again=again,
        holds=HoldChange(),
    )
    return Weighed(
        part=part,
        candidate=candidate,
        version=version,
        path_tree=path_tree,
        files=own,
        before=before,
        after=after,
        again=again,
        holds=await _holds(look, draft, weighed, candidate=candidate, by=by),
    )


async def render(look: Look, app: Application, commit: str, *, version: str | None) -> Rendered | LastgoodError | None:
    """Render, or return why not; None where there is nothing to render."""
    if version is None:
        return None
    try:
        return await look.branch.renderer.render(app, look.branch.repo, commit)
    except LastgoodError as failed:
        return failed


async def _once_more(look: Look, app: Application, commit: str) -> Rendered | LastgoodError | None:
    try:
        return await look.branch.renderer.render_anew(app, look.branch.repo, commit)
    except LastgoodError as failed:
        return failed


async def _holds(look: Look, draft: Draft, weighed: Weighed, *, candidate: str, by: str) -> HoldChange:
    part, now = weighed.part, look.branch.clock.now()
    leaves = draft.place_holds and part.from_.version is not None and part.from_.version != weighed.version
    try:
        in_git, in_force = await look.file_holds(part.app.name), await look.holds(part.app.name)
    except LastgoodError as wrong:
        if leaves or part.holds is not None or "held" in draft.despite:
            wrong.hint = "nothing was changed; mend the file, or leave it alone with `--no-hold`"
            raise
        return HoldChange(wrong=wrong)
    kept = {hold.id for hold in (part.holds if part.holds is not None else in_git)}
    gone = {hold.id for hold in in_git} - kept | set(part.ended)
    taken_back = tuple({hold.id: hold for hold in (*in_git, *in_force) if hold.id in gone}.values())
    in_force = tuple(hold for hold in in_force if hold.id not in gone)
    refusals = await refusing_at(
        look.branch.repo, candidate, in_force, version=weighed.version, rendered=weighed.after, now=now
    )
    # A hold that stays would keep the agent from what the person insists on: overriding the check ends it, in Git.
    released = refusals if "held" in draft.despite else ()
    placed = None
    # A reset makes no commit that could carry a hold file: only records can hold what it leaves.
    leaves = leaves and (draft.mode != "reset" or look.branch.store is not None)
    if leaves and not any(hold.version == part.from_.version for hold in in_force):
        placed = new_hold(
            operation=draft.operation,
            app=part.app.name,
            left=part.from_,
            before=weighed.before,
            after=weighed.after,
            files=weighed.files,
            reason=draft.reason,
            by=by,
            now=now,
        )
    content = part.holds if part.holds is not None else in_git
    over = {hold.id for hold in released}
    content = tuple(hold for hold in content if hold.id not in over)
    if placed is not None and draft.mode != "reset":
        content = (*content, placed)
    unchanged = content == (part.holds if part.holds_written else in_git)
    return HoldChange(
        placed=placed,
        refuses=refusals[0] if refusals else None,
        released=released,
        taken_back=taken_back,
        content=None if unchanged or draft.mode == "reset" else content,
    )
