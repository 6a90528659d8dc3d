"""Credentials from a file in Docker's form: found by the registry's name, and never shown."""

import base64
import json

import pytest

from lastgood.registry.credentials import MAX_FILE_BYTES, CredentialsUnreadable, read_credentials

SECRET = "correct:horse"
AUTH = base64.b64encode(f"robot:{SECRET}".encode()).decode()


def written(folder, said) -> object:
    file = folder / "config.json"
    file.write_bytes(said if isinstance(said, bytes) else json.dumps(said).encode())
    return file


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("http://localhost:5000/v1", "localhost:5000"),
        ("localhost:5000", "localhost:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_a_registry_is_found_by_each_of_its_names(tmp_path, key, host):
    """As Docker writes them; only the first colon parts name and password, and no other registry is given them."""
    file = written(tmp_path, {"auths": {key: {"auth": AUTH}}})
    found = read_credentials(file, host)
    assert (found.user, found.password) == ("robot", SECRET)
    assert found.header() == f"Basic {AUTH}"
    assert SECRET not in repr(found)
    assert read_credentials(file, "registry.example.com") is None


def test_name_and_password_may_stand_apart(tmp_path):
    """Kubernetes' pull secrets are written so, too."""
    file = written(tmp_path, {"auths": {"ghcr.io": {"username": "robot", "password": SECRET}}})
    assert read_credentials(file, "ghcr.io").header() == f"Basic {AUTH}"


@pytest.mark.parametrize(
    "said", [{}, {"auths": {}}, {"auths": {"ghcr.io": {}}}, {"credHelpers": {"other.example.com": "x"}}]
)
def test_a_registry_without_credentials_is_asked_as_a_stranger(tmp_path, said):
    """A file that names nothing for it is no mistake."""
    assert read_credentials(written(tmp_path, said), "ghcr.io") is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"credHelpers": {"ghcr.io": "secretservice"}}, "leaves the credentials for ghcr.io to a program"),
        ({"auths": {"ghcr.io": {}}, "credsStore": "desktop"}, "leaves the credentials for ghcr.io to a program"),
        ({"auths": {"ghcr.io": {"identitytoken": SECRET}}}, "has an identity token for ghcr.io"),
        ({"auths": {"ghcr.io": {"auth": SECRET}}}, "`auth` for ghcr.io that is not base64"),
        ({"auths": {"ghcr.io": {"auth": "cm9ib3Q="}}}, "that is no name and password"),
        (b'{"auths": "' + SECRET.encode(), "is not in the form of Docker's config.json"),
        (b"[" * 100_000, "is not in the form of Docker's config.json"),
        (b" " * (MAX_FILE_BYTES + 1), f"is longer than {MAX_FILE_BYTES} bytes"),
    ],
)
def test_what_cannot_be_used_says_why_and_repeats_nothing(tmp_path, said, reason):
    """A helper is a program, and none is run; nothing of the file's content gets into a message."""
    with pytest.raises(CredentialsUnreadable) as wrong:
        read_credentials(written(tmp_path, said), "ghcr.io")
    assert reason in str(wrong.value)
    assert SECRET not in str(wrong.value)


def test_a_file_that_is_not_there_says_so(tmp_path):
    """Its path is named."""
    with pytest.raises(CredentialsUnreadable, match=r"none\.json cannot be read: No such file"):
        read_credentials(tmp_path / "none.json", "ghcr.io")
