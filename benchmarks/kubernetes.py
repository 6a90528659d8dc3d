"""Releases to a real control plane, from the push: all applications at once, and one of them; against a bare client.

N applications (Deployment, Service, ConfigMap each, plain YAML, one repo); one commit changes the image of all, or of
one. *direct* sends just the changed Deployments, as fast as the API server takes them: the floor. Then a restart.
Beside it, the same applications as kustomizations and as charts, by the real programs, whose CPU counts as ours.
Builds a control plane and the programs on first use, which takes minutes.
"""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.figures import Figure
from cluster.control_plane import ControlPlane
from cluster.programs import programs
from lastgood.targets.kubernetes.connection import ClusterAccess, Connection
from twins.git_fixtures import git
from twins.render_programs import built_programs

RENDERED = ("kustomize", "helm")
SIZES = tuple(int(n) for n in os.environ.get("BENCH_APPLICATIONS", "100,1000").split(","))
NAMESPACE = "bench"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
WAIT_S = 600.0
# At N: updated, available, in seconds.
MUST = {100: (1.0, 5.0), 1_000: (10.0, 50.0)}
ONE_UPDATED_S, CPU_MS, REQUESTS, MOST_MIB, KNOWN_S, RESTART_S = 0.3, 10.0, 3.0, 250.0, 1.0, 10.0
_REQUESTS = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)


def measure(folder: Path, *, commits: int) -> Iterator[Figure]:
    """Measure at each size on a fresh control plane. commits: means nothing here."""
    _ = commits
    for size in SIZES:
        with ControlPlane(programs()) as plane:
            yield from asyncio.run(_measure(folder / str(size), plane, size))
    for form in RENDERED:
        with ControlPlane(programs()) as plane:
            yield from asyncio.run(_measure_rendered(folder / form, plane, form, SIZES[0]))


class Deployments:
    """What the cluster says of each Deployment, watched."""

    def __init__(self) -> None:
        self.images: dict[str, str] = {}
        self.available: dict[str, str] = {}
        self.changed = asyncio.Event()

    async def follow(self, connection: Connection) -> None:
        while True:
            # Listed anew each time: the API server ends the watch of somebody who does not keep up.
            listed = await connection.request("GET", DEPLOYMENTS)
            for one in listed["items"]:
                self._take(one)
            params = {
                "watch": "true",
                "resourceVersion": listed["metadata"]["resourceVersion"],
                "allowWatchBookmarks": "true",
            }
            async for line in connection.watch(DEPLOYMENTS, params):
                if line is not None:
                    event = msgspec.json.decode(line)
                    if event["type"] in ("ADDED", "MODIFIED"):
                        self._take(event["object"])

    def _take(self, one: dict[str, Any]) -> None:
        name, status = one["metadata"]["name"], one.get("status", {})
        image = one["spec"]["template"]["spec"]["containers"][0]["image"]
        self.images[name] = image
        whole = (
            status.get("observedGeneration") == one["metadata"]["generation"]
            and status.get("updatedReplicas") == status.get("replicas") == status.get("availableReplicas") == 1
        )
        self.available[name] = image if whole else ""
        self.changed.set()

    async def until(self, true: Callable[[], bool]) -> float:
        """Return when (by time.time) it became true."""
        async with asyncio.timeout(WAIT_S):
            while not true():
                self.changed.clear()
                await self.changed.wait()
        return time.time()


@asynccontextmanager
async def _watched(connection: Connection) -> AsyncIterator[Deployments]:
    deployments = Deployments()
    following = asyncio.create_task(deployments.follow(connection))
    try:
        yield deployments
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


class Release(NamedTuple):
    """How a push went: when it began; the server's CPU before it; until the applications were as it says.

    late_s: from available to known on the timeline; cpu_ms, requests: for each application, until then.
    """

    began: float
    cpu_before_s: float
    updated_s: float
    available_s: float
    late_s: float
    cpu_ms: float
    requests: float


