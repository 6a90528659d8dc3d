"""Find the applications of a config repo at a commit: `lastgood.yaml` there, and the folders that its patterns match.

Reads tree objects through the ConfigRepo port and remembers them by id, so that a look costs what changed since the
last one. Knows no Git process and no server; what is wrong in the repo becomes a Problem, never an exception.
"""

from collections.abc import Iterable, Mapping

from lastgood.core.application import Application, Scope
from lastgood.core.commit import TreeEntry
from lastgood.core.config import CONFIG_FILE, MAX_CONFIG_BYTES, RepoConfig, parse_config
from lastgood.core.declared_inputs import Declared, inputs_at
from lastgood.core.entry import Entry, NotAnApplication, application_at
from lastgood.core.errors import ConfigWrong, ObjectMissing, ObjectTooLarge
from lastgood.core.pattern import as_word, fill, usable_segment
from lastgood.core.ports import ConfigRepo
from lastgood.core.sharing import Sharing
from lastgood.core.sources import Source
from lastgood.core.value import Value

MAX_APPLICATIONS = 10_000
_MAX_PROBLEMS = 1_000
UNTIL_MENDED = "until it is mended nothing new is deployed, and what runs keeps running"
_MISSING_HINT = "put a folder there, or take its entry out of lastgood.yaml; what it ran keeps running"

Words = tuple[tuple[str, str], ...]


class Problem(Value, frozen=True, kw_only=True):
    """Something that is wrong in the repo. app: whom it concerns; None: a whole entry, or the file.

    repo: its name, where a server follows several. file: empty for a state of the whole repo, or of the server.
    """

    app: str | None
    file: str
    line: int | None
    reason: str
    hint: str = ""
    repo: str | None = None

    @property
    def found(self) -> str:
        """Where it is, and what is wrong, in one line."""
        line = f":{self.line}" if self.line else ""
        where = f"{self.file}{line}: " if self.file else ""
        repo = f"{self.repo}: " if self.repo and self.file else ""
        return f"{repo}{where}{self.reason}"

    @property
    def said(self) -> str:
        """Where it is, what is wrong, and what to do, in one line."""
        return "; ".join(part for part in (self.found, self.hint) if part)


class Discovered(Value, frozen=True, kw_only=True):
    """The applications at a commit, by name, sorted.

    config: None if `lastgood.yaml` is missing or wrong; then there are no applications, which says nothing about
    those that ran before. problems: one for each thing that is wrong. An application whose folder is missing stands in
    both; names that two folders claim stand in `problems` alone. inputs: what each application is made of there.
    """

    config: RepoConfig | None
    applications: dict[str, Application]
    problems: tuple[Problem, ...]
    sharing: Sharing
    inputs: dict[str, Declared] = {}

    @property
    def sources(self) -> tuple[Source, ...]:
        """What `sources` of lastgood.yaml declares; nothing where it cannot be read."""
        return self.config.sources if self.config is not None else ()

    def problem(self, app: str) -> Problem | None:
        """Return the first problem of an application."""
        return next((one for one in self.problems if one.app == app), None)

    @property
    def scopes(self) -> dict[str, Scope]:
        """The files that each application is made of, by its name."""
        return {name: found.scope for name, found in self.inputs.items()}

    def shared_with(self, app: str, path: str) -> tuple[str, ...]:
        """Return the other applications that are made of files at, under or around a path, sorted."""
        return tuple(name for name in self.sharing.using(path) if name != app)


