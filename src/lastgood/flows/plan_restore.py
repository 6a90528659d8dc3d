"""Restore: each application's own inputs become the chosen version's; everything else stays the head's."""

from lastgood.core.application import Application
from lastgood.core.choose import choose, current_version
from lastgood.core.errors import CommandLineWrong
from lastgood.core.inputs import OwnInputs
from lastgood.core.request import RollbackRequest
from lastgood.core.version import Version
from lastgood.flows.branch import Look
from lastgood.flows.by_feature import Chosen, version_by_feature
from lastgood.flows.draft import Part


def check_choice(request: RollbackRequest) -> None:
    """Make sure that a request asks for one version. Raises CommandLineWrong."""
    asked = (
        request.to is not None,
        request.last_good,
        request.previous,
        request.without is not None,
        request.with_ is not None,
    )
    if sum(asked) > 1:
        raise CommandLineWrong("choose one of --to, --last-good, --previous, --without and --with")
    for option, feature in (("--without", request.without), ("--with", request.with_)):
        if feature is not None and not feature.strip():
            raise CommandLineWrong(f"{option} names no feature", hint="a feature is PR-481, ABC-12, a commit, or words")


async def requested_version(look: Look, app: Application, request: RollbackRequest) -> Chosen:
    """Return the version of an application that a request asks for, seen from the look's head."""
    if request.without is not None:
        return await version_by_feature(look, app, request.without, contains=False)
    if request.with_ is not None:
        return await version_by_feature(look, app, request.with_, contains=True)
    if request.to is not None:
        return Chosen(await chosen_version(look, app, request.to))
    return Chosen(await chosen_version(look, app, "previous" if request.previous else "last-good"))


async def chosen_version(look: Look, app: Application, text: str) -> Version:
    """Return the version of an application that a VERSION names, seen from the look's head."""
    branch = look.branch
    holds = await look.holds(app.name) if text == "last-good" else ()
    return await choose(
        text,
        app=app,
        repo=branch.repo,
        store=branch.store,
        head=look.head.oid,
        now=branch.clock.now(),
        holds=holds,
        runs=await look.runs(app.name),
    )


async def version_now(look: Look, app: Application) -> Version:
    """Return the version at the look's head."""
    branch = look.branch
    runs = await look.runs(app.name)
    return await current_version(app=app, repo=branch.repo, store=branch.store, head=look.head.oid, runs=runs)


async def plan_restore(
    look: Look, app: Application, to: Version, *, with_shared: bool = False, recorded: str = ""
) -> Part:
    """Plan one application's way to a version.

    What was an input then or is one now gets the content that it had then. Inputs that others use, too, stay as they
    are at the head, unless with_shared. recorded: as in Part.
    """
    scope = await look.inputs(app, to.commit)
    own = OwnInputs(app.name, scope, {} if with_shared else look.discovered.scopes)
    edits = await own.edits(look.branch.repo, head=look.head.oid, to=to.commit)
    now = await version_now(look, app)
    return Part(app=app, from_=now, to=to, edits=tuple(edits), with_shared=with_shared, recorded=recorded)