async def _measure(folder: Path, plane: ControlPlane, size: int) -> list[Figure]:
    names = [f"app{n:04d}" for n in range(size)]
    repo = _repo(folder, names)
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    (folder / "lastgood.toml").write_text(SETTINGS.format(remote=folder / "config.git", kubeconfig=plane.kubeconfig))
    connection = Connection(ClusterAccess(kubeconfig=str(plane.kubeconfig)))
    server = Server(folder)
    try:
        async with _watched(connection) as seen:
            server.start()
            await _all(seen, names, "registry.example.com/shop/web:1")
            await server.settled(size)

            async def release(which: list[str], tag: str) -> Release:
                image = f"registry.example.com/shop/web:{tag}"
                _write(repo, which, image)
                cpu, asked = server.cpu_s(), _requests(plane)
                began = time.time()
                git(repo, "push", "-q", "origin", "HEAD:main")
                updated = await seen.until(lambda: all(seen.images.get(name) == image for name in which))
                available = await seen.until(lambda: all(seen.available.get(name) == image for name in which))
                known = await server.settled(size, since=began, count=len(which))
                return Release(
                    began=began,
                    cpu_before_s=cpu,
                    updated_s=updated - began,
                    available_s=available - began,
                    late_s=known - available,
                    cpu_ms=(server.cpu_s() - cpu) * 1000 / len(which),
                    requests=(_requests(plane) - asked) / len(which),
                )

            everything = await release(names, "2")
            await server.kept(since=everything.began, count=size)
            with_kept_ms = (server.cpu_s() - everything.cpu_before_s) * 1000 / size
            ones = sorted([(await release([names[n]], f"one{n}")).updated_s for n in range(5)])
            peak = server.peak_mib()
            restart = await _restart(server, size, plane)
            server.stop()  # it would take back what somebody else sends
            direct = await _direct(connection, seen, names, "registry.example.com/shop/web:direct")
    finally:
        server.stop()
        await connection.close()
    updated_s, available_s = MUST.get(size, (size / 100, size / 20))
    at = f"of {size:,}"

    def held(name: str, value: float, most: float, unit: str = "s") -> Figure:
        return Figure(f"{name}", f"{value:.2f} {unit}", f"at most {most:g} {unit}", value <= most)

    return [
        Figure(f"direct: all {at} updated / available", f"{direct[0]:.2f} s / {direct[1]:.1f} s"),
        Figure(f"direct: own CPU for each, {at}", f"{direct[2]:.2f} ms"),
        held(f"all {at} updated", everything.updated_s, updated_s),
        held(f"all {at} available", everything.available_s, available_s),
        held(f"known on the timeline after available, {at}", everything.late_s, KNOWN_S),
        held(f"one {at} updated (median of 5)", ones[2], ONE_UPDATED_S),
        held(f"own CPU for each changed application, {at}", everything.cpu_ms, CPU_MS, "ms"),
        held(f"own CPU until features and settings are kept with it, {at}", with_kept_ms, CPU_MS, "ms"),
        held(f"applies for each changed application, {at}", everything.requests, REQUESTS, ""),
        held(f"peak memory at {size:,}", peak, MOST_MIB, "MiB"),
        held(f"restart: all {size:,} states known again", restart[0], RESTART_S),
        Figure(f"restart: applies among its requests, {at}", f"{restart[1]:.0f}", "none", restart[1] == 0),
    ]


