"""Which applications use a path, asked often of many applications. Pure values."""

from collections.abc import Iterator, Mapping

from lastgood.core.application import Scope
from lastgood.core.value import Value


class Sharing(Value, frozen=True, kw_only=True):
    """An index of inputs. at: input -> applications; under: folder -> applications with an input somewhere below it.

    left_out: application -> paths in its folder that it is not made of.
    """

    at: dict[str, tuple[str, ...]] = {}
    under: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, scopes: Mapping[str, Scope]) -> "Sharing":
        """Build the index. scopes: what each application is made of, by its name."""
        at: dict[str, list[str]] = {}
        under: dict[str, list[str]] = {}
        left_out: dict[str, tuple[str, ...]] = {}
        for app, scope in scopes.items():
            for path in (scope.path, *scope.others):
                at.setdefault(path, []).append(app)
                for folder in _above(path):
                    under.setdefault(folder, []).append(app)
            if scope.left_out:
                left_out[app] = scope.left_out
        return cls(
            at={path: tuple(names) for path, names in at.items()},
            under={path: tuple(names) for path, names in under.items()},
            left_out=left_out,
        )

    def using(self, path: str) -> tuple[str, ...]:
        """Return the applications that are made of files at, under or around a path ("" is the root), sorted."""
        names = {*self.at.get(path, ()), *self.under.get(path, ())}
        for folder in _above(path):
            names.update(self.at.get(folder, ()))
        return tuple(sorted(name for name in names if not self._leaves_out(name, path)))

    def _leaves_out(self, name: str, path: str) -> bool:
        return any(path == out or path.startswith(f"{out}/") for out in self.left_out.get(name, ()))


def _above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path
