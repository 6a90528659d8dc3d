"""Read `lastgood.yaml`, the part of the settings that belongs to the people who write the config repo.

Bytes in, RepoConfig out. Hostile input: it names things and defines none. Knows no repository and no server.
"""

import re
from typing import Any, get_args

from lastgood.core.application import IgnoredDrift, Policy
from lastgood.core.duration import parse_duration
from lastgood.core.entry import Entry, Helm
from lastgood.core.nearest import did_you_mean
from lastgood.core.pattern import is_label, is_name, resolve, segments, stray_brace, words_in
from lastgood.core.sources import MAX_IMAGE_WORDS, TAG_WORDS, Source, address_is_safe, tag_words
from lastgood.core.value import Value
from lastgood.core.words import DeliveryPolicy
from lastgood.core.yaml import Document, Path, read_yaml

CONFIG_FILE = "lastgood.yaml"
MAX_CONFIG_BYTES = 1_000_000
MAX_ENTRIES = 2_000
MAX_SOURCES = 1_000
MAX_TEXT = 500
MAX_VALUES_FILES = 50
MAX_WORDS = 8
MAX_IGNORED = 50
MAX_SOURCE_PATHS = 100
MAX_PROJECTS = 100
LONGEST_BAKE_S = 30 * 86_400
RENDERERS = ("auto", "plain", "kustomize", "helm", "process-compose")

_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,19}")

# Every key that may stand in the file, by where it stands. The reference page is held to this table by a test.
KEYS: dict[str, tuple[str, ...]] = {
    "": ("version", "applications", "sources", "reset", "delivery"),
    "applications[]": (
        "name",
        "path",
        "environment",
        "group",
        "destination",
        "namespace",
        "render",
        "policy",
        "helm",
        "ignore_drift",
    ),
    "applications[].policy": ("bake", "prune", "self_heal", "reason", "auto_rollback"),
    "applications[].helm": ("release", "values"),
    "applications[].ignore_drift[]": ("group", "kind", "name", "pointers", "managers"),
    "sources[]": ("image", "repo", "revision", "paths", "shared", "issues"),
    "sources[].issues": ("jira", "linear", "projects"),
}


class RepoConfig(Value, frozen=True, kw_only=True):
    """`lastgood.yaml` as read. reset_refused: nobody may move the branch back (`reset: refused`).

    delivery: how a commit comes to the branch, where nobody says it.
    """

    entries: tuple[Entry, ...] = ()
    sources: tuple[Source, ...] = ()
    reset_refused: bool = False
    delivery: DeliveryPolicy = "push"


def parse_config(data: bytes, *, file: str = CONFIG_FILE) -> RepoConfig:
    """Read the file's bytes.

    Raises ConfigWrong with file, line and reason at the first thing that is wrong; an unknown key suggests a known one.
    """
    document = read_yaml(data, file=file, max_bytes=MAX_CONFIG_BYTES)
    if document.value is None:
        document.wrong((), "it is empty", hint="`lastgood init` writes one")
    top = _mapping(document, (), document.value, KEYS[""])
    version = _need(document, (), top, "version")
    if version != 1 or isinstance(version, bool):
        document.wrong(("version",), "`version` must be 1", hint="a newer lastgood may know this version")
    reset = _choice(document, ("reset",), top.get("reset", "allowed"), ("allowed", "refused"))
    deliveries: dict[str, DeliveryPolicy] = {word: word for word in get_args(DeliveryPolicy)}
    delivery = _choice(document, ("delivery",), top.get("delivery", "push"), tuple(deliveries))
    entries = _items(document, ("applications",), top.get("applications", []), most=MAX_ENTRIES)
    sources = _items(document, ("sources",), top.get("sources", []), most=MAX_SOURCES)
    return RepoConfig(
        entries=tuple(_entry(document, ("applications", n), one) for n, one in enumerate(entries)),
        sources=tuple(_source(document, ("sources", n), one) for n, one in enumerate(sources)),
        reset_refused=reset == "refused",
        delivery=deliveries[delivery],
    )


