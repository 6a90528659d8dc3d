"""Source histories for tests and benchmarks: long ones by fast-import, always the same for the same arguments."""

import io
from pathlib import Path

from twins.config_repo import PRIYA, START
from twins.git_fixtures import bare, git

SERVICES = ("web", "api", "worker", "billing")


def long_source(folder: Path, *, commits: int, files: int = 3000, seed: int = 1) -> Path:
    """Make a bare source repo: squashed and merged pull requests, releases as tags, and some reverts without words.

    A pull request is merged in every tenth commit; every fiftieth commit takes back the one before it.
    """
    repo = bare(folder)
    stream = io.BytesIO()
    names = [f"{SERVICES[n % 4]}/src/part{n // 4 % 40}/file{n:05d}.py" for n in range(files)]
    content = dict.fromkeys(names, b"0\n")
    state, mark, now = seed, 0, int(START.timestamp()) - commits * 600

    def commit(ref: str, message: str, changes: dict[str, bytes], *parents: int) -> int:
        nonlocal mark
        mark += 1
        who = f"{PRIYA.name} <{PRIYA.email}> {now + mark * 600} +0000"
        text = message.encode()
        head = [f"commit {ref}\nmark :{mark}\nauthor {who}\ncommitter {who}\ndata {len(text)}\n"]
        stream.write("".join(head).encode() + text + b"\n")
        for n, parent in enumerate(parents):
            stream.write(f"{'merge' if n else 'from'} :{parent}\n".encode())
        for path, data in changes.items():
            stream.write(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
        return mark

    head = commit("refs/heads/main", "Begin", content)
    undo: dict[str, bytes] = {}
    while mark < commits:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        chosen = [names[((state >> 20) + n * 7) % files] for n in range(1 + (state >> 50) % 3)]
        change = {name: f"{mark}\n".encode() for name in chosen}
        if mark % 50 == 0 and undo:
            head = commit("refs/heads/main", f"Take back what {mark} did", undo, head)
            content.update(undo)
            undo = {}
            continue
        undo = {name: content[name] for name in chosen}
        if mark % 10 == 0:
            side = head
            for part in range(3):
                some = {name: data + bytes([97 + part]) for name, data in change.items()}
                side = commit("refs/heads/side", f"feat(web): part {part} of {mark}\n\nFixes #{mark}", some, side)
            content.update(some)
            head = commit("refs/heads/main", f"Merge pull request #{mark} from o/b\n\nTitle {mark}", some, head, side)
            undo = {}
        else:
            content.update(change)
            head = commit(
                "refs/heads/main", f"fix: thing {mark} (#{mark})\n\nShop-{mark}: see SHOP-{mark}\n", change, head
            )
        if mark % 100 < 5:
            stream.write(f"reset refs/tags/v{mark}\nfrom :{head}\n\n".encode())
    git(repo, "fast-import", "--quiet", stdin=stream.getvalue())
    git(repo, "update-ref", "-d", "refs/heads/side")
    return repo
