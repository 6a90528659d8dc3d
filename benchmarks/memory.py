"""Memory of `lastgood serve` with 1,000 applications and 100,000 deployment records, after a full history walk.

The real program on a real repo and real records. Anonymous memory is what the process itself holds: what the kernel
keeps of files it can let go, and a page shared with another process counts for neither alone.
"""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from lastgood.app.memory import TRIM_S
from lastgood.store import deployment
from lastgood.store.sql_store import SqlStore
from twins.git_fixtures import long_history
from twins.store import NOON, make_commit, make_deployment

APPLICATIONS, RECORDS = 1_000, 100_000
MOST_MB = 200
# What was freed goes back to the system every 10 s: a look at any moment has up to 30 MB of it in it, or none.
SETTLED_S = TRIM_S + 5
SETTINGS = """\
data = "data"
[[repos]]
name = "config"
url = "{remote}"
branch = "main"
[destinations.staging]
type = "process"
run_as_agent = true
[destinations.production]
type = "process"
run_as_agent = true
[web]
port = 0
"""


def measure(folder: Path, *, commits: int) -> Iterator[Figure]:
    """Serve, walk every application's history and look at every kind of page; then read the process's memory."""
    remote = long_history(folder / "config.git", commits=commits, files=5_000, applications=APPLICATIONS // 2)
    names = [f"app{n:04d}-{where}" for n in range(APPLICATIONS // 2) for where in ("staging", "production")]
    (folder / "data").mkdir()
    _record(folder / "data" / "records.db", names)
    (folder / "lastgood.toml").write_text(SETTINGS.format(remote=remote))
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "lastgood", "serve"], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert server.stdout is not None
            server.stdout.readline()
            yield Figure("anonymous memory when it answers first", f"{_anonymous_mb(server.pid):.0f} MB")
            left = json.loads((folder / "data" / "server.json").read_text())

            def ask(path: str, body: object = None) -> Any:
                return _ask(left["url"], left["token"], path, body)

            ask("/sync", {})
            assert len(ask("/apps")) == APPLICATIONS
            for name in names:
                assert ask(f"/apps/{name}/timeline?limit=200")
            ask("/timeline?limit=200")
            ask("/timeline?search=release&limit=50")
            at_once = _anonymous_mb(server.pid)
            time.sleep(SETTLED_S)
            held = _anonymous_mb(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)
    yield Figure("at the very end of the walk", f"{at_once:.0f} MB")
    what = f"{APPLICATIONS:,} applications, {RECORDS:,} records, {commits:,} commits walked"
    yield Figure(what, f"{held:.0f} MB anonymous", f"below {MOST_MB} MB", held < MOST_MB)


def _record(database: Path, names: list[str]) -> None:
    """Write the records in one transaction: what a server writes one by one over years."""
    store = SqlStore.open(database)
    with store._database.engine.begin() as connection:
        for number in range(RECORDS):
            app = names[number % len(names)]
            commit = make_commit(f"Release {number} of {app}")
            run = make_deployment(app, commit=commit, outcome="succeeded", finished_at=NOON, message="Healthy")
            deployment.start(connection, run)
    store.close()


def _ask(url: str, token: str, path: str, body: object) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/api/v1{path}", data, headers)
    with urllib.request.urlopen(asked, timeout=600) as answer:
        return json.load(answer)


def _anonymous_mb(pid: int) -> float:
    """Return the memory that is the process's own and backed by no file, in 10^6 bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1024 / 1e6