async def _measure_rendered(folder: Path, plane: ControlPlane, form: str, size: int) -> list[Figure]:
    """Measure one commit that changes all applications, each of them rendered by a program."""
    names = [f"app{n:04d}" for n in range(size)]
    clone = _clone(folder)
    _write_form(clone, names, form, "1")
    git(clone, "push", "-q", "origin", "HEAD:main")
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    where = built_programs()
    tools = f'[render]\nkustomize = "{where.kustomize}"\nhelm = "{where.helm4}"\n'
    settings = SETTINGS.format(remote=folder / "config.git", kubeconfig=plane.kubeconfig)
    (folder / "lastgood.toml").write_text(settings + tools)
    connection = Connection(ClusterAccess(kubeconfig=str(plane.kubeconfig)))
    server = Server(folder)
    image = "registry.example.com/shop/web"
    try:
        async with _watched(connection) as seen:
            server.start()
            await _all(seen, names, f"{image}:1")
            await server.settled(size)
            _write_form(clone, names, form, "2")
            cpu, began = server.cpu_s(), time.time()
            git(clone, "push", "-q", "origin", "HEAD:main")
            updated = await seen.until(lambda: all(seen.images.get(name) == f"{image}:2" for name in names)) - began
            await _all(seen, names, f"{image}:2")
            available = time.time() - began
            known = await server.settled(size, since=began, count=size)
            spent = (server.cpu_s() - cpu) * 1000 / size
    finally:
        server.stop()
        await connection.close()
    late = known - began - available
    return [
        Figure(f"{form}: all of {size:,} updated / available", f"{updated:.1f} s / {available:.1f} s"),
        Figure(f"{form}: known on the timeline after available", f"{late:.2f} s"),
        Figure(f"{form}: CPU for each, its program's included", f"{spent:.0f} ms"),
    ]


async def _all(seen: Deployments, names: list[str], image: str) -> None:
    await seen.until(lambda: all(seen.available.get(name) == image for name in names))


async def _direct(
    connection: Connection, seen: Deployments, names: list[str], image: str
) -> tuple[float, float, float]:
    """Send the changed Deployments by a bare client; return seconds to updated, to available, and its CPU ms for each.

    That is the floor: it hears of them until they are available, as we do, and does nothing else.
    """
    began, cpu = time.time(), time.process_time()

    async def send(name: str) -> None:
        await connection.request(
            "PATCH",
            f"{DEPLOYMENTS}/{name}",
            params={"fieldManager": "lastgood", "force": "true"},
            body=_deployment(name, image),
            content_type="application/apply-patch+yaml",
        )

    await asyncio.gather(*(send(name) for name in names))
    updated = await seen.until(lambda: all(seen.images.get(name) == image for name in names))
    await _all(seen, names, image)
    return updated - began, time.time() - began, (time.process_time() - cpu) * 1000 / len(names)


async def _restart(server: "Server", size: int, plane: ControlPlane) -> tuple[float, float]:
    """Return seconds until all states are known again, and how many applies it took."""
    await server.settled(size)
    server.stop()
    before = _requests(plane)
    began = time.time()
    server.start()
    await server.settled(size, since=began)
    return time.time() - began, _requests(plane) - before


def _requests(plane: ControlPlane) -> float:
    """Return how many applies the API server has taken, dry runs too: what each of ours costs."""
    text = plane.request("GET", "/metrics")
    return sum(float(value) for labels, value in _REQUESTS.findall(text) if 'verb="APPLY"' in labels)