class Discovery:
    """Keeps what one look at a branch read for the next; one for each repo is enough, one for all does no harm."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], _Look] = {}

    async def applications(self, repo: ConfigRepo, branch: str, commit: str) -> Discovered:
        """Return what `lastgood.yaml` at the commit makes of the folders at the commit.

        Raises the errors of the port (ObjectMissing and its like), and nothing for what the files say.
        """
        key = (repo.name, branch)
        before = self._last.get(key)
        root = await repo.entry(commit, "")
        if root is None:
            return _nothing(Problem(app=None, file=CONFIG_FILE, line=None, reason="the commit has no files"))
        if before is not None and before.root == root.oid:
            return before.discovered
        look = _Look(repo, branch, root.oid, before)
        look.discovered = await look.discover()
        look.before = None
        self._last[key] = look
        return look.discovered


class _Look:
    """One pass over the trees that the patterns lead to."""

    def __init__(self, repo: ConfigRepo, branch: str, root: str, before: "_Look | None") -> None:
        self.repo = repo
        self.branch = branch
        self.root = root
        self.before = before
        self.trees: dict[str, dict[str, TreeEntry]] = {}
        self.config_blob: str | None = None
        self.config: RepoConfig | None = None
        self.made: dict[tuple[int, Words], Application] = {}
        self.discovered = _nothing()

    async def discover(self) -> Discovered:
        """Read the configuration, follow every entry, and sort out names that two claim."""
        wrong = await self._read_config()
        if self.config is None:
            return _nothing(wrong)
        found: dict[str, list[tuple[Application, Problem | None]]] = {}
        problems: list[Problem] = []
        count = 0
        for number, entry in enumerate(self.config.entries):
            matches = await self._matches(entry)
            if not matches:
                problems.append(_problem(entry, None, f"the pattern {_shown(entry)} matches no folder"))
            count += len(matches)
            if count > MAX_APPLICATIONS:
                reason = f"the patterns match more than {MAX_APPLICATIONS} folders; the rest is left out"
                problems.append(_problem(entry, None, reason))
                break
            for words, trouble in matches:
                try:
                    app = self._application(number, entry, words)
                except NotAnApplication as wrong_words:
                    at = "/".join(fill(segment, dict(words)) for segment in entry.path)
                    problems.append(_problem(entry, None, f"{at or '.'} is no application: {wrong_words}"))
                    continue
                problem = None if trouble is None else _problem(entry, app.name, trouble, _MISSING_HINT)
                found.setdefault(app.name, []).append((app, problem))
        applications: dict[str, Application] = {}
        for name, claims in sorted(found.items()):
            if len(claims) > 1:
                places = ", ".join(app.path or "." for app, _ in claims[:5])
                reason = f"{len(claims)} folders claim the name {name}: {places}"
                hint = "make `name` use every {word} of `path`"
                problems.append(Problem(app=name, file=CONFIG_FILE, line=None, reason=reason, hint=hint))
                continue
            app, problem = claims[0]
            applications[name] = app
            if problem is not None:
                problems.append(problem)
        inputs = await self._inputs(applications)
        problems += [
            Problem(app=name, file=applications[name].path or ".", line=None, reason=found.wrong)
            for name, found in inputs.items()
            if found.wrong
        ]
        scopes = {name: found.scope for name, found in inputs.items()}
        return Discovered(
            config=self.config,
            applications=applications,
            problems=tuple(problems[:_MAX_PROBLEMS]),
            inputs=inputs,
            sharing=self._sharing(scopes),
        )

    async def _inputs(self, applications: Mapping[str, Application]) -> dict[str, Declared]:
        """Return what each application is made of here; read anew only for those that the last look does not answer."""
        known = await self._known_inputs()
        before = self.before.discovered.applications if self.before is not None else {}
        return {
            name: known[name]
            if name in known and before.get(name) is app
            else await inputs_at(app, self.repo, self.root)
            for name, app in applications.items()
        }

    async def _known_inputs(self) -> dict[str, Declared]:
        """Return what the last look found, without the applications of which an input changed: the rest stands."""
        if self.before is None or not self.before.discovered.inputs:
            return {}
        try:
            changes = await self.repo.changes(self.before.root, self.root, lines=False)
        except ObjectMissing:
            return {}
        discovered = self.before.discovered
        changed = {name for change in changes for name in discovered.sharing.using(change.path)}
        return {name: found for name, found in discovered.inputs.items() if name not in changed}

    def _sharing(self, scopes: Mapping[str, Scope]) -> Sharing:
        before = self.before.discovered if self.before is not None else None
        return before.sharing if before is not None and before.scopes == scopes else Sharing.of(scopes)

    async def _read_config(self) -> Problem | None:
        entry = (await self._names(self.root)).get(CONFIG_FILE)
        if entry is None:
            return _file_problem("it is missing", hint="`lastgood init` writes one; it counts once it is committed")
        if not entry.is_file:
            return _file_problem("it must be a file, and not a link, a submodule or a folder")
        self.config_blob = entry.oid
        if self.before is not None and self.before.config_blob == entry.oid and self.before.config is not None:
            self.config = self.before.config
            return None
        try:
            data = await self.repo.read(entry.oid, max_bytes=MAX_CONFIG_BYTES, path=CONFIG_FILE)
            self.config = parse_config(data)
        except ObjectTooLarge as wrong:
            return _file_problem(f"it is larger than {MAX_CONFIG_BYTES} bytes", hint=wrong.hint)
        except ConfigWrong as wrong:
            line = wrong.facts.get("line")
            return Problem(app=None, file=CONFIG_FILE, line=line, reason=str(wrong.facts["reason"]), hint=wrong.hint)
        return None

    async def _names(self, tree: str) -> dict[str, TreeEntry]:
        if tree not in self.trees:
            known = self.before.trees.get(tree) if self.before is not None else None
            if known is None:
                known = {entry.path: entry for entry in await self.repo.list_tree(tree)}
            self.trees[tree] = known
        return self.trees[tree]

    async def _matches(self, entry: Entry) -> list[tuple[Words, str | None]]:
        """Return (words, what is wrong with the folder) for each match."""
        at: list[tuple[dict[str, str], str]] = [({}, self.root)]
        for depth, segment in enumerate(entry.path):
            onward: list[tuple[dict[str, str], str]] = []
            for words, tree in at:
                names = await self._names(tree)
                onward.extend(_steps(segment, words, names))
                if len(onward) > MAX_APPLICATIONS:
                    break
            if not onward and entry.is_literal:
                return [((), await self._missing(entry, depth, at[0][1]))]
            at = onward
        return [(tuple(words.items()), None) for words, _ in at]

    async def _missing(self, entry: Entry, depth: int, tree: str) -> str:
        there = (await self._names(tree)).get(entry.path[depth])
        if there is None:
            return f"its path {_shown(entry)} is missing"
        return f"its path {_shown(entry)} is not a folder: {'/'.join(entry.path[: depth + 1])} is a file or a link"

    def _application(self, number: int, entry: Entry, words: Words) -> Application:
        key = (number, words)
        same_config = self.before is not None and self.before.config is self.config
        app = self.before.made.get(key) if same_config and self.before is not None else None
        if app is None:
            app = application_at(entry, dict(words), repo=self.repo.name, branch=self.branch)
            # An application that did not change is the same object as before, whatever else changed in the file.
            known = self.before.discovered.applications.get(app.name) if self.before is not None else None
            app = known if known == app else app
        self.made[key] = app
        return app


def _steps(
    segment: str, words: Mapping[str, str], names: Mapping[str, TreeEntry]
) -> Iterable[tuple[dict[str, str], str]]:
    word = as_word(segment)
    wanted = segment if word is None else words.get(word)
    if wanted is not None:
        entry = names.get(wanted)
        if entry is not None and entry.is_tree:
            yield dict(words), entry.oid
        return
    for name, entry in names.items():
        # Folders like .git and .lastgood hold no applications, as a shell's `*` passes them by.
        if entry.is_tree and word is not None and not name.startswith(".") and usable_segment(name):
            yield {**words, word: name}, entry.oid


def _shown(entry: Entry) -> str:
    return "/".join(entry.path) or "."


def _problem(entry: Entry, app: str | None, reason: str, hint: str = "") -> Problem:
    return Problem(app=app, file=CONFIG_FILE, line=entry.line, reason=reason, hint=hint)


def _file_problem(reason: str, *, hint: str = "") -> Problem:
    return Problem(app=None, file=CONFIG_FILE, line=None, reason=reason, hint=hint)


def _nothing(problem: Problem | None = None) -> Discovered:
    problems = () if problem is None else (problem,)
    return Discovered(config=None, applications={}, problems=problems, sharing=Sharing())
