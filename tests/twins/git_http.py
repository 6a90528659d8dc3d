"""A Git server over HTTP on a free loopback port: git's own `http-backend` behind Basic authentication."""

import base64
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER, PASSWORD = "deployer", "s3cr3t-of-the-forge"
_ALLOWED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode("ascii")


class GitHttpServer:
    """Serves the bare repositories below a folder.

    lose_reply: a push is carried out, and the connection ends without an answer. status: answer everything with it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lose_reply = 0
        self.status: int | None = None
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"git": self}))
        self.port = int(self.server.server_address[1])

    def url(self, repo: str, *, password: str = PASSWORD) -> str:
        """Return the URL of a repository with credentials in it."""
        return f"http://{USER}:{password}@127.0.0.1:{self.port}/{repo}"


@contextlib.contextmanager
def git_over_http(folder: Path) -> Iterator[GitHttpServer]:
    """Serve the repositories below a folder until the block ends."""
    serving = GitHttpServer(folder)
    thread = threading.Thread(target=serving.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield serving
    finally:
        serving.server.shutdown()
        serving.server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    git: GitHttpServer

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._answer(b"".join(iter(self._chunk, b"")))
        else:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().strip(), 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _answer(self, body: bytes) -> None:
        if self.git.status is not None:
            self.send_error(self.git.status)
            return
        if self.headers.get("Authorization") != _ALLOWED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],  # noqa: S607 - whichever git the tests run
            input=body,
            capture_output=True,
            check=True,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self.git.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": USER,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )
        with self.git.lock:
            lost = path.endswith("/git-receive-pack") and self.command == "POST" and self.git.lose_reply > 0
            self.git.lose_reply -= lost
        if lost:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode("ascii").split("\r\n")]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
