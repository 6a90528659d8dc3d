"""What a confined program can and cannot do, with real processes of this machine."""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from lastgood.render.boundaries import missing_boundaries
from lastgood.render.sandbox import ERR_BYTES, Job, run_confined

pytestmark = pytest.mark.skipif(
    bool(missing_boundaries()) and not os.environ.get("CI"), reason=f"this machine lacks {dict(missing_boundaries())}"
)
read_passwd = Path("/etc/passwd").read_text
FREE = ("files", "network", "limits")


@pytest.fixture
def job(tmp_path):
    """Return a job over a folder with the file `here` and the writable folder `home`."""
    (tmp_path / "home").mkdir()
    (tmp_path / "here").write_text("content")

    def make(*argv, readable=(), **words):
        words = {"time_s": 20, "memory_bytes": 512 * 2**20, **words}
        return Job(
            argv=argv,
            cwd=str(tmp_path),
            readable=(str(tmp_path), *readable),
            writable=(str(tmp_path / "home"),),
            environment={"PATH": "/usr/bin:/bin"},
            **words,
        )

    return make


@pytest.fixture
def python(job):
    """Return a job that runs a line of Python."""

    def make(line, **words):
        return job(sys.executable, "-I", "-S", "-c", line, readable=(sys.base_prefix, sys.prefix), **words)

    return make


async def test_the_work_folder_can_be_read(job):
    """What a renderer is given, it reads; what it says comes back whole."""
    ran = await run_confined(job("/bin/cat", "here"))
    assert (ran.code, ran.out, ran.err, ran.stopped) == (0, b"content", b"", None)


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", str(Path(__file__)), "/root", "/tmp"])
async def test_nothing_else_can_be_read(job, path):
    """The account's other files are refused, whatever their modes say."""
    ran = await run_confined(job("/bin/cat", path))
    assert (ran.code != 0, ran.out) == (True, b"")
    assert b"Permission denied" in ran.err


async def test_a_symlink_leads_nowhere_else(job, tmp_path):
    """The boundary is drawn around files, not around names."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    ran = await run_confined(job("/bin/cat", "link"))
    assert (ran.code, ran.out) == (1, b"")


async def test_only_the_home_can_be_written(job, tmp_path):
    """Inputs stay as they are in Git; a program's own caches have a place."""
    ran = await run_confined(job("/bin/sh", "-c", "echo x > home/new && echo x > here"))
    assert ran.code != 0
    assert ((tmp_path / "home" / "new").read_text(), (tmp_path / "here").read_text()) == ("x\n", "content")


async def test_no_other_program_can_be_started(job):
    """A plugin, a hook or a filter is a program, and none but the one named runs."""
    ran = await run_confined(job("/bin/sh", "-c", "/bin/cat here"))
    assert (ran.code, ran.out) == (126, b"")
    assert b"Permission denied" in ran.err


async def test_what_a_run_gave_up_the_agent_keeps(job):
    """The boundary ends with the thread that drew it."""
    await run_confined(job("/bin/cat", "here"))
    assert read_passwd()
    assert await asyncio.to_thread(read_passwd)


async def test_there_is_no_network_unless_it_is_allowed(python):
    """Not even this machine's own services answer; with `online` they do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]})); print('in')"
        confined, online = await run_confined(python(line)), await run_confined(python(line, online=True))
    assert (confined.code, confined.out) == (1, b"")
    assert (online.code, online.out) == (0, b"in\n")


async def test_memory_is_bounded(python):
    """Ten gigabytes are not had."""
    line = "bytearray(10 * 2**30)"
    assert b"MemoryError" in (await run_confined(python(line))).err
    assert (await run_confined(python("bytearray(2**20)"))).code == 0


async def test_output_is_bounded(job):
    """A flood is ended while it is read; complaints are kept as far as they are read by anybody."""
    ran = await run_confined(job("/usr/bin/yes", out_bytes=100_000))
    assert (ran.stopped, ran.code) == ("output", -9)
    ran = await run_confined(
        job("/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo 0123456789 >&2; i=$((i+1)); done")
    )
    assert (ran.stopped, ran.code, len(ran.err)) == (None, 0, ERR_BYTES)


@pytest.mark.parametrize(
    "script",
    [
        "while :; do :; done",
        "while :; do echo x >&2; done",
        "exec >&- 2>&-; while :; do :; done",
    ],
)
async def test_time_is_bounded(job, script):
    """One that is silent, one that talks and one that has closed its pipes are all ended in time."""
    began = time.monotonic()
    ran = await run_confined(job("/bin/sh", "-c", script, time_s=0.5))
    assert (ran.stopped, ran.code) == ("time", -9)
    assert time.monotonic() - began < 10


async def test_time_is_bounded_for_one_that_never_pauses(python):
    """There is always more to read, and it ends all the same."""
    ran = await run_confined(python("import os\nwhile True: os.write(2, b'x' * 65536)", time_s=1))
    assert (ran.stopped, len(ran.err)) == ("time", ERR_BYTES)


async def test_all_that_it_started_is_ended(job, tmp_path):
    """A child that holds the pipes open goes with its parent."""
    script = "sleep 1000 & echo $! > home/pid; wait"
    ran = await run_confined(job("/bin/sh", "-c", script, time_s=1, without=FREE))
    assert ran.stopped == "time"
    await _gone(int((tmp_path / "home" / "pid").read_text()))


async def test_a_cancelled_caller_leaves_no_process(job, tmp_path):
    """Who no longer waits does not leave a program behind."""
    os.mkfifo(tmp_path / "home" / "pid")
    running = asyncio.create_task(
        run_confined(job("/bin/sh", "-c", "echo $$ > home/pid; while :; do :; done", without=FREE))
    )
    pid = int(await asyncio.to_thread((tmp_path / "home" / "pid").read_text))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await _gone(pid)


async def test_a_program_that_is_not_there_is_an_error(job):
    """It is the caller's to say what was to be started."""
    with pytest.raises(OSError, match="nothing-there"):
        await run_confined(job("/nothing-there", without=FREE))


async def test_nothing_is_left_open(job):
    """A thousand renders later there are as many files open as before."""
    await run_confined(job("/bin/cat", "here"))
    before = open_files()
    for _ in range(3):
        await run_confined(job("/bin/cat", "here"))
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def state_of(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None


async def _gone(pid: int) -> None:
    """Wait until a process is dead; an orphan stays a zombie until its new parent looks."""
    for _ in range(500):
        if state_of(pid) in {None, "Z", "X"}:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"process {pid} still runs")
