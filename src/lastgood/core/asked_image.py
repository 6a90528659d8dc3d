"""An image that somebody asks for, by name and tag or by digest, held against those that ran. Pure."""

import re

from lastgood.core.image_name import parse_image_name
from lastgood.core.value import Value

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class AskedImage(Value, frozen=True, kw_only=True):
    """name: "" where only a digest was given. references: the tag and the digest, those that were given."""

    name: str
    references: tuple[str, ...]

    def fits(self, name: str, reference: str) -> bool:
        """Say whether an image is meant. name: without tag or digest; reference: what follows it."""
        said = reference.split("@") if reference else []
        # A digest that was given decides: the same tag may have named another image before.
        given = self.references[-1]
        if given not in said:
            return False
        return not self.name or name == self.name or name.endswith(f"/{self.name}") or _full(name) == _full(self.name)


def asked_image(text: str) -> AskedImage | None:
    """Read `web:1.4.2`, `registry.example.com/shop/web@sha256:...`, a digest; None for whatever names no image."""
    text = text.strip()
    if _DIGEST.fullmatch(text):
        return AskedImage(name="", references=(text,))
    if parse_image_name(text) is None:
        return None
    named, _, digest = text.partition("@")
    folder, slash, last = named.rpartition("/")
    name, _, tag = last.partition(":")
    references = tuple(one for one in (tag, digest) if one)
    return AskedImage(name=f"{folder}{slash}{name}", references=references) if references else None


def _full(name: str) -> str:
    read = parse_image_name(name)
    return str(read) if read is not None else name
