"""Merge three versions of a file line by line, as git does. Knows no repository: contents come in as bytes."""

import tempfile
from pathlib import Path

from lastgood.git.program import Git

MAX_MERGED_BYTES = 64 << 20


def merge_contents(git: Git, *, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Return the merged content, None where the two sides contradict each other or one is binary."""
    with tempfile.TemporaryDirectory(prefix="lastgood-") as folder:
        names = []
        for name, content in (("ours", ours), ("base", base), ("theirs", theirs)):
            file = Path(folder) / name
            file.write_bytes(content)
            names.append(str(file))
        merged = git.run("merge-file", "-p", "--quiet", *names, ok=range(256))
    return merged.out if merged.code == 0 else None
