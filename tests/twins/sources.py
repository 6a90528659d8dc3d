"""Which source revision an image is built from, in memory: the twin of the mirrors beside a server."""

from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt

REPO = "https://git.example.com/o/shop.git"


class MemorySources:
    """The port Sources. revisions: reference -> revision of the one history; what is not there is not known.

    away: whether the source repo does not answer: then nothing is known, not even what is on record.
    """

    def __init__(self, history, selection=None):
        self.history = history
        self.selection = selection or Selection()
        self.revisions: dict[str, str] = {}
        self.builds: dict[str, str] = {}
        self.refreshed = 0
        self.away = False

    async def locate_all(self, declared, images, origins, built):
        found = [await self.locate(declared, *image, built.get(image)) for image in images.items()]
        bases = origins.bases.items()
        return found + [await self.locate(declared, *base, built.get(base), base=True) for base in bases]

    async def locate(self, declared, image, reference, built=None, *, base=False):
        _ = declared
        revision = built.revision if built is not None else self.revisions.get(reference)
        if self.away or revision is None:
            return SourceAt(image=image, reference=reference, reason=f"no revision is known of {reference}", base=base)
        return SourceAt(
            image=image,
            reference=reference,
            history=self.history,
            revision=revision,
            selection=self.selection,
            base=base,
            repo=REPO,
            how=built.how if built is not None else "ref" if base else "tag",
        )

    async def build_of(self, declared, image, reference):
        _ = declared, image
        return self.builds.get(reference)

    async def refresh(self):
        self.refreshed += 1
        await self.history.refresh()
