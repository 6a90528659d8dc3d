"""Keys and certificates for tests, made by the `openssl` program."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """Files in PEM."""

    key: Path
    certificate: Path


def self_signed(folder: Path) -> Certificate:
    """Make a certificate for 127.0.0.1 that is its own authority."""
    made = Certificate(folder / "key.pem", folder / "certificate.pem")
    new = ("-newkey", "rsa:2048", "-nodes", "-keyout", str(made.key), "-out", str(made.certificate))
    openssl("req", "-x509", *new, "-days", "1", "-subj", "/CN=shop", "-addext", "subjectAltName=IP:127.0.0.1")
    return made


def openssl(*args: str, given: bytes = b"") -> bytes:
    """Run the program; return what it prints."""
    program = shutil.which("openssl") or "openssl"
    return subprocess.run([program, *args], input=given, capture_output=True, check=True).stdout
