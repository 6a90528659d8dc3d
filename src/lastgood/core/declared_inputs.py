"""Find the inputs of an application at a commit: its folder, and what the declarations there lead to.

Declarations are read from tree objects and followed through references; nothing is rendered. Of a kustomization's base
only the files that it names count, as Kustomize reads no others: so an overlay beside a base, or below it, is no input
of its neighbour. A chart counts as a whole, as its templates may read any of its files.
"""

import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lastgood.core.application import AnyScope, Application, DeclaredScope, Scope
from lastgood.core.chart_references import CHART_FILES, chart_references
from lastgood.core.commit import TreeEntry
from lastgood.core.errors import ConfigWrong, ObjectTooLarge
from lastgood.core.git_base import git_base
from lastgood.core.kustomize_references import kustomization_references, plugin_references
from lastgood.core.pattern import resolve
from lastgood.core.redact import redact
from lastgood.core.references import References
from lastgood.core.renderer_kind import KUSTOMIZE_FILES, kind_of_names
from lastgood.core.tree import OURS, ReadTree, is_below
from lastgood.core.value import Value

if TYPE_CHECKING:
    # The ports are made of what stands here.
    from lastgood.core.ports import ConfigRepo

MAX_INPUTS = 5_000
MAX_DECLARATIONS = 1_000
MAX_DECLARATION_BYTES = 1_000_000
MAX_DECLARED_BYTES = 4_000_000
MAX_NOTES = 20

Look = Callable[[str], TreeEntry | None]
"""Given a path from the root, what stands there; symlinks are not followed."""

ReadBlob = Callable[[str, int], bytes]
"""Given a blob's id and a limit, its content. Raises ObjectTooLarge, ObjectMissing."""

_KEPT = 4_096
_FOLLOWED = ("auto", "kustomize", "helm")

# Values files at a chart's root that belong to somebody else unless they are listed: values-staging.yaml,
# values_qa.yml, values.production.yaml. `values.yaml` itself is the chart's own and always counts.
_OTHER_VALUES = re.compile(r"values[-_.].+\.ya?ml")


class Declared(Value, frozen=True, kw_only=True):
    """The inputs at a commit.

    notes: sentences on what is declared and yet no input: an address, a path out of the repo.
    wrong: why not everything that is declared was followed, "" where it was.
    consulted: paths outside the folder that decided, each with what stood there: while that stays, so do the inputs.
    bases: what is built from other Git repos: see Origins.
    """

    scope: Scope
    notes: tuple[str, ...] = ()
    wrong: str = ""
    consulted: tuple[tuple[str, str], ...] = ()
    bases: dict[str, str] = {}


async def scope_at(app: Application, repo: "ConfigRepo", commit: str) -> Scope:
    """Return the inputs of an application at a commit (or root tree).

    For an application whose renderer has no declarations that is what its entry says, and nothing is read.
    Raises ObjectMissing.
    """
    return (await inputs_at(app, repo, commit)).scope


async def inputs_at(app: Application, repo: "ConfigRepo", commit: str) -> Declared:
    """Return the inputs as `scope_at` does, with what there is to say of them."""
    if isinstance(app.scope, Scope):
        return Declared(scope=app.scope)
    return fixed_inputs(app.scope) or await repo.inputs(commit, app.scope)


def fixed_inputs(asked: DeclaredScope) -> Declared | None:
    """Return the inputs where the entry alone says them, None where files have to be looked at."""
    if asked.render in _FOLLOWED or asked.values:
        return None
    return Declared(scope=Scope(path=asked.path, others=asked.others, left_out=asked.left_out))


