"""Source repos as `lastgood.yaml` names them, and which of them an image or artifact comes from. Knows no network."""

import re
from collections.abc import Mapping, Sequence

from lastgood.core.pattern import WORD, fill, segments, words_in
from lastgood.core.source_commit import Selection
from lastgood.core.value import Value

# Each word multiplies the work of a match that fails: three words over 300 characters stay under a tenth of a second.
MAX_IMAGE_WORDS = 3
_LONGEST_IMAGE = 300
_LONGEST_TAG = 300
# What `revision` may say of the parts of a tag, beside the words of `image`.
TAG_WORDS = {
    "sha": r"[0-9a-f]{7,64}",
    "semver": r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+_][0-9A-Za-z.+_-]+)?",
    "branch": r".+",
    "n": r"[0-9]+",
}


class Source(Value, frozen=True, kw_only=True):
    """One item of `sources`. image: a pattern of image names (or artifact names, for the process target).

    repo, revision, paths, shared: patterns over the words of `image`; revision also over {tag}, the whole tag, or over
    TAG_WORDS: then it says what tags look like, and {sha} or {semver} in it names the commit.
    paths, shared: the service's own files and folders in the source repo, and those that it shares with others.
    issues: tracker to web address; projects: whose keys are issues.
    """

    image: str
    repo: str
    revision: str = "{tag}"
    paths: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    issues: dict[str, str] = {}
    projects: tuple[str, ...] = ()


class SourceOf(Value, frozen=True, kw_only=True):
    """Where an image's code is: the repo's address, the revision to ask it for, and what of it counts.

    revision: "" where the tag has not the form that the source gives. also: other names to look for, in order.
    """

    repo: str
    revision: str
    selection: Selection = Selection()
    also: tuple[str, ...] = ()

    @property
    def revisions(self) -> tuple[str, ...]:
        """All names to look for in the repo, the likeliest first; none where the tag has not the source's form."""
        return (self.revision, *self.also) if self.revision else ()


def source_of(sources: Sequence[Source], image: str, tag: str) -> SourceOf | None:
    """Return the first source whose `image` fits; a {word} there stands for one part of a name, without / : @.

    image: a name without tag or digest; tag: what follows it (for artifacts, the revision as written).
    """
    for source in sources:
        words = _match(source.image, image)
        if words is not None:
            named = _revisions(source.revision, words, tag)
            return SourceOf(
                repo=fill(source.repo, words),
                revision=named[0] if named else "",
                selection=_selection(source, words),
                also=named[1:],
            )
    return None


def tag_words(revision: str, image_words: Sequence[str]) -> tuple[str, ...]:
    """Return the TAG_WORDS that a `revision` uses; a word of the image of that name is that one."""
    return tuple(word for word in words_in(revision) if word in TAG_WORDS and word not in image_words)


def _revisions(pattern: str, words: Mapping[str, str], tag: str) -> tuple[str, ...]:
    """Return the names that a tag tells of its commit, as the pattern says."""
    if not tag_words(pattern, tuple(words)):
        return (fill(pattern, {**words, "tag": tag}),)
    fits = re.fullmatch(_tag_form(pattern, words), tag) if len(tag) <= _LONGEST_TAG else None
    if fits is None:
        return ()
    parts = fits.groupdict()
    if "sha" in parts:
        return (parts["sha"],)
    # The repo's tag is called like the pattern, like the image's tag, or like the version alone. No image has a `+`.
    named = (fill(pattern, {**words, **parts}), tag, parts["semver"])
    return tuple(dict.fromkeys(one for name in named for one in (name, name.replace("_", "+"))))


def _tag_form(pattern: str, words: Mapping[str, str]) -> str:
    """Return an expression for tags of this form; the `v` before a version may be there or not."""
    form, at = "", 0
    seen: set[str] = set()
    for found in WORD.finditer(pattern):
        word, between = found[1], pattern[at : found.start()]
        at = found.end()
        if word == "semver" and word not in words and between[-1:] in {"v", ""}:
            form += re.escape(between.removesuffix("v")) + "v?"
        else:
            form += re.escape(between)
        if word in words:
            form += re.escape(words[word])
        else:
            form += f"(?P={word})" if word in seen else f"(?P<{word}>{TAG_WORDS[word]})"
            seen.add(word)
    return form + re.escape(pattern[at:])


def _selection(source: Source, words: Mapping[str, str]) -> Selection:
    # Shared folders alone would leave a service without its own: then the whole repo counts.
    chosen = (*source.paths, *source.shared) if source.paths else ()
    filled = (fill(path, words) for path in chosen)
    return Selection(
        # A hostile name could put `..` for a word: such a path stays as written, and no file of a commit is there.
        paths=tuple(dict.fromkeys("/".join(segments(path) or (path,)) for path in filled)),
        projects=source.projects,
        trackers=tuple(source.issues.items()),
    )


def _match(pattern: str, image: str) -> dict[str, str] | None:
    if len(image) > _LONGEST_IMAGE:
        return None
    seen: dict[str, int] = {}
    parts = []
    at = 0
    for found in WORD.finditer(pattern):
        parts.append(re.escape(pattern[at : found.start()]))
        at = found.end()
        # The same word twice must stand for the same text twice.
        parts.append(rf"(?P=w{seen[found[1]]})" if found[1] in seen else rf"(?P<w{len(seen)}>[^/:@]+)")
        seen.setdefault(found[1], len(seen))
    parts.append(re.escape(pattern[at:]))
    fits = re.fullmatch("".join(parts), image)
    return None if fits is None else {word: fits[f"w{n}"] for word, n in seen.items()}


_PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/@]*:[^/@]*@", re.IGNORECASE)


def address_is_safe(address: str) -> bool:
    """Say whether an address carries no password, cannot be taken for an option, and names no helper program.

    `ext::sh -c ...` makes git run a program; such transports are named with `::`.
    """
    head = address.split("/", 1)[0]
    return not address.startswith("-") and "::" not in head and _PASSWORD_IN_URL.match(address) is None
