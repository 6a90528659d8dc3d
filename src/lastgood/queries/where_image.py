"""Which applications run an image, one of the same revision, or contain the commit that it was built from.

Awaits the port SourceHistory. Deployments and the source revisions of their images are given; guesses nothing.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lastgood.core.asked_image import AskedImage, full_name, plain_name
from lastgood.core.errors import AmbiguousImage, UnknownFeature
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_versions import MAX_IMAGES, MAX_NEAREST, Deployed, image_of, presences
from lastgood.core.nearest import nearest
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt


def those_asked(image: AskedImage, versions: Sequence[Deployed]) -> tuple[SourceAt, ...]:
    """Return the images among all versions that are meant. Raises AmbiguousImage where a tag is of several images.

    Services that are built from one revision of one repo under one tag are one release: a tag alone means them all.
    """
    ran = [one for one in images_in(versions) if image.fits(one.image, one.reference)]
    exact = [one for one in ran if image.is_named(one.image)]
    ran = exact or ran
    if not image.has_digest:
        by_name = {full_name(one.image): plain_name(one.image) for one in ran}
        built = {(one.history, one.revision) for one in ran}
        is_release = not image.name and len(built) == 1 and ran[0].revision is not None
        if len(by_name) > 1 and not is_release:
            tag = image.references[0]
            candidates = sorted(name if image.name else f"{name}:{tag}" for name in by_name.values())
            raise AmbiguousImage(image=image.name or tag, candidates=", ".join(candidates))
        return tuple(ran)
    given = image.references[-1]
    digests = {said for one in ran for said in one.reference.split("@") if said.startswith(given)}
    if len(digests) > 1:
        raise AmbiguousImage(image=given, candidates=", ".join(sorted(digests)))
    return tuple(ran)


def names_like(image: AskedImage, ran: Sequence[SourceAt]) -> list[str]:
    """Return the whole names, among images that ran, that an asked name may be the end of."""
    names = {plain_name(one.image): None for one in ran}
    return [name for name in names if image.name and (name.endswith(f"/{image.name}") or image.is_named(name))]


def unknown_image(text: str, image: AskedImage, ran: Sequence[SourceAt], why: str) -> UnknownFeature:
    """Make the error that nobody knows an image, with the nearest that ran. why: nor what it was built from."""
    names = names_like(image, ran)
    there = {f"{image.name}:{one.reference}": None for one in ran if plain_name(one.image) in names and one.reference}
    near = list(nearest(text, there)) or list(there)[:MAX_NEAREST]
    hint = f"did you mean {', '.join(near)}?" if near else None
    return UnknownFeature(
        f"nothing here ran {text}{f': {why}' if why else ''}", hint=hint, feature=text, repo=None, nearest=near
    )


def images_in(versions: Iterable[Deployed]) -> list[SourceAt]:
    """Return all images of some versions."""
    return [one for version in map(images_alone, versions) for one in version.sources]


async def image_presences(
    asked: Sequence[SourceAt], source: SourceAt | None, deployed: Sequence[Deployed]
) -> list[Presence]:
    """Say of each version whether it has an image.

    asked: the image, as those that ran it have it; empty: nothing did. source: where it comes from, None where that is
    not known.
    """
    deployed = [images_alone(one) for one in deployed]
    contained: Sequence[Presence | None] = [None] * len(deployed)
    names = {full_name(one.image) for one in asked}
    why = next((one.reason for one in asked if one.reason), "no source repo is named for it")
    if source is not None and source.revision is not None:
        versions = [dataclasses.replace(one, sources=_having_a_say(names, one)) for one in deployed]
        found, _ = await presences(source.revision, versions)
        contained = [None if one.elsewhere else _newer(one, source.revision) for one in found]
    return [
        _runs(asked, source, version) or found or _by_name(names, version, why)
        for version, found in zip(deployed, contained, strict=True)
    ]


def own_build(asked: Sequence[SourceAt], deployed: Sequence[Deployed]) -> SourceAt | None:
    """Return an image that is asked for as some versions ran it, the newest first; None where none of them did."""
    meant = {(full_name(one.image), one.reference) for one in asked}
    ran = (one for one in images_in(deployed) if (full_name(one.image), one.reference) in meant)
    return next((one for one in ran if one.revision is not None), None)


def images_alone(version: Deployed) -> Deployed:
    """Return a version without its bases: these are named like images, and are none."""
    return dataclasses.replace(version, sources=tuple(one for one in version.sources if not one.base))


def _having_a_say(names: set[str], version: Deployed) -> tuple[SourceAt, ...]:
    """Return the images of those names, else all that there are.

    An image is built from all of its repo, also where the newest commit in it changed another service: so of its own
    name every path counts.
    """
    own = [dataclasses.replace(one, selection=Selection()) for one in version.sources if full_name(one.image) in names]
    return tuple(own) or version.sources


def _runs(asked: Sequence[SourceAt], source: SourceAt | None, version: Deployed) -> Presence | None:
    via = source.revision if source is not None else None
    meant = {(full_name(one.image), one.reference) for one in asked}
    very = [one for one in version.sources if (full_name(one.image), one.reference) in meant]
    if very:
        images = tuple(map(image_of, very[:MAX_IMAGES]))
        built = next((one.revision for one in very if one.revision is not None), via)
        # A tag may have been moved since one of them was deployed.
        same = "it runs this very image" if built == via else "it runs what this tag meant when it was deployed"
        return Presence(contains=True, via=built, reason=same, images=images, asked=True)
    for one in version.sources:
        if via is not None and source is not None and (one.history, one.revision) == (source.history, via):
            image = f"{plain_name(one.image)} ({one.reference})"
            reason = f"it runs {image}, built from the same revision"
            return Presence(contains=True, via=via, reason=reason, images=(image_of(one),))
    return None


def _newer(found: Presence, revision: str) -> Presence:
    """Take an image for contained in a newer one, also where its newest commit was reverted since."""
    if found.contains is True or not found.newer:
        return found
    return replace(found, contains=True, via=revision, reason=f"it runs a newer one: {found.reason}")


def _by_name(names: set[str], version: Deployed, why: str) -> Presence:
    named = tuple(image_of(one) for one in version.sources if full_name(one.image) in names)[:MAX_IMAGES]
    if named:
        reason = "it runs another image of that name, and the revision of the one asked for is not known"
        return Presence(contains=None, reason=f"{reason}: {why}", images=named)
    unknown = [one.reason for one in version.sources if not one.reference and one.reason]
    if unknown:
        return Presence(contains=None, reason=unknown[0])
    return Presence(contains=False, reason="it runs no image of that name", beside=True)
