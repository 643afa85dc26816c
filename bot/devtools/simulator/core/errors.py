"""Errors that the simulated platform answers."""


class ApiError(Exception):
    """Answered as HTTP 200 with errcode and errmsg, and recorded as a violation unless the bot could not avoid it."""

    def __init__(self, errcode: int, errmsg: str, is_violation: bool = True) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg
        self.is_violation = is_violation
