"""HTTP to the server: one request with the token of this attempt, and retries with growing, random waits."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Callable, Mapping, NamedTuple, Protocol, TypeVar, cast

from .context import Server, number, text
from .errors import JdError
from .payload import MEBIBYTE, ExactReader, Payload

CONNECT_SECONDS = 10
IDLE_SECONDS = 60
PROBLEM_BYTES = 64 * 1024
LONGEST_WAIT = 20

T = TypeVar("T")


class Sink(Protocol):
    def write(self, data: bytes) -> Any: ...


class Reply(NamedTuple):
    headers: Mapping[str, str]
    body: bytes


def download(server: Server, path: str, sink: Sink) -> Mapping[str, str]:
    """Writes the body into `sink` while it comes; returns the headers. A body that is cut short counts as no answer."""
    return _exchange(server, "GET", path, sink=sink).headers


def put(server: Server, path: str, payload: Payload, key: str) -> dict[str, Any]:
    """Uploads and returns the server's reply. The same key again is the same upload."""
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(payload.size), "Idempotency-Key": key}
    with payload.open() as source:
        reply = _exchange(server, "PUT", path, headers=headers, body=ExactReader(source, payload.size))
    stored = _json_object(reply.body)
    # Anything else, a login page of some proxy for example, did not store the file.
    if stored.get("success") is not True:
        raise JdError("unexpected_reply", f"{server.url} did not answer like a Drover server.", status=200, retryable=True)
    return stored


def with_retries(call: Callable[[], T], tries: int, longest_seconds: float) -> T:
    """Calls until it succeeds, is refused for good, or the tries are used up.

    Waits are random between 1 and 2, 4, 8 ... 20 seconds; together they stay below JD_UPLOAD_MAX_WAIT_SECONDS (30). No try
    begins later than `longest_seconds` after the first.
    """
    started = time.monotonic()
    left = number("JD_UPLOAD_MAX_WAIT_SECONDS", 30)
    scale = min(1.0, left / max(1, sum(min(LONGEST_WAIT, 2**turn) for turn in range(1, tries))))
    for turn in range(1, tries + 1):
        try:
            return call()
        except JdError as error:
            wait = min(left, max(random.uniform(1, min(LONGEST_WAIT, 2**turn)) * scale, error.retry_after or 0))
            left -= wait
            if not error.retryable or turn == tries or time.monotonic() - started + wait > longest_seconds:
                raise
            time.sleep(wait)
    raise AssertionError("unreachable: at least one try is made")


def _exchange(
    server: Server,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: ExactReader | None = None,
    sink: Sink | None = None,
) -> Reply:
    told = {**(headers or {}), "Authorization": f"Bearer {server.token}"}
    # urllib sends whatever has a `read`, block by block.
    data: Any = body
    try:
        if not server.url.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        request = urllib.request.Request(f"{server.url}/api/v1/attempt/{path}", data, told, method=method)
        with _opener(server).open(request, timeout=number("JD_TIMEOUT_SECONDS", IDLE_SECONDS, 0.001)) as reply:
            if sink is None:
                return Reply(reply.headers, reply.read())
            _copy(reply, sink)
            return Reply(reply.headers, b"")
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(server, error) from None
    except (ValueError, http.client.InvalidURL) as error:
        raise JdError("invalid_server", f"JD_SERVER={server.url!r} is not a usable address: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise JdError("unreachable", f"{server.url} cannot be reached: {reason!s:.300}", retryable=True) from error


def _copy(reply: Any, sink: Sink) -> None:
    announced, came = reply.headers.get("Content-Length"), 0
    for block in iter(lambda: reply.read(MEBIBYTE), b""):
        came += len(block)
        sink.write(block)
    # Read block by block, a connection that ends too early looks like an end.
    if announced is not None and came < int(announced):
        raise http.client.IncompleteRead(b"", int(announced) - came)


def _refusal(server: Server, error: urllib.error.HTTPError) -> JdError:
    status = error.code
    try:
        body = error.read(PROBLEM_BYTES)
    except (OSError, http.client.HTTPException):
        body = b""
    problem = _json_object(body)
    asked = error.headers.get("Retry-After", "")
    retry_after = float(asked) if asked.isdigit() else None
    if isinstance(problem.get("code"), str):
        detail = str(problem.get("detail") or problem.get("title") or problem["code"])
        retryable = problem.get("retryable") is True
        return JdError(problem["code"], detail, status=status, retryable=retryable, retry_after=retry_after)
    if status == 413:
        return JdError("too_large", f"{server.url} refuses an upload of this size.", status=status)
    # Not Drover's words: something in between, whose 404 or redirect may be gone in a minute.
    retryable = status < 400 or status >= 500 or status in (404, 408, 425, 429)
    shown = " ".join(body.decode("utf-8", "replace").split())[:200]
    sentence = f"{server.url} answered {status}: {shown}"
    return JdError("unexpected_reply", sentence, status=status, retryable=retryable, retry_after=retry_after)


def _json_object(body: bytes) -> dict[str, Any]:
    """Empty when the body is anything but a JSON object."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _opener(server: Server) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), _PlainHandler(), _SecureHandler()]
    if _is_loopback(server):
        # Clusters set http_proxy for everybody; a proxy elsewhere cannot reach this machine's own server.
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _is_loopback(server: Server) -> bool:
    host = urllib.parse.urlsplit(server.url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Connection(http.client.HTTPConnection):
    """Gives up soon when nobody is there, and reads the reply of a server that refused before it read everything."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "blocksize": MEBIBYTE // 4})

    def connect(self) -> None:
        idle = self.timeout
        self.timeout = CONNECT_SECONDS if idle is None else min(idle, CONNECT_SECONDS)
        super().connect()
        self.timeout = idle
        self.sock.settimeout(idle)

    def request(self, *arguments: Any, **options: Any) -> None:
        try:
            super().request(*arguments, **options)
        except (BrokenPipeError, ConnectionResetError):
            if self.sock is None:
                raise


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    pass


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req, context=_trust())


def _trust() -> ssl.SSLContext:
    """The usual authorities, and those that the agent of this job was told of."""
    context = ssl.create_default_context()
    extra, own = text("NODE_EXTRA_CA_CERTS"), text("JD_CA_FILE")
    if extra is not None and os.path.isfile(extra):
        context.load_verify_locations(extra)
    if own is not None:
        try:
            context.load_verify_locations(own)
        except OSError as error:
            raise OSError(f"JD_CA_FILE={own!r} cannot be used: {error}") from error
    return context


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # The token belongs to this server alone.
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None
