"""An image that somebody asks for, by name and tag or by digest, held against those that ran. Pure."""

from lastgood.core.image_name import is_digest, parse_image_name
from lastgood.core.value import Value


class AskedImage(Value, frozen=True, kw_only=True):
    """name: "" where only a digest was given. references: the tag and the digest, those that were given."""

    name: str
    references: tuple[str, ...]

    def fits(self, name: str, reference: str) -> bool:
        """Say whether an image is meant. name: without tag or digest; reference: what follows it."""
        name = plain_name(name)
        said = reference.split("@") if reference else []
        # A digest that was given decides: the same tag may have named another image before.
        given = self.references[-1]
        if given not in said:
            return False
        return not self.name or name.endswith(f"/{self.name}") or self.is_named(name)

    def is_named(self, name: str) -> bool:
        """Say whether that is its whole name, however it is spelled."""
        return full_name(name) == full_name(self.name)

    @property
    def has_digest(self) -> bool:
        """Whether a digest says which image is meant: it is the same under every name."""
        return is_digest(self.references[-1])


def asked_image(text: str) -> AskedImage | None:
    """Read `web:1.4.2`, `registry.example.com/shop/web@sha256:...`, a digest; None for whatever names no image."""
    text = text.strip()
    if is_digest(text):
        return AskedImage(name="", references=(text,))
    if parse_image_name(text) is None:
        return None
    named, _, digest = text.partition("@")
    folder, slash, last = named.rpartition("/")
    name, _, tag = last.partition(":")
    references = tuple(one for one in (tag, digest) if one)
    return AskedImage(name=f"{folder}{slash}{name}", references=references) if references else None


def plain_name(name: str) -> str:
    """Return a name as the image has it, without the container that runs another version of it beside."""
    return name.partition(" (in ")[0]


def full_name(name: str) -> str:
    """Return a name with its registry: `nginx` and `docker.io/library/nginx` are one."""
    name = plain_name(name)
    read = parse_image_name(name)
    return str(read) if read is not None else name
