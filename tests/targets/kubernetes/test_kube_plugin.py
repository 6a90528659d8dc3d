"""A credential plugin and its end: cancelled at any moment, or with children that keep what it writes to open."""

import asyncio
import contextlib
import os
import signal
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from lastgood.targets.kubernetes import credentials
from lastgood.targets.kubernetes.credentials import PluginCredential
from lastgood.targets.kubernetes.trouble import Unreachable

ENOUGH_S = 10


def plugin(folder, text):
    """Return the credential of a plugin that is this shell script."""
    script = folder / "plugin"
    script.write_text(f"#!/bin/sh\n{text}")
    script.chmod(0o755)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return PluginCredential(credentials.API_VERSIONS[0], [str(script)], {}, trust=trust)


async def asked(credential):
    """Return the first request as the credential sends it."""
    flow = credential.async_auth_flow(httpx2.Request("GET", "https://cluster.example.com/version"))
    try:
        return await anext(flow)
    finally:
        await flow.aclose()


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