def _entry(document: Document, at: Path, value: Any) -> Entry:
    fields = _mapping(document, at, value, KEYS["applications[]"])
    path = _path(document, at, fields)
    words = words_in("/".join(path))
    texts: dict[str, str | None] = {}
    for key in ("name", "destination", "namespace", "environment", "group"):
        required = key in {"name", "destination"}
        if required or key in fields:
            raw = _need(document, at, fields, key)
            text = _template(document, (*at, key), raw, words)
            _check_literal(document, (*at, key), text, label=key in {"environment", "group"})
            texts[key] = text
    return Entry(
        name=str(texts["name"]),
        path=path,
        destination=str(texts["destination"]),
        namespace=texts.get("namespace"),
        environment=texts.get("environment"),
        group=texts.get("group"),
        render=_choice(document, (*at, "render"), fields.get("render", "auto"), RENDERERS),
        policy=_policy(document, (*at, "policy"), fields.get("policy", {})),
        helm=_helm(document, (*at, "helm"), fields.get("helm"), path, words),
        ignore_drift=_ignored(document, (*at, "ignore_drift"), fields.get("ignore_drift", []), words),
        line=document.line(at),
    )


def _path(document: Document, at: Path, fields: dict[str, Any]) -> tuple[str, ...]:
    where = (*at, "path")
    text = _text(document, where, _need(document, at, fields, "path"))
    path = segments(text)
    if path is None:
        document.wrong(where, f"`path` {text!r} must be a folder inside the repo, relative to its root")
    if path and path[0] in {".lastgood", ".git"}:
        document.wrong(where, f"`path` cannot be in {path[0]}, which holds no application")
    for segment in path:
        if stray_brace(segment):
            document.wrong(where, f"`path` has a brace in {segment!r} that belongs to no {{word}}")
        if words_in(segment) and not (segment.startswith("{") and segment.endswith("}") and segment.count("{") == 1):
            document.wrong(
                where,
                f"in `path`, a {{word}} stands for a whole folder name, and {segment!r} has more than that",
                hint="write one entry for each such folder",
            )
    if len(words_in("/".join(path))) > MAX_WORDS:
        document.wrong(where, f"`path` has more than {MAX_WORDS} words")
    return path


def _policy(document: Document, at: Path, value: Any) -> Policy:
    fields = _mapping(document, at, value, KEYS["applications[].policy"])
    bake_s = 600
    if "bake" in fields:
        text = _text(document, (*at, "bake"), fields["bake"])
        seconds = parse_duration(text)
        if seconds is None or seconds > LONGEST_BAKE_S:
            document.wrong((*at, "bake"), f"`bake` {text!r} must be a duration like 90s, 10m or 1h30m, at most 30d")
        bake_s = seconds
    reason = _choice(document, (*at, "reason"), fields.get("reason", "optional"), ("optional", "required"))
    return Policy(
        bake_s=bake_s,
        prune=_truth(document, (*at, "prune"), fields.get("prune", True)),
        self_heal=_truth(document, (*at, "self_heal"), fields.get("self_heal", True)),
        reason_required=reason == "required",
        auto_rollback=_truth(document, (*at, "auto_rollback"), fields.get("auto_rollback", False)),
    )


def _helm(document: Document, at: Path, value: Any, path: tuple[str, ...], words: tuple[str, ...]) -> Helm | None:
    if value is None:
        return None
    fields = _mapping(document, at, value, KEYS["applications[].helm"])
    release = None
    if "release" in fields:
        release = _template(document, (*at, "release"), fields["release"], words)
        _check_literal(document, (*at, "release"), release, label=False)
    values = []
    for n, one in enumerate(_items(document, (*at, "values"), fields.get("values", []), most=MAX_VALUES_FILES)):
        where = (*at, "values", n)
        text = _template(document, where, one, words)
        found = resolve(path, text)
        if not found:
            document.wrong(where, f"the values file {text!r} must be a file inside the repo, relative to `path`")
        values.append(found)
    return Helm(release=release, values=tuple(values))


