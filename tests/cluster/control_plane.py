"""A control plane of its own for one run: etcd, API server, controller manager, scheduler, and kwok instead of nodes.

Its folder, its ports and its keys are made anew each time, so two runs do not meet. Each part is ended by its own pid.
"""

import base64
import contextlib
import json
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

STAGES = Path(__file__).parent / "stages"
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node-0", "labels": {"kubernetes.io/hostname": "node-0", "kubernetes.io/os": "linux"}},
}
# What a container named `talks` printed, in this run and in the one before.
LOGS = {
    "now": [f"line {number}" for number in range(1, 31)],
    "before": ["reading settings", "DATABASE_PASSWORD=hunter2hunter2", "KeyError: 'RATES_URL'"],
}
# Twenty requests a second, their own limit, is what a large cluster would not be run with.
FAST = ("--kube-api-qps=1000", "--kube-api-burst=2000")
UP_S = 60.0
LOOK_AGAIN_S = 0.05
END_S = 2.0


class NotUp(Exception):
    """The control plane does not come up; says which part, and its last words."""


class ControlPlane:
    """Runs while it is entered. kubeconfig: the file of an administrator.

    survives_interrupt: a Ctrl-C in the terminal does not end its parts, which somebody still needs then.
    """

    def __init__(self, programs: Mapping[str, Path], *, survives_interrupt: bool = False) -> None:
        self._survives_interrupt = survives_interrupt
        self.programs = programs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._token = secrets.token_urlsafe(24)
        self.folder = Path()
        self.kubeconfig = Path()
        self.port = 0

    def __enter__(self) -> Self:
        shared_memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="lastgood-", dir=shared_memory if shared_memory.is_dir() else None))
        try:
            self._keys()
            etcd, peers, kubelet, self.port = _free_ports(4)
            self._etcd = f"http://127.0.0.1:{etcd}"
            self._peers = f"http://127.0.0.1:{peers}"
            self._start_store()
            self.start_api_server()
            self._write_kubeconfig()
            self._run(
                "kube-controller-manager",
                f"--kubeconfig={self.kubeconfig}",
                f"--service-account-private-key-file={self.folder / 'service-accounts.key'}",
                f"--root-ca-file={self._authority}",
                "--leader-elect=false",
                "--secure-port=0",
                "--concurrent-deployment-syncs=20",
                "--concurrent-replicaset-syncs=20",
                *FAST,
            )
            self._run(
                "kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0", *FAST
            )
            self._run(
                "kwok",
                f"--kubeconfig={self.kubeconfig}",
                "--manage-all-nodes=true",
                "--node-lease-duration-seconds=40",
                *self._as_kubelet(kubelet),
                *(f"--config={stages}" for stages in sorted(STAGES.glob("*.yaml"))),
            )
            self.request("POST", "/api/v1/nodes", NODE)
            self._until("the node is not ready", self._node_is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_wrong: object) -> None:
        for name in reversed(list(self._running)):
            self._end(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_store(self) -> None:
        self._run(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={self._etcd}",
            f"--listen-peer-urls={self._peers}",
            f"--initial-advertise-peer-urls={self._peers}",
            f"--initial-cluster=default={self._peers}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )

    def copy_store(self) -> None:
        """Keep a copy of all that the cluster has, as a backup would."""
        self._end("etcd")
        shutil.copytree(self.folder / "etcd", self.folder / "copy")
        self._start_store()
        self._until("the API server does not find its store again", self._is_ready)

    def put_back_store(self) -> None:
        """Stop the API server, put the copy in place of what the cluster has, and start it again."""
        self.stop_api_server()
        self._end("etcd")
        shutil.rmtree(self.folder / "etcd")
        shutil.copytree(self.folder / "copy", self.folder / "etcd")
        self._start_store()
        self.start_api_server()

    def start_api_server(self) -> None:
        """Start the API server, also once more after `stop_api_server`: same address, same keys."""
        tokens = self.folder / "tokens.csv"
        tokens.write_text(f'{self._token},admin,admin,"system:masters"\n')
        keys = self.folder / "service-accounts.key"
        self._run(
            "kube-apiserver",
            f"--etcd-servers={self._etcd}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--token-auth-file={tokens}",
            f"--client-ca-file={self.client_authority}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={keys}",
            f"--service-account-signing-key-file={keys}",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
            "--kubelet-preferred-address-types=InternalIP",
        )
        self._until("the API server is not ready", self._is_ready)

    def stop_api_server(self) -> None:
        """End the API server alone; everything else goes on and waits for it."""
        self._end("kube-apiserver")

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API server as the administrator; return what it answered."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self._address}{path}", data, headers, method=method)  # noqa: S310 - https to us
        trusted = ssl.create_default_context(cafile=str(self._authority))
        with urllib.request.urlopen(asked, timeout=5, context=trusted) as answer:  # noqa: S310 - the same
            said = answer.read()
        return json.loads(said) if said.startswith(b"{") else said.decode()

    @property
    def client_authority(self) -> Path:
        """Return the certificate of who signs those of clients; its key lies beside it."""
        return self.folder / "clients.crt"

    @property
    def _address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def _authority(self) -> Path:
        return self.folder / "certificates" / "apiserver.crt"

    def _keys(self) -> None:
        keys = str(self.folder / "service-accounts.key")
        openssl = shutil.which("openssl") or "openssl"
        subprocess.run([openssl, "genrsa", "-out", keys, "2048"], check=True, capture_output=True)
        made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(self.client_authority.with_suffix(".key"))]
        named = ["-subj", "/CN=clients", "-days", "2", "-out", str(self.client_authority)]
        subprocess.run([openssl, "req", "-x509", *made, *named], check=True, capture_output=True)

    def _as_kubelet(self, port: int) -> list[str]:
        """Return how kwok answers for logs: those of containers named `talks` are made up, others have none."""
        said = []
        for name, lines in LOGS.items():
            made = self.folder / f"{name}.container-log"
            made.write_text("".join(f"2026-11-19T14:32:00.000000000Z stdout F {line}\n" for line in lines))
            said.append((name, str(made)))
        now, before = (file for _, file in said)
        logs = {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterLogs",
            "metadata": {"name": "talks"},
            "spec": {"logs": [{"containers": ["talks"], "logsFile": now, "previousLogsFile": before}]},
        }
        config = self.folder / "logs.yaml"
        config.write_text(json.dumps(logs))
        certificates = self.folder / "certificates"
        return [
            "--node-ip=127.0.0.1",
            f"--node-port={port}",
            f"--server-address=127.0.0.1:{port}",
            f"--tls-cert-file={certificates / 'apiserver.crt'}",
            f"--tls-private-key-file={certificates / 'apiserver.key'}",
            f"--config={config}",
        ]

    def _write_kubeconfig(self) -> None:
        authority = base64.b64encode(self._authority.read_bytes()).decode()
        said = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "test", "cluster": {"server": self._address, "certificate-authority-data": authority}}
            ],
            "users": [{"name": "admin", "user": {"token": self._token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(said))

    def _run(self, name: str, *args: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [self.programs[name], *args],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=self._survives_interrupt,
            )

    def _end(self, name: str) -> None:
        part = self._running.pop(name, None)
        if part is None:
            return
        part.send_signal(signal.SIGTERM)
        try:
            part.wait(END_S)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):  # URLError and what ssl raises are OSErrors; no answer yet
            return bool(self.request("GET", "/readyz") == "ok")
        return False

    def _node_is_ready(self) -> bool:
        conditions = self.request("GET", "/api/v1/nodes/node-0")["status"].get("conditions", [])
        return any(said["type"] == "Ready" and said["status"] == "True" for said in conditions)

    def _until(self, wrong: str, true: Any) -> None:
        end = time.monotonic() + UP_S
        while not true():
            for name, part in self._running.items():
                if part.poll() is not None:
                    raise NotUp(f"{name} ended: {self._last_words(name)}")
            if time.monotonic() > end:
                raise NotUp(f"{wrong} after {UP_S:.0f} s: {self._last_words('kube-apiserver')}")
            time.sleep(LOOK_AGAIN_S)

    def _last_words(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]


@contextlib.contextmanager
def _held_ports(count: int) -> Iterator[list[int]]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        yield [one.getsockname()[1] for one in sockets]


def _free_ports(count: int) -> list[int]:
    with _held_ports(count) as ports:
        return ports
