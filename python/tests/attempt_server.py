"""A real HTTP server with the endpoints of an attempt, whose faults a test can order one by one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import urllib.parse
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Deque, NamedTuple

TOKEN = "jdw_test"
PREFIX = "/api/v1/attempt/"


class Stored(NamedTuple):
    kind: str
    name: str
    key: str
    data: bytes
    version: int


class Seen(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class AttemptServer:
    """`faults` are taken one per request: an HTTP status with a problem body `(status, code, retryable)`, or a word
    (see `_Handler.fail`). Without a fault the request is served."""

    def __init__(self, listening: bool = True, certificate: tuple[str, str] | None = None) -> None:
        self.faults: Deque[Any] = deque()
        self.seen: list[Seen] = []
        self.stored: list[Stored] = []
        self.closing = threading.Event()
        # A server of before does not know the question.
        self.knows_before = True
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self._http.owner = self  # type: ignore[attr-defined]
        self._http.daemon_threads = True
        self._http.server_bind()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # The handshake belongs to the thread of the connection, and a client that breaks it off to nobody.
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
            self._http.handle_error = lambda *arguments: None  # type: ignore[method-assign]
            self.url = self.url.replace("http:", "https:")
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        if listening:
            self.listen()

    def listen(self) -> None:
        self._http.server_activate()
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        if self._thread.is_alive():
            self._http.shutdown()
        self._http.server_close()

    def store(self, kind: str, name: str, key: str, data: bytes) -> Stored:
        for earlier in self.stored:
            if earlier.key == key:
                assert hashlib.sha256(earlier.data).digest() == hashlib.sha256(data).digest(), "one key, two contents"
                return earlier
        version = sum(1 for earlier in self.stored if (earlier.kind, earlier.name) == (kind, name))
        stored = Stored(kind, name, key, data, version)
        self.stored.append(stored)
        return stored


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        owner: AttemptServer = self.server.owner  # type: ignore[attr-defined]
        fault = owner.faults.popleft() if owner.faults else None
        if fault == "refuse unread":
            self.close_connection = True
            return self.problem(413, "too_large", False)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        owner.seen.append(Seen("PUT", self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if fault not in (None, "lose reply"):
            return self.fail(fault)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.problem(401, "unauthenticated", False)
        where = self.path[len(PREFIX) :]
        kind = "checkpoint" if where == "checkpoint" else "artifact"
        name = urllib.parse.unquote(where.split("/")[-1])
        stored = owner.store(kind, name, self.headers["Idempotency-Key"], body)
        if fault == "lose reply":
            return self.fail("reset")
        self.answer(200, {"success": True, "filename": name, "version": stored.version, "size_bytes": len(stored.data)})

    def do_GET(self) -> None:
        owner: AttemptServer = self.server.owner  # type: ignore[attr-defined]
        owner.seen.append(Seen("GET", self.path, {k.lower(): v for k, v in self.headers.items()}, b""))
        fault = owner.faults.popleft() if owner.faults else None
        if fault not in (None, "cut short"):
            return self.fail(fault)
        path, _, question = self.path.partition("?")
        before = urllib.parse.parse_qs(question).get("before") if owner.knows_before else None
        states = [stored for stored in owner.stored if stored.kind == "checkpoint" and (before is None or stored.version < int(before[0]))]
        if path != PREFIX + "checkpoint" or not states:
            return self.problem(404, "artifact_not_found", False)
        data = states[-1].data
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Drover-Checkpoint-Version", str(states[-1].version))
        self.send_header("Drover-Checkpoint-At", "1795000000000")
        self.end_headers()
        self.wfile.write(data[:-1] if fault == "cut short" else data)
        self.close_connection = True

    def fail(self, fault: Any) -> None:
        if isinstance(fault, tuple):
            return self.problem(*fault)
        self.close_connection = True
        if fault == "hang":
            self.server.owner.closing.wait(30)  # type: ignore[attr-defined]
        elif fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif fault == "redirect":
            self.send_response(302)
            self.send_header("Location", "/somewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            status = 200 if fault == "login page" else int(fault)
            self.answer(status, f"<html>{fault}</html>")

    def problem(self, status: int, code: str, retryable: bool) -> None:
        self.answer(status, {"type": f"urn:drover:{code}", "title": code, "status": status, "code": code, "retryable": retryable, "detail": "Because."})

    def answer(self, status: int, content: Any) -> None:
        body = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *arguments: Any) -> None:
        pass