class Server:
    """A real `lastgood serve`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self._folder / "data").mkdir(exist_ok=True)
        with (self._folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lastgood", "serve"], cwd=self._folder, stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    async def settled(self, size: int, *, since: float = 0.0, count: int = 0) -> float:
        """Return when (by the records) the newest of `count` deployments ended and all are Healthy and Synced.

        since: deployments that are older do not count; without deployments, neither does what was observed before.
        The records are read here: a server that is asked for them works, and that is not the work that is measured.
        """
        async with asyncio.timeout(WAIT_S):
            while True:
                ended = await asyncio.to_thread(self._ended, size, since, count)
                if ended is not None:
                    return ended
                await asyncio.sleep(0.25)

    async def kept(self, *, since: float, count: int) -> None:
        """Wait until features and settings are kept with `count` deployments that began after `since`."""
        async with asyncio.timeout(WAIT_S):
            while True:
                if await asyncio.to_thread(self._kept, since) >= count:
                    return
                await asyncio.sleep(0.25)

    def _kept(self, since: float) -> int:
        both = (
            "select count(*) from deployments d join carried c on c.deployment = d.id"
            " join settings s on s.deployment = d.id where d.started_at > ?"
        )
        with closing(sqlite3.connect(f"file:{self._folder}/data/records.db?mode=ro", uri=True)) as records:
            kept: int = records.execute(both, (int(since * 1e6),)).fetchone()[0]
        return kept

    def _ended(self, size: int, since: float, count: int) -> float | None:
        at = int(since * 1e6)
        good = "select count(*) from applications where health = 'Healthy' and sync = 'Synced' and observed_at > ?"
        ends = "select count(*), max(finished_at) from deployments where started_at > ? and outcome = 'succeeded'"
        try:
            with closing(sqlite3.connect(f"file:{self._folder}/data/records.db?mode=ro", uri=True)) as records:
                healthy = records.execute(good, (0 if count else at,)).fetchone()[0]
                ended, last = records.execute(ends, (at,)).fetchone()
        except sqlite3.OperationalError:
            return None  # they are not there yet
        if healthy != size or ended < count:
            return None
        return last / 1e6 if count else time.time()

    def cpu_s(self) -> float:
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self) -> float:
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _clone(folder: Path) -> Path:
    clone = folder / "clone"
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "-b", "main", "config.git")
    git(folder, "clone", "-q", str(folder / "config.git"), "clone")
    git(clone, "symbolic-ref", "HEAD", "refs/heads/main")
    (clone / "lastgood.yaml").write_text(CONFIG)
    return clone


def _repo(folder: Path, names: list[str]) -> Path:
    clone = _clone(folder)
    for name in names:
        place = clone / "apps" / name
        place.mkdir(parents=True)
        _write_beside(place, name)
    _write(clone, names, "registry.example.com/shop/web:1")
    git(clone, "push", "-q", "origin", "HEAD:main")
    return clone


def _write_beside(place: Path, name: str) -> None:
    service = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    (place / "service.yaml").write_text(_text("v1", "Service", name, {"spec": service}))
    (place / "settings.yaml").write_text(_text("v1", "ConfigMap", name, {"data": {"LOG_LEVEL": "info"}}))


def _write_form(clone: Path, names: list[str], form: str, tag: str) -> None:
    """Write all applications as kustomizations or as charts; of both, the tag stands in one file."""
    image = "registry.example.com/shop/web"
    for name in names:
        place = clone / "apps" / name
        manifests = place / "templates" if form == "helm" else place
        manifests.mkdir(parents=True, exist_ok=True)
        _write_beside(manifests, name)
        if form == "helm":
            text = json.dumps(_deployment(name, f"{image}:{{{{ .Values.tag }}}}"), indent=1)
            (manifests / "deployment.yaml").write_text(text)
            (place / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
            (place / "values.yaml").write_text(f'tag: "{tag}"\n')
        else:
            (manifests / "deployment.yaml").write_text(json.dumps(_deployment(name, image), indent=1))
            files = ["deployment.yaml", "service.yaml", "settings.yaml"]
            said = {"resources": files, "images": [{"name": image, "newTag": tag}]}
            (place / "kustomization.yaml").write_text(json.dumps(said, indent=1))
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", f"Release {tag}")


def _write(clone: Path, names: list[str], image: str) -> None:
    for name in names:
        (clone / "apps" / name / "deployment.yaml").write_text(json.dumps(_deployment(name, image), indent=1))
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", f"Release {image}")


def _deployment(name: str, image: str) -> dict[str, Any]:
    container = {"name": "main", "image": image, "envFrom": [{"configMapRef": {"name": name}}]}
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }


def _text(api_version: str, kind: str, name: str, rest: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **rest}, indent=1)


CONFIG = f"""\
version: 1
applications:
  - name: "{{service}}"
    path: "apps/{{service}}"
    destination: cluster
    namespace: {NAMESPACE}
    policy: {{bake: 1s}}
"""
SETTINGS = """\
data = "data"
[[repos]]
name = "config"
url = "{remote}"
branch = "main"
[destinations.cluster]
type = "kubernetes"
kubeconfig = "{kubeconfig}"
[web]
port = 0
"""
