"""Starts processes for the agent: a small process forks many times faster than a large one.

One request per line on standard input, one reply per line on standard output, all JSON:

    {"environment": {"PATH": "/usr/bin"}}         once, before anything else: what all processes get
    {"id": 1, "cwd": "/data", "directory": "/data/e/.drover/1.1.abc", "arguments": ["/bin/sh", ...], "variables": {"JD_JOB_ID": "1"}, "status": "   \n"}
    {"ready": true}                               once, before any other reply
    {"id": 1, "pid": 4711}                        it runs, in its own session and process group
    {"id": 1, "error": "ENOENT", "message": "…"}  it could not be started
    {"id": 1, "ended": true, "signal": 9}         the process itself has ended; signal is null when it exited

It ends when standard input does; what it started goes on.
"""

import errno
import json
import os
import select
import signal
import sys

READ_BYTES = 1 << 16
# Python ignores these for itself; a job must find them as usual.
USUAL_SIGNALS = [signal.SIGPIPE, signal.SIGXFSZ]

running = {}
environment = {}


def reply(message):
    data = (json.dumps(message) + "\n").encode()
    while data:
        data = data[os.write(1, data) :]


def start(request):
    # Anew each time: the directory may have been replaced since.
    os.chdir(request["cwd"])
    path = {name: os.path.join(request["directory"], name) for name in ("stdout", "stderr", "pid", "status")}
    # The end of the job only overwrites what is there, so a full disk cannot lose it.
    status = os.open(path["status"], os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.write(status, request["status"].encode())
    finally:
        os.close(status)
    arguments = request["arguments"]
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, path["stdout"], append, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, path["stderr"], append, 0o600),
        (os.POSIX_SPAWN_OPEN, 3, path["pid"], os.O_WRONLY | os.O_CREAT, 0o600),
        (os.POSIX_SPAWN_OPEN, 4, path["status"], os.O_WRONLY, 0),
    ]
    return spawn(arguments, dict(environment, **request["variables"]), files)


def spawn(arguments, variables, files):
    return os.posix_spawn(arguments[0], arguments, variables, file_actions=files, setsid=True, setsigmask=[], setsigdef=USUAL_SIGNALS)


def works():
    """Whether this Python and this system can do it at all."""
    try:
        pid = spawn(["/bin/sh", "-c", ":"], {}, [])
        return os.waitpid(pid, 0)[1] == 0
    except (AttributeError, NotImplementedError, OSError):
        return False


def handle(request):
    try:
        pid = start(request)
    except OSError as error:
        reply({"id": request["id"], "error": errno.errorcode.get(error.errno, "EIO"), "message": str(error)})
        return
    except Exception as error:
        # A zero byte in an argument, for instance. Whatever it is, it concerns this one.
        reply({"id": request["id"], "error": "EINVAL", "message": str(error)})
        return
    running[pid] = request["id"]
    reply({"id": request["id"], "pid": pid})


def reap():
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        reply({"id": running.pop(pid), "ended": True, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None})


def main():
    wake_read, wake_write = os.pipe()
    for descriptor in (wake_read, wake_write):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    reply({"ready": True})
    waiting = b""
    while True:
        readable, _, _ = select.select([0, wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, READ_BYTES)
            reap()
        if 0 in readable:
            data = os.read(0, READ_BYTES)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                if "environment" in request:
                    environment.update(request["environment"])
                else:
                    handle(request)


if sys.version_info >= (3, 8) and works():
    try:
        main()
    except BrokenPipeError:
        # The agent is gone.
        pass
