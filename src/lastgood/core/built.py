"""What images and bases of deployments were built from, as it was found when their records were made.

A tag may mean another commit later; what ran does not change by that. Awaits the port Store; asks no source repo.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from lastgood.core.deployment import Deployment, reach
from lastgood.core.record import DeploymentQuery
from lastgood.core.value import Value

if TYPE_CHECKING:
    # The ports are made of what stands here.
    from lastgood.core.ports import Store

# Of an application so many of the newest records that keep revisions are read, and so many runs of one version.
MOST_RECORDS = 1_000
MOST_RUNS = 50
How = Literal["tag", "ref", "registry", "chart"]
Key = tuple[str, str]


class Built(Value, frozen=True, kw_only=True):
    """What an image or a base of a deployment was built from. image, reference: as in SourceAt.

    repo: the address of the source repo, as `sources` gave it. revision: a full commit id, None where it was not known
    then. how: what told it: the image's tag, the base's ref, what stands in the registry, or the chart.
    """

    image: str
    reference: str
    repo: str = ""
    revision: str | None = None
    how: How | None = None


class BuiltAt:
    """What records know of images and bases as of one deployment. found: newest first; see BuiltRecords."""

    def __init__(self, found: Mapping[Key, Sequence[tuple[int, Built]]], *, oldest: int, newest: int) -> None:
        self._found = found
        self._oldest = oldest
        self._newest = newest

    def of(self, *some: Mapping[str, str]) -> dict[Key, Built]:
        """Return what is known of some images or bases, name -> reference.

        The newest record that names one under that reference counts; if it did not know, nothing is known.
        """
        said = {key: self._said(key) for each in some for key in each.items()}
        return {key: one for key, one in said.items() if one is not None and one.revision is not None}

    def is_shared(self, image: str, reference: str, revision: str | None) -> bool:
        """Say whether a chart told one revision of another image of that name, too, in whichever record."""
        return any(
            one.how == "chart" and one.revision == revision
            for (name, other), kept in self._found.items()
            if name == image and other != reference
            for _, one in kept
        )

    def revisions(self) -> dict[Key, str]:
        """Return the revisions of all that ran up to this deployment, as far as they are known.

        Without what charts told: a chart stands beside an image, and may say another thing of the same one.
        """
        said = {key: self._said(key) for key in self._found}
        return {
            key: one.revision
            for key, one in said.items()
            if one is not None and one.revision is not None and one.how != "chart"
        }

    def _said(self, key: Key) -> Built | None:
        kept = self._found.get(key, ())
        return next((one for of, one in kept if self._oldest <= of <= self._newest), None)


class BuiltRecords:
    """What the records of one application keep. rows: each record's id and what it keeps, the newest first."""

    def __init__(self, rows: Iterable[tuple[int, Sequence[Built]]]) -> None:
        self._found: dict[Key, list[tuple[int, Built]]] = {}
        for deployment, kept in rows:
            for one in kept:
                self._found.setdefault((one.image, one.reference), []).append((deployment, one))

    def own(self, deployment: int) -> BuiltAt:
        """Return what a deployment's own record knows: of what changed with it."""
        return BuiltAt(self._found, oldest=deployment, newest=deployment)

    def at(self, deployment: int) -> BuiltAt:
        """Return what is known of all that a deployment ran: what did not change with it, earlier records know."""
        return BuiltAt(self._found, oldest=0, newest=deployment)


# Of what never ran by record.
NOT_BUILT = BuiltAt({}, oldest=0, newest=0)


async def built_records(store: "Store | None", app: str) -> BuiltRecords:
    """Read what the records of an application keep; nothing where there are none."""
    return BuiltRecords(await store.built(app, limit=MOST_RECORDS) if store is not None else ())


async def built_at(store: "Store | None", app: str, version: str | None) -> BuiltAt:
    """Return what is known of a version as it ran last, by its id."""
    if store is None or version is None:
        return NOT_BUILT
    runs = await store.deployments(DeploymentQuery(app=app, version=version, limit=MOST_RUNS))
    last = last_run(runs, version)
    return (await built_records(store, app)).at(last) if last is not None else NOT_BUILT


def last_run(runs: Iterable[Deployment], version: str | None) -> int | None:
    """Return the id of the newest record by which a version came to its target. runs: newest first."""
    return next((run.id for run in runs if run.version == version and reach(run) != "none"), None)