def _ignored(document: Document, at: Path, value: Any, words: tuple[str, ...]) -> tuple[IgnoredDrift, ...]:
    found = []
    for n, one in enumerate(_items(document, at, value, most=MAX_IGNORED)):
        where = (*at, n)
        fields = _mapping(document, where, one, KEYS["applications[].ignore_drift[]"])
        kind = _text(document, (*where, "kind"), _need(document, where, fields, "kind"))
        # The core group of Kubernetes is called "", which is no text anywhere else.
        group = fields.get("group")
        if group not in (None, ""):
            group = _text(document, (*where, "group"), group)
        name = _template(document, (*where, "name"), fields["name"], words) if "name" in fields else None
        listed: dict[str, tuple[str, ...]] = {}
        for key in ("pointers", "managers"):
            items = _items(document, (*where, key), fields.get(key, []), most=MAX_IGNORED)
            listed[key] = tuple(_text(document, (*where, key, m), item) for m, item in enumerate(items))
        for m, pointer in enumerate(listed["pointers"]):
            if not pointer.startswith("/") or re.search(r"~(?![01])", pointer):
                hint = "a pointer is written `/spec/replicas`; `~1` stands for `/` in a name, `~0` for `~`"
                document.wrong((*where, "pointers", m), f"{pointer!r} is no JSON pointer", hint=hint)
        if not any(listed.values()):
            document.wrong(where, "a rule must name `pointers` or `managers`, else it ignores nothing")
        found.append(IgnoredDrift(kind=kind, group=group, name=name, **listed))
    return tuple(found)


def _source(document: Document, at: Path, value: Any) -> Source:
    fields = _mapping(document, at, value, KEYS["sources[]"])
    image = _text(document, (*at, "image"), _need(document, at, fields, "image"))
    if stray_brace(image):
        document.wrong((*at, "image"), "`image` has a brace that belongs to no {word}")
    words = words_in(image)
    if len(words) > MAX_IMAGE_WORDS:
        document.wrong((*at, "image"), f"`image` has more than {MAX_IMAGE_WORDS} words")
    repo = _template(document, (*at, "repo"), _need(document, at, fields, "repo"), words)
    if not address_is_safe(repo):
        document.wrong((*at, "repo"), "`repo` must be an address without options and without a password")
    revision = _revision(document, (*at, "revision"), fields.get("revision", "{tag}"), words)
    listed = {key: _source_paths(document, (*at, key), fields.get(key, []), words) for key in ("paths", "shared")}
    if listed["shared"] and not listed["paths"]:
        document.wrong((*at, "shared"), "`shared` needs `paths`: without them the whole repo counts")
    links, projects = _issues(document, (*at, "issues"), fields.get("issues", {}))
    return Source(
        image=image,
        repo=repo,
        revision=revision,
        paths=listed["paths"],
        shared=listed["shared"],
        issues=links,
        projects=projects,
    )


def _revision(document: Document, at: Path, value: Any, words: tuple[str, ...]) -> str:
    revision = _template(document, at, value, (*words, "tag", *TAG_WORDS))
    of_tag = tag_words(revision, words)
    if of_tag and "tag" in words_in(revision) and "tag" not in words:
        document.wrong(at, f"`revision` has either {{tag}}, the whole tag, or its parts, like {{{of_tag[0]}}}")
    if of_tag and not {"sha", "semver"} & set(of_tag):
        document.wrong(at, f"`revision` uses {{{of_tag[0]}}}, and nothing in it names a commit: {{sha}} or {{semver}}")
    return revision