class DeclaredInputs:
    """Finds inputs in the trees of one repository and remembers them by the objects that they were read from.

    Git's content never changes under an id, so nothing here goes out of date. Safe across threads.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[DeclaredScope, str], Declared] = OrderedDict()
        self._read: OrderedDict[tuple[str, str], tuple[References, int]] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, asked: AnyScope, *, look: Look, tree: ReadTree, blob: ReadBlob) -> Declared:
        """Return the inputs in a root tree. Where the application's folder is not there, what its entry says is all.

        look: finds what stands at a path of that tree.
        """
        if isinstance(asked, Scope):
            return Declared(scope=asked)
        fixed = fixed_inputs(asked)
        if fixed is not None:
            return fixed
        folder = look(asked.path)
        if folder is None or not folder.is_tree:
            return Declared(scope=Scope(path=asked.path, others=asked.others, left_out=asked.left_out))
        key = (asked, folder.oid)
        with self._lock:
            known = self._kept.get(key)
        if known is None or any(_changed(_stands(look(path)), was) for path, was in known.consulted):
            known = _Walk(self, asked, look=look, blob=blob).inputs(tree(folder.oid))
        with self._lock:
            _keep(self._kept, key, known)
        return known

    def references(self, how: str, oid: str, read: Callable[[], tuple[References, int]]) -> tuple[References, int]:
        """Return what a declaration refers to, and its size in bytes."""
        with self._lock:
            known = self._read.get((how, oid))
        if known is None:
            known = read()
        with self._lock:
            _keep(self._read, (how, oid), known)
        return known


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _KEPT:
        kept.popitem(last=False)


def _stands(entry: TreeEntry | None) -> str:
    """Say what stands at a path: `nothing`, `folder`, `link` (or a submodule), or the file's blob id."""
    if entry is None:
        return "nothing"
    if entry.is_tree:
        return "folder"
    return entry.oid if entry.is_file else "link"


def _changed(stands: str, was: str) -> bool:
    """Compare what stands somewhere with what was found there; `file`: any file would do, its content was not read."""
    return stands in {"nothing", "folder", "link"} if was == "file" else stands != was


class _Step(NamedTuple):
    """A declaration to read. folder: what its paths are relative to. file: None for the folder's own declaration."""

    how: str
    folder: str
    file: str | None = None


