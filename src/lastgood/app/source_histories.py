"""The port Sources: a history for each allowed source repo, kept up to date beside what is deployed, never in its way.

The tag of an image tells its revision; where it is mute, what the image says of itself in its registry, then what its
chart says. The ref of a base tells that of the base.
"""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lastgood.app.image_claims import ImageClaims
from lastgood.app.sources import AllowedSources
from lastgood.core.asked_image import plain_name
from lastgood.core.built import Built, How, Key
from lastgood.core.errors import LastgoodError
from lastgood.core.forge import web_address
from lastgood.core.image_facts import ImageClaim
from lastgood.core.image_name import DOCKER_HUB, ImageName, parse_image_name
from lastgood.core.image_revision import Claims, chart_versions, claimed_revisions
from lastgood.core.origins import Origins
from lastgood.core.ports import Clock
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt
from lastgood.core.sources import Source, SourceOf, source_of
from lastgood.git.source import MirrorSourceRepo
from lastgood.git.source_history import MirrorSourceHistory

if TYPE_CHECKING:
    from lastgood.forge.forges import Forges

# Somebody waits for the answer: a remote that is slower than this is asked on, and told of as unknown.
WAIT_S = 5.0
# A revision that is not there is looked for again after this time, and a feature that is not after that.
AGAIN_S = 60.0
SOON_S = 5.0
LAST_WAIT_S = 10.0
NO_TAG = "it has a digest and no tag to tell its revision"
NO_REF = "its address has no ref, so it may have changed at any time"
NOT_NAMED = "`sources` of lastgood.yaml does not name it"
_DIGESTS = ("sha256:", "sha512:")


@dataclasses.dataclass
class _Kept:
    """A source repo. trouble: why the last look failed, "" where it did not."""

    mirror: MirrorSourceRepo
    history: MirrorSourceHistory
    trouble: str = ""
    looked_at: dt.datetime | None = None
    looking: asyncio.Task[None] | None = None


