"""The one exception of this library."""

from __future__ import annotations


class JdError(RuntimeError):
    """Something that the script has to know. Act on `code`, never on the text.

    `code` is the server's (`lease_lost`, `unauthenticated`, `too_large`, ...) or one of this library's own: `unreachable`,
    `unexpected_reply`, `invalid_server`, `not_a_file`, `file_changed`, `too_large`, `spool_full`, `spool_unwritable`,
    `params_unreadable`, `checkpoint_unreadable`. `status` is the HTTP status, 0 when no reply came. `retryable` says
    whether the same call may succeed later.
    """

    def __init__(
        self, code: str, message: str, *, status: int = 0, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
