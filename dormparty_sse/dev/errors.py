"""What may go wrong around the service, as one line for the person at the terminal."""

import errno


class DevError(Exception):
    """The message says what is wrong and which setting to change."""


def from_os_error(error: OSError, remedy: str) -> DevError:
    """One line for a failed file operation; `remedy` says what to change."""
    what = "the disk is full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else error.strerror or str(error)
    where = f"{error.filename}: " if error.filename else ""
    return DevError(f"{where}{what}: {remedy}")