class SourceHistories:
    """Histories by the address of their source repo.

    role: each process that runs beside another has its own index; None: only `locate` is asked, and none is made.
    images: None where no registry may be asked. forges: None where the operator names none.
    wait_s: how long a remote is waited for.
    """

    def __init__(
        self,
        allowed: AllowedSources,
        *,
        clock: Clock,
        role: str | None,
        images: ImageClaims | None = None,
        forges: "Forges | None" = None,
        wait_s: float = WAIT_S,
    ) -> None:
        self._wait_s = wait_s
        self._allowed = allowed
        self._images = images
        self._forges = forges
        self._clock = clock
        self._role = role
        self._kept: dict[str, _Kept] = {}

    async def locate_all(
        self,
        declared: Sequence[Source],
        images: Mapping[str, str],
        origins: Origins,
        built: Mapping[Key, Built],
    ) -> list[SourceAt]:
        """See Sources.locate_all."""
        charts = origins.charts
        return await asyncio.gather(
            *[self.locate(declared, *one, charts.get(one[0], ()), built.get(one)) for one in images.items()],
            *[self.locate_base(declared, *one, built.get(one)) for one in origins.bases.items()],
        )

    async def locate_base(
        self, declared: Sequence[Source], base: str, ref: str, built: Built | None = None
    ) -> SourceAt:
        """Say where one base comes from; where that is not known, why. built: see `locate`."""
        found = source_of(declared, plain_name(base), ref)
        if found is not None and built is not None:
            return dataclasses.replace(await self._on_record(found, built), base=True)
        reason = NOT_NAMED if found is None else NO_REF
        revision, history = None, None
        if found is not None and ref:
            try:
                kept = await self._keep(found.repo)
                revision, reason = await self._first(kept, found, ref)
                history = kept.history
            except LastgoodError as wrong:
                reason = wrong.message
        if found is None or revision is None:
            return SourceAt(image=base, reference=ref, reason=reason, named=found is not None, base=True)
        return SourceAt(
            image=base,
            reference=ref,
            history=history,
            revision=revision,
            selection=found.selection,
            base=True,
            repo=found.repo,
            how="ref",
        )

    async def locate(
        self,
        declared: Sequence[Source],
        image: str,
        reference: str,
        charts: Sequence[ImageClaim] = (),
        built: Built | None = None,
    ) -> SourceAt:
        """Say where one image comes from; where that is not known, why.

        charts: what its charts say, see Origins. built: what a record knows; then nothing else is asked.
        """
        name = plain_name(image)
        tag = "" if reference.startswith(_DIGESTS) else reference.partition("@")[0]
        found = source_of(declared, name, tag)
        if found is None:
            return SourceAt(image=image, reference=reference, reason=NOT_NAMED, named=False)
        if built is not None:
            return await self._on_record(found, built)
        try:
            kept = await self._keep(found.repo)
        except LastgoodError as wrong:
            return SourceAt(image=image, reference=reference, reason=wrong.message)
        revision, reason = await self._first(kept, found, tag) if tag else (None, NO_TAG)
        how: How = "tag"
        if revision is None:
            how = "registry"
            revision, more = await self._by_registry(kept, found.repo, name, reference)
            reason = "; ".join(part for part in (reason, more) if part)
        if revision is None:
            how = "chart"
            names, more = chart_versions(charts, found.repo, tag)
            if names and "@" not in reference and tag and await self._moves(kept, tag):
                # Another image may be under it while the chart stays.
                names, more = (), f"its tag {tag} moves, so its chart does not tell what is under it"
            wanted = (one for said in names for one in (_revision(declared, name, said), said))
            revision, more = await self._by_chart(kept, tuple(dict.fromkeys(wanted)), more)
            reason = "; ".join(part for part in (reason, more) if part)
        if revision is None:
            return SourceAt(image=image, reference=reference, reason=reason)
        return SourceAt(
            image=image,
            reference=reference,
            history=kept.history,
            revision=revision,
            selection=found.selection,
            repo=found.repo,
            how=how,
        )

    async def _on_record(self, found: SourceOf, built: Built) -> SourceAt:
        """Say where an image or a base comes from whose revision is on record.

        It is looked for where `sources` says now, for a repo may have another address by now; then where it was found.
        """
        reason = ""
        places = {found.repo: found.selection}
        places.setdefault(built.repo, Selection())
        for repo, selection in places.items():
            try:
                kept = await self._keep(repo)
                revision, why = await self._find(kept, built.revision or "")
            except LastgoodError as wrong:
                reason = reason or wrong.message
                continue
            if revision is not None:
                return SourceAt(
                    image=built.image,
                    reference=built.reference,
                    history=kept.history,
                    revision=revision,
                    selection=selection,
                    repo=repo,
                    how=built.how,
                )
            reason = reason or f"{why}, which its deployment record names"
        return SourceAt(image=built.image, reference=built.reference, reason=reason)

    async def build_of(self, declared: Sequence[Source], image: str, reference: str) -> str | None:
        """See Sources.build_of."""
        name = plain_name(image)
        asked = _in_registry(name, reference)
        found = source_of(declared, name, asked.tag or "" if asked is not None else "")
        if asked is None or found is None or self._images is None:
            return None
        try:
            if asked.digest is None and await self._moves(await self._keep(found.repo), asked.tag or ""):
                return None
        except LastgoodError:
            return None
        facts = await self._images.describe(asked)
        claims = claimed_revisions(facts, found.repo).believed if not isinstance(facts, str) else ()
        return next((claim.page for claim in claims if claim.page is not None), None)

    async def _first(self, kept: _Kept, found: SourceOf, tag: str) -> tuple[str | None, str]:
        """Return the commit of the first name that the source repo has; else why there is none."""
        reason = ""
        for name in found.revisions:
            revision, why = await self._find(kept, name)
            if revision is not None:
                return revision, ""
            reason = reason or why
        return None, reason or f"its tag {tag[:100]} has not the form that `revision` of `sources` gives"

    async def _find(self, kept: _Kept, revision: str) -> tuple[str | None, str]:
        """Return the commit that an id or a tag names, after a look at the remote if need be; else why not."""
        try:
            found = await asyncio.to_thread(kept.mirror.find, revision)
            if found is None:
                await self._look(kept, again_s=AGAIN_S)
                found = await asyncio.to_thread(kept.mirror.find, revision)
        except LastgoodError as wrong:
            return None, wrong.message
        return found, kept.trouble or f"{kept.history.repo} has no commit and no tag {revision[:100]}"

    async def _by_registry(self, kept: _Kept, repo: str, name: str, reference: str) -> tuple[str | None, str]:
        """Return the commit that an image says it was built from, if it may be believed; else why it is not known."""
        image = _in_registry(name, reference)
        if image is None:
            return None, ""
        if self._images is None:
            return None, f"the server's settings do not allow the registry {image.registry}"
        if image.digest is None and await self._moves(kept, image.tag or ""):
            return None, f"its tag {image.tag} moves, so the registry may have another image under it by now"
        return await self._by_claims(kept, repo, image, self._images)

    async def _by_claims(self, kept: _Kept, repo: str, image: ImageName, images: ImageClaims) -> tuple[str | None, str]:
        """Ask what is attached to an image where nothing is believed that it says itself: a base image's label, say."""
        facts = await images.describe(image)
        if isinstance(facts, str):
            return None, facts
        revision, reason = await self._believe(kept, claimed_revisions(facts, repo))
        if revision is not None:
            return revision, ""
        attested = facts if facts.attached is not None else await images.attest(image)
        if isinstance(attested, str):
            return None, f"{reason}; what is attached to it is not known: {attested}"
        if not attested.attached:
            return None, reason
        revision, more = await self._believe(kept, claimed_revisions(replace(facts, claims=attested.attached), repo))
        return revision, "" if revision is not None else f"{reason}; {more}"

    async def _believe(self, kept: _Kept, claims: Claims) -> tuple[str | None, str]:
        """Return the first revision that is believed and that the source repo has; else why there is none."""
        reason = claims.reason
        for claimed in claims.believed:
            revision, reason = await self._find(kept, claimed.revision)
            if revision is not None:
                return revision, ""
            reason = f"{reason}, which its {claimed.place} names"
        return None, reason

    async def _by_chart(self, kept: _Kept, wanted: Sequence[str], reason: str) -> tuple[str | None, str]:
        """Return the first revision that the source repo has; else why there is none. reason: why none is wanted."""
        missing = ""
        for one in wanted:
            revision, why = await self._find(kept, one)
            if revision is not None:
                return revision, ""
            missing = missing or f"{why}, which its chart names as appVersion"
        return None, missing or reason

    async def _moves(self, kept: _Kept, tag: str) -> bool:
        return tag == "latest" or await asyncio.to_thread(kept.mirror.has_branch, tag)

    async def refresh(self) -> None:
        """See Sources.refresh."""
        await asyncio.gather(*[self._look(kept, again_s=SOON_S) for kept in list(self._kept.values())])

    async def keep_up(self, every_s: float) -> None:
        """Look at each source repo that was asked for from time to time, for ever."""
        while True:
            await self._clock.sleep(every_s)
            for kept in list(self._kept.values()):
                self._begin(kept, again_s=every_s / 2)

    async def close(self) -> None:
        """Let the indexes go; what is still being fetched is waited for a little."""
        if self._images is not None:
            await self._images.close()
        looking = [kept.looking for kept in self._kept.values() if kept.looking is not None]
        if looking:
            await asyncio.wait(looking, timeout=LAST_WAIT_S)
        for kept in self._kept.values():
            await asyncio.to_thread(kept.history.index.close)

    async def _keep(self, url: str) -> _Kept:
        mirror = await self._allowed.open(url)
        if url not in self._kept:
            index = mirror.folder.with_name(f"{mirror.folder.name}.{self._role}.history")
            forge = self._forges.kind_of(web_address(url)) if self._forges is not None else None
            self._kept[url] = _Kept(mirror, MirrorSourceHistory(mirror, url, index=index, forge=forge))
        return self._kept[url]

    async def _look(self, kept: _Kept, *, again_s: float) -> None:
        """Fetch a source repo unless that was done lately, and wait for it a little."""
        self._begin(kept, again_s=again_s)
        if kept.looking is not None:
            done, _ = await asyncio.wait({kept.looking}, timeout=self._wait_s)
            if not done:
                kept.trouble = f"{kept.history.repo} has not answered for {self._wait_s:.0f} s; it is asked on"

    def _begin(self, kept: _Kept, *, again_s: float) -> None:
        if kept.looking is not None and not kept.looking.done():
            return
        lately = self._clock.now() - dt.timedelta(seconds=again_s)
        if kept.looked_at is None or kept.looked_at <= lately:
            kept.looking = asyncio.create_task(self._fetch(kept))

    async def _fetch(self, kept: _Kept) -> None:
        kept.looked_at = self._clock.now()
        try:
            if self._role is None:
                await asyncio.to_thread(kept.mirror.fetch)
            else:
                await kept.history.refresh()
            kept.trouble = ""
        except LastgoodError as wrong:
            kept.trouble = wrong.message


def _revision(declared: Sequence[Source], name: str, version: str) -> str:
    """Return what a version would be called in the source repo if it were an image's tag."""
    found = source_of(declared, name, version)
    return (found.revision if found is not None else "") or version


def _in_registry(name: str, reference: str) -> ImageName | None:
    """Return where an image stands; None for a single word: an artifact of the process target, or one of Docker's."""
    image = parse_image_name(f"{name}{'@' if reference.startswith(_DIGESTS) else ':'}{reference}")
    return None if image is None or (image.registry == DOCKER_HUB and "/" not in name) else image
