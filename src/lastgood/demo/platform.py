"""What the demo runs its shop on: processes of this machine, or a Kubernetes cluster. The story is the same on both."""

import contextlib
import json
import socket
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from lastgood.demo.shop import ENVIRONMENTS, SERVICES


class Platform(Protocol):
    """Where the shop runs. app: `service-environment`."""

    @property
    def what(self) -> str:
        """Say what an application is there."""
        ...

    @property
    def namespace(self) -> str | None:
        """Return what lastgood.yaml says of namespaces; None for nothing."""
        ...

    @property
    def image(self) -> str:
        """Return how the image (or artifact) of a `{service}` is called."""
        ...

    def destinations(self) -> str:
        """Return the destinations of lastgood.toml."""
        ...

    def file(self, service: str, environment: str, revision: str, *, bad: bool) -> tuple[str, str]:
        """Return the name and the content of an application's file. bad: the release that never becomes ready."""
        ...

    async def is_there(self, app: str) -> bool:
        """Say whether something of an application is there, without asking lastgood."""
        ...


class Processes:
    """Each application a process that listens on a port of this machine.

    ports: `service-environment` to its port; None: free ones are chosen.
    """

    what = "a real process"
    namespace = None
    image = "{service}"

    def __init__(self, *, python: str, ports: Mapping[str, int] | None = None) -> None:
        self._python = python
        self._ports = ports or _free_ports(f"{service}-{where}" for service in SERVICES for where in ENVIRONMENTS)

    def destinations(self) -> str:
        """See Platform."""
        return "\n".join(f'[destinations.{where}]\ntype = "process"\nrun_as_agent = true' for where in ENVIRONMENTS)

    def file(self, service: str, environment: str, revision: str, *, bad: bool) -> tuple[str, str]:
        """See Platform. The bad release needs no mark: its program asks for a setting that nobody gave."""
        _ = bad
        port = self._ports[f"{service}-{environment}"]
        content = f"""\
            version: "0.5"
            x-lastgood:
              artifacts:
                {service}: {revision}
            processes:
              {service}:
                command: exec {self._python} services/{service}.py
                environment:
                  - PORT={port}
                readiness_probe:
                  http_get: {{host: 127.0.0.1, port: {port}, path: /ready}}
                  period_seconds: 0.2
                  timeout_seconds: 1
                  failure_threshold: 10
                availability: {{restart: on_failure, backoff_seconds: 1}}
                shutdown: {{timeout_seconds: 5}}
            """
        return "process-compose.yaml", textwrap.dedent(content)

    async def is_there(self, app: str) -> bool:
        """See Platform: somebody listens on the application's port."""
        with socket.socket() as client:
            client.settimeout(1)
            return client.connect_ex(("127.0.0.1", self._ports[app])) == 0


class Cluster:
    """Each application a Deployment and a Service in a namespace of its environment.

    Made for the control plane that the project's own tests start: its pods do what an annotation says. kubeconfig:
    the file that leads to it.
    """

    what = "a Deployment on a real control plane"
    namespace = "{service}-{environment}"
    image = "registry.example.com/shop/{service}"

    def __init__(self, *, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def destinations(self) -> str:
        """See Platform."""
        return "\n".join(
            f'[destinations.{where}]\ntype = "kubernetes"\nkubeconfig = {json.dumps(str(self._kubeconfig))}\n'
            'may_delete = ["Namespace"]'
            for where in ENVIRONMENTS
        )

    def file(self, service: str, environment: str, revision: str, *, bad: bool) -> tuple[str, str]:
        """See Platform."""
        behaves = "never-ready" if bad else "well"
        content = f"""\
            apiVersion: v1
            kind: Namespace
            metadata:
              name: {service}-{environment}
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: {service}
            spec:
              selector: {{app: {service}}}
              ports: [{{port: 80, targetPort: 8080}}]
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: {service}
            spec:
              replicas: 2
              progressDeadlineSeconds: 3
              selector:
                matchLabels: {{app: {service}}}
              template:
                metadata:
                  labels: {{app: {service}}}
                  annotations: {{lastgood.test/behaves: {behaves}}}
                spec:
                  containers:
                    - name: {service}
                      image: registry.example.com/shop/{service}:{revision}
                      readinessProbe: {{httpGet: {{path: /ready, port: 8080}}}}
            """
        return "manifests.yaml", textwrap.dedent(content)

    async def is_there(self, app: str) -> bool:
        """See Platform: the application's namespace is in the cluster, by the cluster's own word."""
        from lastgood.targets.kubernetes.connection import ClusterAccess, Connection  # noqa: PLC0415 - only with one
        from lastgood.targets.kubernetes.trouble import Answered  # noqa: PLC0415 - the same

        connection = Connection(ClusterAccess(kubeconfig=str(self._kubeconfig)))
        try:
            await connection.request("GET", f"/api/v1/namespaces/{app}")
        except Answered as no:
            if no.reason == "NotFound":
                return False
            raise
        finally:
            await connection.close()
        return True


def _free_ports(apps: Iterable[str]) -> dict[str, int]:
    """Return a free port for each application."""
    with contextlib.ExitStack() as held:
        ports = {}
        for app in apps:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            ports[app] = one.getsockname()[1]
        return ports
