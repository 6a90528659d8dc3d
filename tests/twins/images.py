"""Images as bytes, as builders make them: a configuration, a manifest, an index."""

import hashlib
import json
from typing import NamedTuple

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
REVISION = "4f2d1c0b9a8e7f6d5c4b3a29181706f5e4d3c2b1"


class Part(NamedTuple):
    """Some content with its kind."""

    kind: str
    data: bytes

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    def descriptor(self, **more) -> dict:
        return {"mediaType": self.kind, "digest": self.digest, "size": len(self.data), **more}


def words(**given: str) -> dict[str, str]:
    """Write `revision="abc"` as annotations and labels name it."""
    return {f"org.opencontainers.image.{name}": value for name, value in given.items()}


def config(labels: dict | None = None, *, kind: str = CONFIG) -> Part:
    return Part(kind, json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": labels}}).encode())


def manifest(config: Part, *, annotations: dict | None = None, kind: str = MANIFEST, layers=(), **more) -> Part:
    said = {"schemaVersion": 2, "mediaType": kind, "config": config.descriptor(), "layers": list(layers), **more}
    return Part(kind, json.dumps(said | ({"annotations": annotations} if annotations else {})).encode())


def index(*manifests: dict, annotations: dict | None = None, kind: str = INDEX) -> Part:
    said = {"schemaVersion": 2, "mediaType": kind, "manifests": list(manifests)}
    return Part(kind, json.dumps(said | ({"annotations": annotations} if annotations else {})).encode())


def platform(architecture: str, os: str = "linux") -> dict:
    return {"platform": {"architecture": architecture, "os": os}}
