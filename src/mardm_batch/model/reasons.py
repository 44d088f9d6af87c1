"""What the exceptions of other packages say, as a part of our one line."""


def reason_of(error: BaseException) -> str:
    """The first line of an exception's text, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")
