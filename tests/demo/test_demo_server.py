"""The demo's server stays the demo's: whatever is done to it meanwhile, it can be had again, and be ended."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lastgood.demo.server import STOPS_WITHIN_S, DemoServer


@pytest.fixture
def folder(tmp_path):
    """A folder with settings and no repo."""
    (tmp_path / "lastgood.toml").write_text('data = "data"\n[web]\nport = 0\n')
    return tmp_path


@pytest.fixture
def server(folder):
    made = DemoServer(folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def strangers():
    """Servers that somebody else started."""
    started = []
    yield started
    for one in started:
        one.kill()
        one.wait()
        one.stdout.close()


def served_by(folder):
    """Return the process that left its address in the folder."""
    return json.loads((folder / "data" / "server.json").read_text())["pid"]


def test_a_server_that_somebody_replaced_is_taken_back(folder, server, strangers):
    """Killed and started again by hand: the stranger ends, ours answers, and ending ours leaves nobody."""
    first = os.pidfd_open(served_by(folder))
    os.kill(served_by(folder), signal.SIGKILL)
    assert select.select([first], [], [], STOPS_WITHIN_S)[0]
    stranger = subprocess.Popen(
        [sys.executable, "-m", "lastgood", "serve"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    strangers.append(stranger)
    assert stranger.stdout.readline().startswith(b"http://")
    assert served_by(folder) == stranger.pid

    server.take_back()

    assert stranger.wait(STOPS_WITHIN_S) == 0
    ours = served_by(folder)
    assert ours != stranger.pid
    server.stop()
    assert not Path(f"/proc/{ours}").exists()


def test_a_server_that_runs_is_left_alone(folder, server):
    """Nothing is started twice."""
    before = served_by(folder)
    server.take_back()
    assert served_by(folder) == before
