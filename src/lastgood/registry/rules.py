"""Which registries may be asked, and how each is reached: what the operator says. Pure values; opens nothing."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lastgood.core.image_name import DOCKER_HUB
from lastgood.core.value import Value

# The address that Docker Hub's name stands for.
_DOCKER_HUB_URL = "https://registry-1.docker.io"
# Hosts of Docker Hub that no image's full name has.
OTHER_NAMES_OF_DOCKER_HUB = ("index.docker.io", "registry-1.docker.io", "hub.docker.com")


class RegistryRule(Value, frozen=True, kw_only=True):
    """A registry that may be asked.

    host: as images name it. url: where it is; "": https at that host. docker_config: the file with its credentials,
    in Docker's form; None: it is asked as a stranger would.
    """

    host: str
    url: str = ""
    docker_config: Path | None = None

    @property
    def address(self) -> str:
        """Return scheme, host and port, without a slash at the end."""
        if self.url:
            return self.url.rstrip("/")
        return _DOCKER_HUB_URL if self.host == DOCKER_HUB else f"https://{self.host}"


def rule_for(rules: Sequence[RegistryRule], host: str) -> RegistryRule | None:
    """Return the rule of a registry; None: it may not be asked. Hosts have no capitals of their own."""
    return next((rule for rule in rules if rule.host.lower() == host.lower()), None)


def why_no_address(url: str) -> str | None:
    """Say in a few words what is wrong with a registry's `url`; None where nothing is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is no URL that begins with https:// or http://"
    if parts.username is not None or parts.password is not None:
        return "carries credentials; they belong in the file that `docker_config` names"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "has more than scheme, host and port"
    return None
