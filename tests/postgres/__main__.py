"""`make test-postgres`: run a command with LASTGOOD_TEST_POSTGRES, an empty database of a server of its own.

The server is made for the command, listens on a socket in a folder alone, and is gone with it. As root it runs as the
account `postgres`: PostgreSQL refuses to run as root.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ACCOUNT = "postgres"


def main(command: list[str]) -> int:
    programs = _programs()
    user = ACCOUNT if os.geteuid() == 0 else None
    # Short, and not in TMPDIR: the path of a socket may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="lastgood-pg-", dir="/tmp"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        folder.chmod(0o711)
        data = str(folder / "data")

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, *arguments], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL
            )

        run("initdb", "--auth=trust", "--username=lastgood", "--encoding=UTF8", "--no-sync", data)
        server = f"-k {folder} -c listen_addresses= -c fsync=off"
        run("pg_ctl", "--pgdata", data, "--options", server, "--log", str(folder / "log"), "--wait", "start")
        try:
            run("createdb", "--host", str(folder), "--username=lastgood", "lastgood")
            url = f"postgresql+psycopg://lastgood@/lastgood?host={folder}"
            return subprocess.run(command, env={**os.environ, "LASTGOOD_TEST_POSTGRES": url}, check=False).returncode
        finally:
            run("pg_ctl", "--pgdata", data, "--mode=immediate", "--wait", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs; Debian keeps those of each version apart, and none in PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    if not newest:
        sys.exit("there is no PostgreSQL here: install postgresql, or put its initdb in PATH")
    return newest[-1].parent


sys.exit(main(sys.argv[1:]))
