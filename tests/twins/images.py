"""Images as bytes, as builders make them: a configuration, a manifest, an index."""

import base64
import hashlib
import json
from typing import NamedTuple

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"
STATEMENT = "application/vnd.in-toto+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
SLSA_1, SLSA_02 = "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"
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


def provenance(image: str, source: str, revision: str, *, predicate_type: str = SLSA_1, **more) -> dict:
    """Write a statement about an image (by its digest) as the builders of forges do, or in the older form."""
    kind, _, digest = image.partition(":")
    if predicate_type == SLSA_1:
        said = {"buildDefinition": {"resolvedDependencies": [material(source, revision)]}, **more}
    else:
        said = {"invocation": {"configSource": material(source, revision)}, **more}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "shop/web", "digest": {kind: digest}}],
        "predicateType": predicate_type,
        "predicate": said,
    }


def material(source: str, revision: str) -> dict:
    return {"uri": f"git+{source}@refs/heads/main", "digest": {"gitCommit": revision}}


def enveloped(statement: dict) -> dict:
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {"payloadType": STATEMENT, "payload": payload, "signatures": [{"sig": "bm90IGNoZWNrZWQ="}]}


def bundled(statement: dict) -> dict:
    return {"mediaType": BUNDLE, "verificationMaterial": {}, "dsseEnvelope": enveloped(statement)}


def written(kind: str, document: dict) -> Part:
    return Part(kind, json.dumps(document).encode())


def attestation(statement: Part, *, predicate_type: str = SLSA_1, **more) -> Part:
    """Return the manifest that attests by one statement."""
    layer = statement.descriptor(annotations={"in-toto.io/predicate-type": predicate_type})
    return manifest(Part(EMPTY, b"{}"), layers=[layer], **more)
