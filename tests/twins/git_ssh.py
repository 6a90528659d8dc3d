"""A real `sshd` on a free loopback port with keys of its own, for the account that runs the tests."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


class SshServer(NamedTuple):
    """Where it listens.

    command, stranger: what git is to run as `ssh`: with the host key that it has, and with another one.
    """

    port: int
    command: str
    stranger: str

    def url(self, folder: Path) -> str:
        """Return the URL of a repository."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{folder}"


@contextlib.contextmanager
def git_over_ssh(folder: Path) -> Iterator[SshServer]:
    """Run sshd, its files below a folder, until the block ends."""
    folder.mkdir(mode=0o700)
    for name in ("host", "key", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)  # noqa: S607 - whichever the machine has
    shutil.copy(folder / "key.pub", folder / "allowed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    settings = {
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "allowed",
        "ListenAddress": f"127.0.0.1:{port}",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "AcceptEnv": "GIT_PROTOCOL",
        "LogLevel": "INFO",
    }
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "strangers").write_text(f"[127.0.0.1]:{port} {(folder / 'other.pub').read_text()}")
    running = subprocess.Popen(
        [str(SSHD), "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert running.stderr is not None
    try:
        said = b""
        while b"listening on" not in said:
            line = running.stderr.readline()
            assert line, said
            said += line
        plain = f"ssh -F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -i {folder / 'key'}"
        yield SshServer(
            port,
            f"{plain} -o UserKnownHostsFile={folder / 'known'}",
            f"{plain} -o UserKnownHostsFile={folder / 'strangers'}",
        )
    finally:
        running.terminate()
        running.communicate(timeout=20)
