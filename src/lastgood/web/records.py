"""What the web server reads of the store beside the port Lastgood: events for the stream, counts, single records."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from lastgood.core.deployment import Deployment
from lastgood.core.record import Bucket, DeploymentCount, DeploymentQuery, Event


class Records(Protocol):
    """The part of the port Store that the web server uses; every Store is one."""

    async def events(self, *, after: int, limit: int = 200) -> list[Event]:
        """Return events with an id above `after`, oldest first."""
        ...

    async def deployment(self, app: str, number: int) -> Deployment | None:
        """Return one record."""
        ...

    async def count_deployments(self, query: DeploymentQuery) -> int:
        """Count the records that match."""
        ...

    async def deployment_buckets(self, query: DeploymentQuery, edges: Sequence[dt.datetime]) -> list[Bucket]:
        """Count the matching records between each two neighbouring edges."""
        ...

    async def deployment_totals(self) -> list[DeploymentCount]:
        """Count all attempts that ended, by application, trigger and outcome."""
        ...
