"""One execution of a chaos job that uses the library. What it does is told to a ledger outside Drover, by itself: facts in one
O_APPEND write each, and copies of every byte and metric, made before Drover gets them.

    job.py MARKER STEPS PAUSE_MS FILES CHECKPOINTS EXIT_CODE
"""

import errno
import hashlib
import json
import os
import pickle
import sys
import time

import jd

LEDGER = os.environ["CHAOS_LEDGER"]
ATTEMPT = os.path.basename(os.environ["JD_ATTEMPT_DIR"])
METRICS = os.path.join(os.environ["JD_ATTEMPT_DIR"], "metrics.jsonl")
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
# The attempt no longer speaks for the job.
OUTRUN = ("lease_lost", "unauthenticated")
OUTRUN_EXIT_CODE = 8

marker = sys.argv[1]
steps, pause_ms, files, checkpoints, exit_code = map(int, sys.argv[2:])


def opened(name):
    return os.open(os.path.join(LEDGER, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


FACTS = opened("facts")
COPIES = {1: opened(f"{ATTEMPT}.stdout"), 2: opened(f"{ATTEMPT}.stderr")}
METRIC_COPY = opened(f"{ATTEMPT}.metrics")


def fact(fact, **more):
    line = json.dumps({"fact": fact, "attempt": ATTEMPT, "at": time.time() * 1000, **more}) + "\n"
    os.write(FACTS, line.encode())


def put(stream, data):
    """Into the ledger first. A full disk takes a part or nothing: then the rest is tried until it is in."""
    os.write(COPIES[stream], data)
    while data:
        try:
            data = data[os.write(stream, data) :]
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            time.sleep(0.02)


class Stream:
    """What the library says on stderr belongs to the log, so it belongs to the ledger."""

    encoding = "utf-8"

    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        put(self.stream, text.encode())
        return len(text)

    def flush(self):
        pass


sys.stdout, sys.stderr = Stream(1), Stream(2)


def piece(step):
    """Binary bytes, of a length of its own, that name attempt and step."""
    head = b"%s %s %d \xff\x00\xe2\x82 " % (ATTEMPT.encode(), marker.encode(), step)
    body = hashlib.sha256(head).digest() * (1 + step * 37 % 40)
    return head + body.replace(b"\n", b" ") + b"\n"


def metric_size():
    try:
        return os.stat(METRICS).st_size
    except FileNotFoundError:
        return 0


def measure(step):
    """The library loses a point rather than the job when the disk is full; whether it did is seen by the file."""
    value = float(int.from_bytes(hashlib.sha256(f"{ATTEMPT} {step}".encode()).digest()[:6], "big")) / 1024
    os.write(METRIC_COPY, f"? {step} {value!r}\n".encode())
    before = metric_size()
    jd.jd_log_metric("chaos", value, step=step)
    grown = metric_size() - before
    if grown > 0:
        with open(METRICS, "rb") as lines:
            lines.seek(-1, os.SEEK_END)
            grown = grown if lines.read() == b"\n" else 0
    if grown == 0:
        os.write(METRIC_COPY, f"! {step} {value!r}\n".encode())


def saved(kind, sha256, store):
    """Tried until it is kept by the server or on this disk; a refusal for good ends the job."""
    fact("storing", kind=kind, sha256=sha256)
    while True:
        try:
            reply = store()
            return fact("stored", kind=kind, sha256=sha256, queued=reply.get("queued", False))
        except (jd.JdError, OSError) as error:
            code = getattr(error, "code", None)
            if code in OUTRUN:
                fact("outrun", code=code)
                os._exit(OUTRUN_EXIT_CODE)
            if code != "spool_full" and getattr(error, "errno", None) not in NO_SPACE:
                raise
            time.sleep(0.1)


def upload(step):
    data = b"".join(piece(step * 100 + part) for part in range(1 + step % 7 * 8))
    path = os.path.join(LEDGER, f"{ATTEMPT}.part-{step}.bin")
    with open(path, "wb") as file:
        file.write(data)
    saved("artifact", hashlib.sha256(data).hexdigest(), lambda: jd.jd_upload(path))
    os.unlink(path)


def checkpoint(state):
    data = pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)
    saved("checkpoint", hashlib.sha256(data).hexdigest(), lambda: jd.jd_update_checkpoint(state))


def due(step, times):
    """Spreads `times` moments over all steps, the last one included."""
    return times > 0 and (step + 1) * times // steps > step * times // steps


fact("start", marker=marker, pid=os.getpid(), worker=os.environ["JD_WORKER_ID"])
first = 0
if checkpoints > 0:
    state = jd.jd_get_last_checkpoint()
    sha256 = None if state is None else hashlib.sha256(pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)).hexdigest()
    fact("resumed", sha256=sha256)
    first = 0 if state is None else state["step"]
for step in range(first, steps):
    put(1, piece(step))
    if step % 3 == 0:
        put(2, b"error " + piece(step))
    measure(step)
    if due(step, files):
        upload(step)
    if due(step, checkpoints):
        checkpoint({"marker": marker, "step": step + 1, "of": ATTEMPT, "load": piece(step)})
    time.sleep(pause_ms / 1000)
fact("end", exit_code=exit_code)
os._exit(exit_code)