class _Walk:
    """Follows the declarations of one application through one root tree."""

    def __init__(self, known: DeclaredInputs, asked: DeclaredScope, *, look: Look, blob: ReadBlob) -> None:
        self.known = known
        self.asked = asked
        self.look = look
        self.blob = blob
        self.found: dict[str, None] = dict.fromkeys(asked.others)
        self.consulted: dict[str, str] = {}
        self.notes: dict[str, None] = {}
        self.bases: dict[str, str] = {}
        self.wrong = ""
        self.seen: set[_Step] = set()
        self.todo: deque[_Step] = deque()
        self.declarations = 0
        self.bytes_left = MAX_DECLARED_BYTES

    def inputs(self, names: Sequence[TreeEntry]) -> Declared:
        """Return all that the declarations lead to. names: what stands in the application's folder."""
        path, left_out = self.asked.path, dict.fromkeys(self.asked.left_out)
        at = {_join(path, entry.path): entry.path for entry in names if not entry.is_tree}
        if self.asked.values:
            others = (file for file, name in at.items() if _OTHER_VALUES.fullmatch(name))
            left_out.update(dict.fromkeys(sorted(file for file in others if file not in self.asked.values)))
        kind = self.asked.render
        if kind == "auto":
            kind = kind_of_names({name for file, name in at.items() if file not in left_out})
        if kind == "kustomize":
            self._follow(_Step("kustomization", path))
        elif kind == "helm":
            self._follow(_Step("chart", path))
        while self.todo and not self.wrong:
            self._take(self.todo.popleft())
        return Declared(
            scope=Scope(path=path, others=self._others(), left_out=tuple(left_out)),
            notes=tuple(self.notes)[:MAX_NOTES],
            wrong=self.wrong,
            consulted=tuple(sorted(self.consulted.items())),
            bases=self.bases,
        )

    def _others(self) -> tuple[str, ...]:
        """Return what was found, without what lies in something else that was found."""
        return tuple(path for path in sorted(self.found) if not any(up in self.found for up in _above(path)))

    def _follow(self, step: _Step) -> None:
        if step not in self.seen:
            self.seen.add(step)
            self.todo.append(step)

    def _take(self, step: _Step) -> None:
        if step.file is not None:
            self._refer(step.folder, self._declaration(step.how, step.file))
            return
        files = [_join(step.folder, name) for name in (KUSTOMIZE_FILES if step.how == "kustomization" else CHART_FILES)]
        there = [self._look(file, content=True) for file in files]
        if step.how == "kustomization":
            for file in files:
                self._add(file)
            if not any(there):
                # Not a folder that Kustomize takes; should a file come in its place, that has to be noticed.
                self._add_folder(step.folder)
        for file, entry in zip(files, there, strict=True):
            if entry is not None:
                self._refer(step.folder, self._declaration(step.how, file))

    def _declaration(self, how: str, file: str) -> References:
        """Return what a declaration refers to; nothing where it cannot be read, for then nothing renders it either."""
        entry = self._look(file, content=True)
        if entry is None or not entry.is_file:
            return References()
        self.declarations += 1
        if self.declarations > MAX_DECLARATIONS:
            self.wrong = f"its declarations lead to more than {MAX_DECLARATIONS} others"
            return References()
        oid = entry.oid

        def read() -> tuple[References, int]:
            try:
                data = self.blob(oid, MAX_DECLARATION_BYTES)
            except ObjectTooLarge:
                return References(), 0
            try:
                return _READERS[how](data, file=file, max_bytes=MAX_DECLARATION_BYTES), len(data)
            except ConfigWrong:
                return References(), len(data)

        found, size_bytes = self.known.references(how, oid, read)
        self.bytes_left -= size_bytes
        if self.bytes_left < 0:
            self.wrong = f"its declarations have more than {MAX_DECLARED_BYTES} bytes"
        return found

    def _refer(self, folder: str, references: References) -> None:
        for address in references.remote:
            self._note(f"{redact(address)[:200]} is not in this repo")
        for address in references.bases:
            self._base(folder, address)
        for text in references.built:
            self._built(folder, text)
        for text in references.plugins:
            self._built(folder, text, plugin=True)
        for text in references.files:
            path = self._at(folder, text)
            if path is not None:
                self._add_folder(path)
        for text in references.charts:
            path = self._at(folder, text)
            if path is not None and path:
                self._add(path)
                self._follow(_Step("chart", path))
            elif path is not None:
                self._note(f"the chart {text[:200]!r} in {folder} is the whole repo, which is no input")

    def _base(self, folder: str, address: str) -> None:
        base = git_base(address)
        if base is None:
            return
        # As an image that runs in two versions: the second is told apart by who names it.
        same = self.bases.get(base.name, base.ref) == base.ref
        self.bases[base.name if same else f"{base.name} (in {folder or 'the root'})"] = base.ref
        if len(self.bases) > MAX_DECLARATIONS:
            self.wrong = f"its declarations lead to more than {MAX_DECLARATIONS} others"

    def _built(self, folder: str, text: str, *, plugin: bool = False) -> None:
        """Take in what is a file or a folder with a kustomization."""
        path = self._at(folder, text)
        if path is None:
            return
        entry = self._look(path, content=plugin)
        if entry is not None and entry.is_tree:
            self._follow(_Step("kustomization", path))
            return
        self._add(path)
        if plugin:
            self._follow(_Step("plugin", folder, path))

    def _at(self, folder: str, text: str) -> str | None:
        segments = resolve(folder.split("/") if folder else (), re.sub(r"/+", "/", text))
        if segments is None:
            self._note(f"{redact(text)[:200]!r} in {folder or 'the root'} is no path in this repo")
            return None
        path = "/".join(segments)
        return None if any(is_below(path, ours) for ours in OURS) else path

    def _look(self, path: str, *, content: bool) -> TreeEntry | None:
        entry = self.look(path)
        if not is_below(path, self.asked.path):
            stands = _stands(entry)
            if content or _changed(stands, "file"):
                self.consulted[path] = stands
            else:
                self.consulted.setdefault(path, "file")
        return entry

    def _add(self, path: str) -> None:
        if is_below(path, self.asked.path):
            return
        self.found[path] = None
        if len(self.found) > MAX_INPUTS:
            self.wrong = f"its declarations lead to more than {MAX_INPUTS} files"

    def _add_folder(self, path: str) -> None:
        """Take in a path where a file is expected, though a folder may stand there."""
        # What the application's own folder lies in stays a folder, so nothing of it can be meant.
        if not is_below(self.asked.path, path):
            self._add(path)

    def _note(self, note: str) -> None:
        if len(self.notes) < MAX_NOTES:
            self.notes[note] = None


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


_READERS: dict[str, Callable[..., References]] = {
    "kustomization": kustomization_references,
    "plugin": plugin_references,
    "chart": chart_references,
}
