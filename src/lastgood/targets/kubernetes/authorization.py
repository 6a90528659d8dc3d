"""What a request to a cluster shows for who asks: nothing, a token, a password, a token's file, or a plugin's word."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from lastgood.targets.kubernetes.trouble import Unreachable

_NOTHING: Mapping[str, str] = {}


class Credential(Protocol):
    """Says what is sent as headers. Its methods raise Unreachable where it has nothing to show."""

    async def headers(self) -> Mapping[str, str]:
        """Return what to send."""
        ...

    async def instead_of(self, refused: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return what to send once more, as the server refused those headers; None: there is nothing else."""
        ...


class Fixed:
    """Shows the same for as long as the kubeconfig is not read anew."""

    def __init__(self, headers: Mapping[str, str] = _NOTHING) -> None:
        self._headers = headers

    async def headers(self) -> Mapping[str, str]:
        """See Credential."""
        return self._headers

    async def instead_of(self, refused: Mapping[str, str]) -> None:
        """See Credential."""


class TokenFile:
    """Shows the token that a file has, read again when it is refused: whoever runs the cluster replaces it in time."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._headers: Mapping[str, str] | None = None

    async def headers(self) -> Mapping[str, str]:
        """See Credential."""
        if self._headers is None:
            self._headers = self._read()
        return self._headers

    async def instead_of(self, refused: Mapping[str, str]) -> Mapping[str, str] | None:
        """See Credential."""
        self._headers = self._read()
        return self._headers if self._headers != refused else None

    def _read(self) -> Mapping[str, str]:
        try:
            return bearer(self._file.read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            raise Unreachable(f"the credentials cannot be read: Token file {self._file} not found") from None
        except (OSError, UnicodeDecodeError) as wrong:
            why = getattr(wrong, "strerror", None) or "it is no text"
            raise Unreachable(f"the credentials cannot be read: Token file {self._file}: {why}") from wrong


def bearer(token: str) -> dict[str, str]:
    """Return a token as the header that shows it."""
    return {"Authorization": f"Bearer {token}"}


def basic(name: str, password: str) -> dict[str, str]:
    """Return a name and its password as the header that shows them."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}
