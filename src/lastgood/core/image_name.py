"""Names of images as Docker and Kubernetes read them: which registry, which repository, which tag or digest. Pure.

Knows no network, and does not know whether there is such an image.
"""

import re

from lastgood.core.value import Value

DOCKER_HUB = "docker.io"
# Docker Hub's name of old: the same images.
_DOCKER_INDEX = "index.docker.io"
_LATEST = "latest"
_LONGEST_HOST = 255
_LONGEST_REPOSITORY = 255
_LONGEST_PORT = 65_535
# Host, repository, tag and digest with what stands between them: nothing longer can be a name.
_LONGEST = _LONGEST_HOST + _LONGEST_REPOSITORY + 128 + 140

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::(?P<port>[0-9]{{1,5}}))?")
# One part of a repository: a dot, one or two underscores, or dashes stand only between letters and digits.
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_BARE_ID = re.compile(r"[0-9a-f]{64}")


class ImageName(Value, frozen=True, kw_only=True):
    """The full name of an image.

    registry: a host, with its port where one is named (`docker.io` where none is). repository: what it is called
    there (`library/nginx`). tag: None only beside a digest. digest: `sha256:` or `sha512:` and its hex digits.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        """Write it in full; read again, it is the same name."""
        tag = f":{self.tag}" if self.tag is not None else ""
        return f"{self.registry}/{self.repository}{tag}{f'@{self.digest}' if self.digest is not None else ''}"

    @property
    def reference(self) -> str:
        """What a registry is asked for: a digest wins over a tag, which then is only a word."""
        return self.digest or self.tag or _LATEST


def parse_image_name(text: str) -> ImageName | None:
    """Read an image as a pod or a Dockerfile names it; None for what no registry could be asked for. Text is hostile.

    What stands before the first slash is a registry where it has a dot, a colon or a capital, or is `localhost`;
    anything else is a folder of Docker Hub (`bitnami/redis`), and a single word one of its own images (`nginx`).
    Source: the reference grammar of the distribution project, which container engines and the kubelet share.
    """
    if len(text) > _LONGEST or _BARE_ID.fullmatch(text):
        return None
    named, at, digest = text.partition("@")
    registry, rest = _host_and_rest(named)
    repository, colon, tag = rest.partition(":")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    if (
        not is_registry_host(registry)
        or len(repository) > _LONGEST_REPOSITORY
        or _REPOSITORY.fullmatch(repository) is None
        or (colon and _TAG.fullmatch(tag) is None)
        or (at and not is_digest(digest))
    ):
        return None
    return ImageName(
        registry=registry,
        repository=repository,
        tag=tag if colon else None if at else _LATEST,
        digest=digest if at else None,
    )


def is_registry_host(text: str) -> bool:
    """Say whether it is a host as images name one: a DNS name or an address, with a port or without."""
    found = _HOST.fullmatch(text) if len(text) <= _LONGEST_HOST else None
    return found is not None and 0 < int(found["port"] or 1) <= _LONGEST_PORT


def is_digest(text: str) -> bool:
    """Say whether it is a digest that can be checked: SHA-256 or SHA-512 in small hex digits."""
    return _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Say whether it could be the tag of an image."""
    return _TAG.fullmatch(text) is not None


def _host_and_rest(named: str) -> tuple[str, str]:
    first, slash, rest = named.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        return DOCKER_HUB, named
    return (DOCKER_HUB if first == _DOCKER_INDEX else first), rest
