"""Where the Services, Ingresses and routes of an application lead, and under which addresses. Pure."""

from collections.abc import Iterator
from typing import Any

from lastgood.core.service import Endpoint
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live_object import LiveObject
from lastgood.targets.kubernetes.reading import at, mappings, text, texts, whole

SERVICE: GroupKind = ("", "Service")
ENDPOINT_SLICE: GroupKind = ("discovery.k8s.io", "EndpointSlice")
INGRESS: GroupKind = ("networking.k8s.io", "Ingress")
# Every kind of route has `parentRefs` and `backendRefs` in its rules.
ROUTES: frozenset[GroupKind] = frozenset(
    ("gateway.networking.k8s.io", kind) for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
)
MAX_ADDRESSES = 50
MAX_CHARS = 500


def selects(service: dict[str, Any], labels: dict[str, str]) -> bool:
    """Say whether a Service takes pods with these labels; one without a selector takes none."""
    wanted = texts(service, "spec", "selector")
    return bool(wanted) and wanted.items() <= labels.items()


def backends(manifest: dict[str, Any], kind: GroupKind) -> list[tuple[str, str, str]]:
    """Return where an Ingress or a route leads: (namespace, name of a Service, address from outside), each once."""
    found = _ingress(manifest) if kind == INGRESS else _route(manifest) if kind in ROUTES else iter(())
    return list(dict.fromkeys(one for one in found if one[1]))[:MAX_ADDRESSES]


def service_endpoints(service: dict[str, Any], slices: list[LiveObject]) -> list[Endpoint]:
    """Return the addresses of a Service: its name in the cluster for each port, then what it has outside.

    slices: its EndpointSlices, whose addresses are counted.
    """
    name, namespace = text(service, "metadata", "name"), text(service, "metadata", "namespace")
    if text(service, "spec", "type") == "ExternalName":
        return [Endpoint(kind="Service", name=name, address=text(service, "spec", "externalName")[:MAX_CHARS])]
    hosts = [f"{name}.{namespace}.svc"]
    hosts += [
        text(one, "hostname") or text(one, "ip") for one in mappings(service, "status", "loadBalancer", "ingress")
    ]
    ports = [whole(port, "port") for port in mappings(service, "spec", "ports")]
    ready, wanted = counted(slices)
    found = [
        Endpoint(kind="Service", name=name, address=f"{host}:{port}"[:MAX_CHARS], ready=ready, wanted=wanted)
        for host in hosts
        if host
        for port in ports
        if port is not None
    ]
    return found[:MAX_ADDRESSES]


def counted(slices: list[LiveObject]) -> tuple[int, int]:
    """Count the pods (or other ends) in slices, each once: (those that take traffic, all)."""
    ends: dict[str, bool] = {}
    for one in slices:
        for end in mappings(one.manifest, "endpoints"):
            named = text(end, "targetRef", "uid") or repr(at(end, "addresses"))
            # Not said is to be taken for ready, the API's own rule.
            ready = at(end, "conditions", "ready") is not False
            ends[named] = ends.get(named, False) or ready
    return sum(ends.values()), len(ends)


def pods_in(endpoint_slice: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pods that a slice sends to: (namespace, name)."""
    refs = [at(end, "targetRef") for end in mappings(endpoint_slice, "endpoints")]
    return [(text(ref, "namespace"), text(ref, "name")) for ref in refs if text(ref, "kind") == "Pod"]


def _ingress(manifest: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    namespace = text(manifest, "metadata", "namespace")
    secure = {host for one in mappings(manifest, "spec", "tls") for host in _texts_in(at(one, "hosts"))}
    yield namespace, text(manifest, "spec", "defaultBackend", "service", "name"), ""
    for rule in mappings(manifest, "spec", "rules"):
        host = text(rule, "host")
        for path in mappings(rule, "http", "paths"):
            scheme = "https" if host in secure else "http"
            address = f"{scheme}://{host}{text(path, 'path')}" if host else text(path, "path")
            yield namespace, text(path, "backend", "service", "name"), address[:MAX_CHARS]


def _route(manifest: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    own = text(manifest, "metadata", "namespace")
    # Whether it is https, and under which port, the Gateway says, which is somebody else's.
    hosts = _texts_in(at(manifest, "spec", "hostnames")) or [""]
    for rule in mappings(manifest, "spec", "rules"):
        paths = [text(match, "path", "value") for match in mappings(rule, "matches")] or [""]
        for ref in mappings(rule, "backendRefs"):
            if (text(ref, "group"), text(ref, "kind") or "Service") == SERVICE:
                for host in hosts:
                    for path in paths:
                        yield text(ref, "namespace") or own, text(ref, "name"), f"{host}{path}"[:MAX_CHARS]


def _texts_in(value: Any) -> list[str]:
    return [one for one in value[:MAX_ADDRESSES] if isinstance(one, str)] if isinstance(value, list) else []
