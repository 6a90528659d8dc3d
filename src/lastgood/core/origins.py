"""Where a version comes from, as its own files say it: what charts say of images, and bases by Git ref. Pure."""

from collections.abc import Collection

from lastgood.core.image_facts import ImageClaim
from lastgood.core.value import Value


class Origins(Value, frozen=True, kw_only=True):
    """What a version's own files say of where it comes from, beside the images.

    charts: what the charts that rendered an image say of its source, by the image's name as `images` has it.
    bases: bases of kustomizations in other Git repos, name (`github.com/org/app//deploy`) -> ref, "" for none.
    """

    charts: dict[str, tuple[ImageClaim, ...]] = {}
    bases: dict[str, str] = {}


NO_ORIGINS = Origins()


def changed_origins(before: Origins, after: Origins, images: Collection[str]) -> tuple[Origins, Origins]:
    """Return of both what tells of a change: bases with another ref, and the charts of images that changed.

    images: the names of those. A base without a ref may have changed at any time, so it is always among them.
    """
    changed = {
        name
        for name in before.bases.keys() | after.bases.keys()
        if before.bases.get(name) != after.bases.get(name) or not after.bases[name]
    }
    return _only(before, changed, images), _only(after, changed, images)


def _only(origins: Origins, bases: Collection[str], images: Collection[str]) -> Origins:
    return Origins(
        charts={name: origins.charts[name] for name in origins.charts if name in images},
        bases={name: origins.bases[name] for name in sorted(origins.bases) if name in bases},
    )
