"""The demo: a shop in a folder of its own, real releases, a bad one, and the way back through Git."""

import asyncio
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from lastgood.demo.platform import Cluster, Platform, Processes
from lastgood.demo.story import Story, StoryFailed


def run(*, once: bool, kubeconfig: Path | None = None) -> int:
    """Tell the demo's story; return the exit code: 0 if, and only if, it came true and nothing was left behind.

    once: end by itself; otherwise the shop stays open until Ctrl-C. kubeconfig: of the cluster that the shop runs on;
    None: processes of this machine.
    """
    platform: Platform = (
        Cluster(kubeconfig=kubeconfig)
        if kubeconfig is not None
        else Processes(python=getattr(sys, "_base_executable", sys.executable))
    )
    folder = Path(tempfile.mkdtemp(prefix="lastgood-demo-"))
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: _interrupt(stop))
    story = Story(folder, platform=platform, tell=_tell)
    failed = False
    try:
        story.prepare()
        asyncio.run(story.tell_it())
        _tell("The story came true.")
        if not once:
            _tell(f"The shop stays open: {story.page}\nCtrl-C closes it.")
            stop.wait()
    except (StoryFailed, RuntimeError) as wrong:
        failed = True
        _tell(f"The story did not come true: {wrong}")
        _tell(_server_log(folder))
    except KeyboardInterrupt:
        _tell("Interrupted.")
        failed = once
    if _clean_up(story):
        _tell(f"It still runs from {folder}, which is kept: `lastgood serve` in that folder opens it again.")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def _interrupt(stop: threading.Event) -> None:
    """End the waiting at the end of the story; before that, end the story."""
    if not stop.is_set():
        stop.set()
        raise KeyboardInterrupt


def _clean_up(story: Story) -> bool:
    """Close the shop; say whether that failed."""
    _tell("Closing the shop ...")
    try:
        asyncio.run(story.clean_up())
    except (StoryFailed, RuntimeError) as wrong:
        _tell(f"The shop could not be closed: {wrong}")
        return True
    _tell("Nothing is left behind.")
    return False


def _server_log(folder: Path) -> str:
    try:
        return "\n".join((folder / "serve.log").read_text(errors="replace").splitlines()[-40:])
    except OSError:
        return ""


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
