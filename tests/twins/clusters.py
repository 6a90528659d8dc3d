"""A corner of a real cluster for one test: namespaces and a target of its own, gone when the test ends."""

import json
import secrets
import urllib.error
from pathlib import Path
from typing import Any

import yaml

from lastgood.core.application import Application
from lastgood.core.ports import Clock
from lastgood.core.resource import Rendered
from lastgood.render.manifests import render_manifests
from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.target import ClusterRules, KubernetesTarget
from twins.processes import RealClock, application


class Corner:
    """Namespaces, manifests and targets for one test. cluster: what the harness started."""

    def __init__(self, cluster: Any, root: Path) -> None:
        self.cluster = cluster
        self.root = root
        self.mark = secrets.token_hex(4)
        self.own = f"lastgood-{self.mark}"
        self.targets: list[KubernetesTarget] = []
        self.namespaces: list[str] = [self.own]
        self.everywhere: list[str] = []

    def target(
        self, root: str = "target", *, access: ClusterAccess | None = None, clock: Clock | None = None, **rules: Any
    ) -> KubernetesTarget:
        """Return a target; the same root: one that comes after it."""
        made = KubernetesTarget(
            self.root / root,
            name="cluster",
            access=access or ClusterAccess(kubeconfig=str(self.cluster.kubeconfig)),
            clock=clock or RealClock(),
            rules=ClusterRules(**{"namespace": self.own, **rules}),
            settle_s=60,
        )
        self.targets.append(made)
        return made

    def application(self, name: str = "web", **words: Any) -> Application:
        """Return an application with a namespace of its own, which is there."""
        namespace = words.pop("namespace", None) or self.namespace(name)
        return application(name, destination="cluster", namespace=namespace, **words)

    def namespace(self, name: str = "web") -> str:
        """Return a namespace of this test that is there."""
        named = f"{name.replace('.', '-')}-{self.mark}"
        if named not in self.namespaces:
            self.cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": named}})
            self.namespaces.append(named)
        return named

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API server as the administrator; None where there is nothing."""
        try:
            return self.cluster.request(method, path, body)
        except urllib.error.HTTPError as no:
            if no.code == 404:
                return None
            raise

    def account(self, name: str, *rules: dict[str, Any], namespace: str | None = None) -> tuple[str, str]:
        """Make a ServiceAccount with a cluster role of these rules; return its user and a token of it."""
        space = namespace or self.namespace("accounts")
        accounts = f"/api/v1/namespaces/{space}/serviceaccounts"
        self.ask("POST", accounts, {"metadata": {"name": name}})
        if rules:
            self.grant(f"{name}-{self.mark}", list(rules), name=name, namespace=space)
        return f"system:serviceaccount:{space}:{name}", self.token(name, space)

    def token(self, name: str, namespace: str | None = None) -> str:
        """Return a new token of a ServiceAccount."""
        path = f"/api/v1/namespaces/{namespace or self.namespace('accounts')}/serviceaccounts/{name}/token"
        said = self.ask("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        return str(said["status"]["token"])

    def grant(self, role: str, rules: list[dict[str, Any]], *, name: str, namespace: str) -> None:
        """Let a ServiceAccount do something in the whole cluster."""
        kind = "ClusterRole"
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
        self.create({"kind": kind, "metadata": {"name": role}, "rules": rules})
        self.create({"kind": f"{kind}Binding", "metadata": {"name": role}, "roleRef": ref, "subjects": [subject]})

    def create(self, manifest: dict[str, Any]) -> None:
        """Create a ClusterRole or its binding, until the test ends."""
        path = f"/apis/rbac.authorization.k8s.io/v1/{manifest['kind'].lower()}s"
        self.ask("POST", path, {"apiVersion": "rbac.authorization.k8s.io/v1", **manifest})
        self.everywhere.append(f"{path}/{manifest['metadata']['name']}")

    def kubeconfig(self, user: dict[str, Any], file: str = "kubeconfig", **place: Any) -> Path:
        """Write a kubeconfig for the cluster with another user; return its file."""
        said = yaml.safe_load(self.cluster.kubeconfig.read_text())
        context = next(one["context"] for one in said["contexts"] if one["name"] == said["current-context"])
        there = next(one["cluster"] for one in said["clusters"] if one["name"] == context["cluster"])
        written = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "it", "cluster": {**there, **place}}],
            "users": [{"name": "me", "user": user}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
            "current-context": "it",
        }
        path = self.root / file
        path.write_text(yaml.safe_dump(written))
        return path

    async def close(self) -> None:
        """End the targets, and let what was made go."""
        for target in self.targets:
            await target.close()
        for path in self.everywhere:
            self.ask("DELETE", path)
        for named in self.namespaces:
            self.ask("DELETE", f"/api/v1/namespaces/{named}")


def manifests(*objects: dict[str, Any], app: str = "web", namespace: str | None = None) -> Rendered:
    """Render objects as the files of an application."""
    files = [(f"{number}.json", json.dumps(one).encode()) for number, one in enumerate(objects)]
    return render_manifests(files, app=app, namespace=namespace)


def definition_of(group: str, *versions: str, scope: str = "Namespaced", **names: Any) -> dict[str, Any]:
    """Return the definition of Widgets in a group. versions: that it serves; names: more of them."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = [
        {"name": version, "served": True, "storage": number == 0, "schema": schema}
        for number, version in enumerate(versions or ("v1",))
    ]
    named = {"plural": "widgets", "singular": "widget", "kind": "Widget", **names}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": scope, "names": named, "versions": served},
    }


def deployment(name: str, image: str = "registry.example.com/shop/web:1", **spec: Any) -> dict[str, Any]:
    """Return a Deployment of one pod. behaves: how its pods do, as the stages of the harness know it.

    container: its name; one named `talks` has logs.
    """
    behaves, container_name = spec.pop("behaves", None), spec.pop("container", "main")
    annotations = {"lastgood.test/behaves": behaves} if behaves else {}
    environment = spec.pop("env", {})
    container = {
        "name": container_name,
        "image": image,
        "env": [{"name": k, "value": v} for k, v in environment.items()],
    }
    pod = {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": pod, **spec},
    }


def service(name: str, app: str | None = None, **spec: Any) -> dict[str, Any]:
    """Return a Service in front of the pods of a Deployment, by default the one of its own name."""
    ports = [{"port": 80, "targetPort": 8080}]
    spec = {"selector": {"app": app or name}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ingress(name: str, service: str, host: str, **spec: Any) -> dict[str, Any]:
    """Return an Ingress that sends a host to a Service."""
    backend = {"service": {"name": service, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"rules": [rule], **spec},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    """Return a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def annotated(manifest: dict[str, Any], **annotations: str) -> dict[str, Any]:
    """Return an object with annotations; `__` in a key stands for `/`, `_` for `-`, after the domain given first."""
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}
