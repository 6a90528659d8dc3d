"""Which source revision an image is built from, in memory: the twin of the mirrors beside a server."""

from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt


class MemorySources:
    """The port Sources. revisions: reference -> revision of the one history; what is not there is not known."""

    def __init__(self, history, selection=None):
        self.history = history
        self.selection = selection or Selection()
        self.revisions: dict[str, str] = {}
        self.builds: dict[str, str] = {}
        self.refreshed = 0

    async def locate_all(self, declared, images, origins):
        found = [await self.locate(declared, *image) for image in images.items()]
        return found + [await self.locate(declared, *base, base=True) for base in origins.bases.items()]

    async def locate(self, declared, image, reference, *, base=False):
        _ = declared
        if reference not in self.revisions:
            return SourceAt(image=image, reference=reference, reason=f"no revision is known of {reference}", base=base)
        return SourceAt(
            image=image,
            reference=reference,
            history=self.history,
            revision=self.revisions[reference],
            selection=self.selection,
            base=base,
        )

    async def build_of(self, declared, image, reference):
        _ = declared, image
        return self.builds.get(reference)

    async def refresh(self):
        self.refreshed += 1
        await self.history.refresh()
