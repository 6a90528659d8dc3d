"""Keep for ever, in files, what images say of themselves: under a digest it never changes. Knows no registry."""

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from lastgood.core.image_facts import ImageFacts
from lastgood.core.value import to_json

# About a kilobyte each.
MAX_FILES = 20_000
# Facts of another form are another folder, and are asked for anew.
_FORM = "3"


class FactsCache:
    """Files in a folder of its own, one for each image. What is too old goes when there are too many."""

    def __init__(self, folder: Path, *, max_files: int = MAX_FILES) -> None:
        self._folder = folder / _FORM
        self._max_files = max_files
        self._count: int | None = None

    def read(self, name: str, digest: str) -> ImageFacts | None:
        """Return what is kept of an image, None for nothing. name: registry and repository."""
        try:
            facts = msgspec.json.decode(self._file(name, digest).read_bytes(), type=ImageFacts)
        except (OSError, msgspec.DecodeError):
            # A damaged file is as good as none: it is written anew.
            return None
        return facts if facts.digest == digest else None

    def write(self, name: str, facts: ImageFacts) -> None:
        """Keep facts. A disk that does not take them costs a question later, and nothing else."""
        file = self._file(name, facts.digest)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room()
            handle, made = tempfile.mkstemp(dir=self._folder, prefix="new-")
            try:
                with os.fdopen(handle, "wb") as opened:
                    opened.write(to_json(facts))
                Path(made).replace(file)
            except OSError:
                Path(made).unlink(missing_ok=True)
                raise
        except OSError:
            return

    def _make_room(self) -> None:
        if self._count is None or self._count >= self._max_files:
            files = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
            # A tenth at a time: the folder is not listed with every image.
            too_many = len(files) - self._max_files + max(1, self._max_files // 10)
            old = files[:too_many] if len(files) >= self._max_files else []
            for file in old:
                file.unlink(missing_ok=True)
            self._count = len(files) - len(old)
        self._count += 1

    def _file(self, name: str, digest: str) -> Path:
        return self._folder / hashlib.sha256(f"{name}@{digest}".encode()).hexdigest()
