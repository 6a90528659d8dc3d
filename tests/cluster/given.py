"""A cluster that somebody gave the tests by KUBECONFIG: asked as its kubeconfig says, and never stopped."""

import io
import json
import urllib.error
from email.message import Message
from pathlib import Path
from typing import Any, Self

from lightkube.config.client_adapter import Client, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig

BAD = 400


class GivenCluster:
    """Asks while it is entered. kubeconfig: the file that was given."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __enter__(self) -> Self:
        config = KubeConfig.from_file(self.kubeconfig).get()
        if config is None:
            raise ValueError(f"{self.kubeconfig} names no current context")
        self._client = Client(config, ConnectionParams())
        return self

    def __exit__(self, *_wrong: object) -> None:
        self._client.close()

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API server; return what it answered. Raises HTTPError, as the harness's own control plane does."""
        content = None if body is None else json.dumps(body).encode()
        answer = self._client.request(method, path, content=content, headers={"Content-Type": "application/json"})
        if answer.status_code >= BAD:
            raise urllib.error.HTTPError(path, answer.status_code, answer.text, Message(), io.BytesIO(answer.content))
        return json.loads(answer.content) if answer.content.startswith(b"{") else answer.text

    def has_stages(self) -> bool:
        """Say whether its nodes are those of `make cluster`, whose pods behave as the tests say."""
        nodes = self.request("GET", "/api/v1/nodes")["items"]
        return bool(nodes) and all(node["status"]["nodeInfo"]["kubeletVersion"] == "fake" for node in nodes)
