"""Credentials for a registry, from a file in the form of Docker's `config.json`. Runs no program; prints nothing."""

import base64
import binascii
from pathlib import Path

import msgspec

from lastgood.core.image_name import DOCKER_HUB

_PATHS = ("", "/", "/v1/", "/v2/", "/v1", "/v2")
MAX_FILE_BYTES = 1024 * 1024
# What Docker itself writes for Docker Hub, by its first interface.
_DOCKER_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")


class Credentials(msgspec.Struct, frozen=True):
    """A name and a password. Not a Value, and shown without its content: it is never written anywhere."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Say nothing of the content."""
        return "Credentials()"

    def header(self) -> str:
        """Return the value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class CredentialsUnreadable(Exception):
    """The file does not give them; its text says why, and nothing of what the file holds."""


class _Auth(msgspec.Struct, frozen=True):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None


class _DockerConfig(msgspec.Struct, frozen=True):
    auths: dict[str, _Auth] = {}
    credHelpers: dict[str, str] = {}  # noqa: N815 - Docker's name for it
    credsStore: str | None = None  # noqa: N815 - Docker's name for it


def read_credentials(file: Path, host: str) -> Credentials | None:
    """Return the credentials for a registry; None where the file names none. Raises CredentialsUnreadable.

    host: as images name the registry. Read anew each time: what a file holds changes, and is kept nowhere else.
    """
    config = _read(file)
    keys = _DOCKER_HUB_KEYS if host == DOCKER_HUB else (host,)
    found = next((config.auths[key] for key in _spelled(keys) if key in config.auths), None)
    if found is not None and (found.auth or found.username):
        return _credentials(file, found, host)
    helper = next((config.credHelpers[key] for key in _spelled(keys) if key in config.credHelpers), config.credsStore)
    if helper:
        raise CredentialsUnreadable(
            f"{file} leaves the credentials for {host} to a program (`credHelpers` or `credsStore`), and lastgood runs "
            f"none for them; write them under `auths`"
        )
    if found is not None and found.identitytoken:
        raise CredentialsUnreadable(
            f"{file} has an identity token for {host}, which lastgood cannot use; give a name and a password"
        )
    return None


def _spelled(keys: tuple[str, ...]) -> tuple[str, ...]:
    # Docker looks for the host alone, and takes a key written as a URL, mostly that of an API, for its host.
    urls = [f"{scheme}://{key}{path}" for key in keys for scheme in ("https", "http") for path in _PATHS]
    return (*keys, *urls)


def _read(file: Path) -> _DockerConfig:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as wrong:
        raise CredentialsUnreadable(f"{file} cannot be read: {wrong.strerror}") from wrong
    if len(data) > MAX_FILE_BYTES:
        raise CredentialsUnreadable(f"{file} is longer than {MAX_FILE_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=_DockerConfig)
    except (msgspec.DecodeError, RecursionError):
        # Without the cause: it may repeat what stands in the file.
        raise CredentialsUnreadable(f"{file} is not in the form of Docker's config.json") from None


def _credentials(file: Path, found: _Auth, host: str) -> Credentials:
    if not found.auth:
        return Credentials(found.username or "", found.password or "")
    try:
        user, colon, password = base64.b64decode(found.auth, validate=True).decode().strip("\0").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise CredentialsUnreadable(f"{file} has an `auth` for {host} that is not base64") from None
    if not colon or not user:
        raise CredentialsUnreadable(f"{file} has an `auth` for {host} that is no name and password")
    return Credentials(user, password)
