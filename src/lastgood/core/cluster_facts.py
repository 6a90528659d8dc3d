"""What a renderer is told of the place where an application runs. Pure values; says nothing of how they are found."""

from lastgood.core.value import Value


class ClusterFacts(Value, frozen=True, kw_only=True):
    """A cluster as a chart may ask for it.

    kube_version: as in `v1.33.2`. api_versions: `v1`, `apps/v1`, and kinds as in `apps/v1/Deployment`.
    """

    kube_version: str
    api_versions: tuple[str, ...] = ()


class Circumstances(Value, frozen=True, kw_only=True):
    """What a render depends on besides Git.

    cluster: None where it is not known; the program then takes what it was built with.
    has_run: whether the application ran there before (`.Release.IsUpgrade`).
    """

    cluster: ClusterFacts | None = None
    has_run: bool = False
