"""Plays a user at a terminal: runs a program on a pty and types each text when what was expected before it has appeared.

    terminal.py SECONDS '[["jd> ", "version\\r"], …]' PROGRAM…

An expectation is looked for behind the one before it. Prints all that came, then `[exit N]`, or `[missing …]` with what did not come.
A text `HANGUP` closes the terminal instead, as a lost connection does.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def main() -> None:
    deadline = time.monotonic() + float(sys.argv[1])
    steps, program = json.loads(sys.argv[2]), sys.argv[3:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(program[0], program)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    output, at = b"", 0

    def more() -> bool:
        nonlocal output
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            return False
        output += piece
        return piece != b""

    missing = None
    for expected, typed in steps:
        while missing is None and output.find(expected.encode(), at) < 0:
            if not more():
                missing = expected
        if missing is not None:
            break
        at = output.find(expected.encode(), at) + len(expected.encode())
        if typed == "HANGUP":
            os.close(terminal)
            break
        os.write(terminal, typed.encode())
    else:
        while more():
            pass
    sys.stdout.write(output.decode(errors="replace"))
    if missing is not None or time.monotonic() >= deadline:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    sys.stdout.write(f"\n[missing {missing}]\n" if missing is not None else f"\n[exit {os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)}]\n")


main()
