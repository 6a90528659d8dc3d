"""An image that somebody asks for, by name and tag or by digest, held against those that ran. Pure."""

import re

from lastgood.core.asked_feature import asked_feature
from lastgood.core.image_name import is_digest, is_tag, parse_image_name
from lastgood.core.value import Value

# As lists show them.
_BEGINNING = re.compile(r"sha(?:256|512):[0-9a-f]{7,127}")


class AskedImage(Value, frozen=True, kw_only=True):
    """name: "" where only a digest or a tag was given. references: the tag and the digest, those that were given."""

    name: str
    references: tuple[str, ...]

    def fits(self, name: str, reference: str) -> bool:
        """Say whether an image is meant. name: without tag or digest; reference: what follows it."""
        name = plain_name(name)
        said = reference.split("@") if reference else []
        # A digest that was given decides: the same tag may have named another image before.
        given = self.references[-1]
        if not any(one.startswith(given) if self.has_digest else one == given for one in said):
            return False
        return not self.name or name.endswith(f"/{self.name}") or self.is_named(name)

    def is_named(self, name: str) -> bool:
        """Say whether that is its whole name, however it is spelled."""
        return full_name(name) == full_name(self.name)

    @property
    def has_digest(self) -> bool:
        """Whether a digest, or its beginning, says which image is meant: it is the same under every name."""
        return _names_digest(self.references[-1])


def asked_image(text: str) -> AskedImage | None:
    """Read `web:1.4.2`, `registry.example.com/shop/web@sha256:...`, a digest or its beginning; None for all else."""
    text = text.strip()
    if _names_digest(text):
        return AskedImage(name="", references=(text,))
    named, _, digest = text.partition("@")
    if parse_image_name(named if _names_digest(digest) else text) is None:
        return None
    folder, slash, last = named.rpartition("/")
    name, _, tag = last.partition(":")
    references = tuple(one for one in (tag, digest) if one)
    return AskedImage(name=f"{folder}{slash}{name}", references=references) if references else None


def asked_tag(text: str) -> AskedImage | None:
    """Read `v1.4.2` as the tag of any image; None for what cannot be one. Nearly every word can: ask for it last."""
    text = asked_feature(text).text
    return AskedImage(name="", references=(text,)) if is_tag(text) else None


def _names_digest(text: str) -> bool:
    return is_digest(text) or _BEGINNING.fullmatch(text) is not None


def plain_name(name: str) -> str:
    """Return a name as the image has it, without the container that runs another version of it beside."""
    return name.partition(" (in ")[0]


def full_name(name: str) -> str:
    """Return a name with its registry: `nginx` and `docker.io/library/nginx` are one."""
    name = plain_name(name)
    read = parse_image_name(name)
    return str(read) if read is not None else name
