"""The resources of a version, Secrets as they are: a server never offers it. Awaits the ports; writes nothing."""

from collections.abc import Sequence

from lastgood.core.choose import choose
from lastgood.core.errors import UnknownVersion
from lastgood.core.ports import Clock, Renderer, Store
from lastgood.core.resource import Rendered
from lastgood.queries.followed import Followed, place_of


async def render(
    app: str,
    version: str | None,
    *,
    followed: Sequence[Followed],
    renderer: Renderer,
    clock: Clock,
    store: Store | None = None,
) -> Rendered:
    """Render a version (None: the current one).

    Raises UnknownApplication, UnknownVersion, RenderFailed, NoRenderer.
    """
    place = await place_of(app, followed)
    commit: str | None = place.head
    if version is not None:
        chosen = await choose(
            version,
            app=place.application,
            repo=place.repo,
            store=store,
            head=place.head,
            now=clock.now(),
            holds=await place.readable_holds(),
        )
        commit = chosen.commit if chosen.version is not None else None
    if commit is None or (await place.repo.version(commit, place.application.scope))[0] is None:
        raise UnknownVersion(
            f"{app} has no content at {version or 'the head'}: its path is not there",
            app=app,
            version=version or "current",
        )
    return await renderer.render(place.application, place.repo, commit)
