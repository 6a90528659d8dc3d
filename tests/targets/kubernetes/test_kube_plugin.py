"""A credential plugin and its end: cancelled at any moment, or with children that keep what it writes to open."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lastgood.targets.kubernetes import credentials
from lastgood.targets.kubernetes.connection import ClusterAccess, Connection
from lastgood.targets.kubernetes.credentials import PluginCredential
from lastgood.targets.kubernetes.trouble import Unreachable
from twins.processes import eventually

ENOUGH_S = 10


def plugin(folder, text):
    """Return the credential of a plugin that is this shell script."""
    script = folder / "plugin"
    script.write_text(f"#!/bin/sh\n{text}")
    script.chmod(0o755)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return PluginCredential(credentials.API_VERSIONS[0], [str(script)], {}, trust=trust)


async def asked(credential):
    """Return what the first request shows."""
    return await credential.headers()


@pytest.mark.parametrize("turns", range(1, 9))
async def test_cancelled_at_any_moment_of_its_start_it_ends(tmp_path, turns):
    """As a server that ends cancels it, and all that runs for it, while the plugin begins."""
    task = asyncio.create_task(asked(plugin(tmp_path, "exec sleep 60\n")))
    for _ in range(turns):
        await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for one in tasks:
        one.cancel()
    _, left = await asyncio.wait(tasks, timeout=ENOUGH_S)
    assert not left
    assert task.cancelled()


async def test_cancelled_before_a_thread_is_free_to_read_it_ends_too(tmp_path, monkeypatch):
    """All threads are busy: nobody has begun to wait for the plugin, and it is ended and waited for all the same."""
    started = []
    begun = asyncio.Event()

    class Seen(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)
            begun.set()

    monkeypatch.setattr(credentials.subprocess, "Popen", Seen)
    free = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(threads)
        threads.submit(free.wait)
        task = asyncio.create_task(asked(plugin(tmp_path, "exec sleep 60\n")))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task}, timeout=ENOUGH_S)
        free.set()
    (ended,) = started
    assert task.cancelled()
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.closed
    assert ended.stderr.closed


@pytest.mark.parametrize("ends", ["wait", "exit 0"])
async def test_a_child_that_keeps_its_output_open_is_not_waited_for_without_end(tmp_path, monkeypatch, ends):
    """The limit holds whatever the plugin left running."""
    monkeypatch.setattr(credentials, "LIMIT_S", 0.5)
    try:
        async with asyncio.timeout(ENOUGH_S):
            with pytest.raises(Unreachable, match="gave nothing within"):
                await asked(plugin(tmp_path, f"sleep 60 &\necho $! > {tmp_path}/child\n{ends}\n"))
    finally:
        # What a plugin that ended has left running is its own affair, and here the test's.
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


@pytest.mark.parametrize(("lasts_s", "runs"), [(3600, 1), (20, 1), (-1, 3)])
async def test_what_lasts_for_less_than_half_a_minute_is_kept_too(tmp_path, lasts_s, runs):
    """Asked for each request, a plugin would let a release wait for minutes; only what has ended is asked for so."""
    ends = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=lasts_s)).isoformat()
    said = {"kind": "ExecCredential", "status": {"token": "t", "expirationTimestamp": ends}}
    credential = plugin(tmp_path, f"echo run >> {tmp_path}/runs\ncat <<'END'\n{json.dumps(said)}\nEND\n")
    for _ in range(3):
        await asked(credential)
    assert (tmp_path / "runs").read_text() == "run\n" * runs


def test_what_was_given_is_asked_for_anew_before_it_ends():
    """Half a minute before, or a quarter of its time where that is less."""
    now = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
    ends = {s: now + dt.timedelta(seconds=s) for s in (3600, 20, -5)}
    kept_s = {s: (credentials.kept_until(at, now=now) - now).total_seconds() for s, at in ends.items()}
    assert kept_s == {3600: 3570, 20: 15, -5: -5}


def kubeconfig(folder, text):
    """Write a kubeconfig whose user has a plugin that is this shell script, and counts in `runs` how often it ran."""
    script = folder / "plugin"
    script.write_text(f"#!/bin/sh\necho run >> {folder}/runs\n{text}")
    script.chmod(0o755)
    user = {"exec": {"apiVersion": credentials.API_VERSIONS[0], "command": str(script), "interactiveMode": "Never"}}
    return written(folder, user)


def written(folder, user):
    said = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
        "current-context": "c",
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(said))
    return file


async def trouble(connection):
    """Ask once; return why that is not answered."""
    with pytest.raises(Unreachable) as found:
        await connection.request("GET", "/version", repeat=False)
    return str(found.value)


async def test_a_plugin_that_hangs_is_waited_for_once_by_all_who_ask(tmp_path, monkeypatch):
    """Each after the other would wait for minutes; and who asks just after it is told the same at once."""
    monkeypatch.setattr(credentials, "LIMIT_S", 1.0)
    connection = Connection(ClusterAccess(kubeconfig=str(kubeconfig(tmp_path, "exec sleep 60\n"))))
    try:
        told = await asyncio.gather(*(trouble(connection) for _ in range(5)))
        told.append(await trouble(connection))
    finally:
        await connection.close()
    assert set(told) == {"the credential plugin plugin gave nothing within 1 s"}
    assert (tmp_path / "runs").read_text() == "run\n"


@pytest.mark.parametrize("script", ["exit 3\n", "exec sleep 60\n"])
async def test_a_kubeconfig_that_was_mended_is_read_anew_once_its_plugin_gave_nothing(tmp_path, monkeypatch, script):
    """The operator replaces the plugin; nobody has to restart anything."""
    monkeypatch.setattr(credentials, "LIMIT_S", 0.3)
    connection = Connection(ClusterAccess(kubeconfig=str(kubeconfig(tmp_path, script))))
    try:
        assert "the credential plugin plugin" in await trouble(connection)
        written(tmp_path, {"token": "mended"})

        async def goes_there():
            return "cannot be reached" in await trouble(connection)

        await eventually(goes_there)
    finally:
        await connection.close()
