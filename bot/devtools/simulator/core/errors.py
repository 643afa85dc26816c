"""The one way in which the pretend platform says no (protocol sheet, section 14)."""


class ApiError(Exception):
    """Answered as HTTP 200 with errcode and errmsg; remembered as a complaint unless the bot could not know."""

    def __init__(self, errcode: int, errmsg: str, is_violation: bool = True) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg
        self.is_violation = is_violation