def _source_paths(document: Document, at: Path, value: Any, words: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for n, one in enumerate(_items(document, at, value, most=MAX_SOURCE_PATHS)):
        text = _template(document, (*at, n), one, words)
        path = segments(text)
        if not path:
            document.wrong((*at, n), f"{text!r} must be a file or folder inside the source repo, relative to its root")
        found.append("/".join(path))
    return tuple(found)


def _issues(document: Document, at: Path, value: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    fields = _mapping(document, at, value, KEYS["sources[].issues"])
    trackers: tuple[str, ...] = ("jira", "linear")
    links = {name: _text(document, (*at, name), fields[name]) for name in trackers if name in fields}
    for name, link in links.items():
        if not link.startswith(("https://", "http://")) or not address_is_safe(link):
            document.wrong((*at, name), f"`{name}` must be a web address without a password")
    if len(links) > 1:
        document.wrong((*at, "linear"), "`issues` has both `jira` and `linear`: a key leads to one place")
    projects = []
    for n, one in enumerate(_items(document, (*at, "projects"), fields.get("projects", []), most=MAX_PROJECTS)):
        text = _text(document, (*at, "projects", n), one)
        if not _PROJECT.fullmatch(text):
            hint = "a project is written as in its keys: SHOP for SHOP-12"
            document.wrong((*at, "projects", n), f"{text!r} is no project of issues", hint=hint)
        projects.append(text)
    return links, tuple(projects)


def _mapping(document: Document, at: Path, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        document.wrong(at, f"{_called(at)} must be a mapping of keys to values")
    for key in value:
        if key not in known:
            hint = did_you_mean(key, known) or f"known here: {', '.join(known)}"
            document.wrong((*at, key), f"there is no key {key[:80]!r} here", hint=hint)
    return value


def _items(document: Document, at: Path, value: Any, *, most: int) -> list[Any]:
    if not isinstance(value, list):
        document.wrong(at, f"{_called(at)} must be a list")
    if len(value) > most:
        document.wrong(at, f"{_called(at)} has {len(value)} items; the limit is {most}")
    return value


def _need(document: Document, at: Path, fields: dict[str, Any], key: str) -> Any:
    if key not in fields:
        document.wrong(at, f"`{key}` is missing")
    return fields[key]


def _text(document: Document, at: Path, value: Any) -> str:
    # A folder called 2024 or a destination called true is written without quotes: the text as written is meant.
    text = value if isinstance(value, str) else document.written(at) if value is not None else None
    if not text:
        document.wrong(at, f"{_called(at)} must be text")
    if len(text) > MAX_TEXT:
        document.wrong(at, f"{_called(at)} has {len(text)} characters; the limit is {MAX_TEXT}")
    if not text.isprintable():
        document.wrong(at, f"{_called(at)} has a character that cannot be printed")
    return text


def _template(document: Document, at: Path, value: Any, words: tuple[str, ...]) -> str:
    text = _text(document, at, value)
    if stray_brace(text):
        document.wrong(at, f"{_called(at)} has a brace that belongs to no {{word}}")
    for word in words_in(text):
        if word not in words:
            where = "`image`" if at[0] == "sources" else "`path`"
            hint = did_you_mean(word, words) or (f"{where} has: {', '.join(words)}" if words else "")
            document.wrong(at, f"{_called(at)} uses {{{word}}}, which is not in {where}", hint=hint)
    return text


def _check_literal(document: Document, at: Path, text: str, *, label: bool) -> None:
    if words_in(text):
        return
    if not (is_label(text) if label else is_name(text)):
        document.wrong(
            at, f"{_called(at)} {text!r} must be made of {'' if label else 'small '}letters, digits, - and ."
        )


def _choice(document: Document, at: Path, value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        document.wrong(at, f"{_called(at)} must be one of: {', '.join(known)}", hint=hint)
    return value


_TRUTH = {"on": True, "yes": True, "off": False, "no": False}


def _truth(document: Document, at: Path, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in _TRUTH:
        document.wrong(at, f"{_called(at)} must be true or false (or on, off)")
    return _TRUTH[value.lower()]


def _called(at: Path) -> str:
    names = [step for step in at if isinstance(step, str)]
    if not names:
        return "the file"
    return f"`{names[-1]}`" if isinstance(at[-1], str) else f"each of `{names[-1]}`"
