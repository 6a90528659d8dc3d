"""A real registry, the distribution project's own server, on the loopback; and what puts images into it."""

import asyncio
import base64
import datetime as dt
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

import httpx2

from twins.certificates import openssl, self_signed
from twins.images import INDEX, MANIFEST, Part

MODULES = {"registry": "github.com/distribution/distribution/v3/cmd/registry@v3.1.2"}
SERVICE, ISSUER = "shop registry", "shop tokens"
USER, PASSWORD = "robot", "correct horse"
# bcrypt of PASSWORD: the server takes no other kind, and Python makes none.
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"
_LISTENS = re.compile(r"listening on (127\.0\.0\.1:\d+)")


class RegistryServer:
    """Runs while it is entered. folder: what it holds, which another server may hold after it; auth: its own words."""

    def __init__(self, program: Path, folder: Path, *, auth: dict | None = None) -> None:
        self._program = program
        self._folder = folder
        self._auth = auth

    async def __aenter__(self):
        self._folder.mkdir(exist_ok=True)
        said = {
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "images")}},
            "http": {"addr": "127.0.0.1:0", "secret": "of this test"},
            **({"auth": self._auth} if self._auth else {}),
        }
        # JSON is YAML, too.
        settings = self._folder / "registry.yml"
        settings.write_text(json.dumps(said))
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            "serve",
            settings,
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder), "OTEL_TRACES_EXPORTER": "none"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        lines: list[str] = []
        while line := (await self._process.stderr.readline()).decode():
            lines.append(line)
            if found := _LISTENS.search(line):
                break
        else:
            await self._process.wait()
            raise AssertionError("the registry does not start:\n" + "".join(lines))
        self.host = found[1]
        self.url = f"http://{self.host}"
        # A pipe that nobody reads would stop it.
        self._reading = asyncio.create_task(self._process.stderr.read())
        return self

    async def __aexit__(self, *_wrong):
        self._process.terminate()
        await self._process.wait()
        await self._reading

    async def push(self, repository: str, *parts: Part, tags: Iterable[str] = ()) -> None:
        """Put parts in, each after what it names; the last one gets the tags."""
        async with httpx2.AsyncClient(base_url=self.url) as client:
            for part in parts:
                if "manifest" not in part.kind and part.kind not in {INDEX, MANIFEST}:
                    begun = await client.post(f"/v2/{repository}/blobs/uploads/")
                    where = httpx2.URL(begun.headers["location"]).copy_merge_params({"digest": part.digest})
                    answer = await client.put(where, content=part.data)
                    assert answer.status_code == 201, answer.text
                    continue
                for name in (part.digest, *(tags if part is parts[-1] else ())):
                    where = f"/v2/{repository}/manifests/{name}"
                    answer = await client.put(where, content=part.data, headers={"Content-Type": part.kind})
                    assert answer.status_code == 201, answer.text


def with_passwords(folder: Path) -> dict:
    """Return the `auth` of a server that lets USER in by PASSWORD."""
    file = folder / "htpasswd"
    file.write_text(HTPASSWD)
    return {"htpasswd": {"realm": "shop", "path": str(file)}}


class TokenSigner:
    """Signs tokens as a registry's token server does: RS256, with its certificate in the header."""

    def __init__(self, folder: Path) -> None:
        self._key, self.certificate = self_signed(folder)

    def auth(self, realm: str) -> dict:
        """Return the `auth` of a server that takes these tokens. realm: where they are given."""
        said = {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(self.certificate)}
        return {"token": said}

    def token(self, repository: str, *, now: dt.datetime) -> str:
        """Sign that somebody may pull from a repository."""
        inner = self.certificate.read_text().split("-----")[2]
        at = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": USER,
            "aud": SERVICE,
            "iat": at,
            "nbf": at - 10,
            "exp": at + 300,
            "jti": "1",
            "access": [{"type": "repository", "name": repository, "actions": ["pull"]}],
        }
        head = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(inner.split())]}
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_base64(openssl('dgst', '-sha256', '-sign', str(self._key), given=signed.encode()))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
