"""What goes wrong with files is one line that says what to change."""

import errno
import os

from dormparty_sse.dev.errors import from_os_error


def test_a_full_disk_is_called_one() -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/redis")
    assert str(from_os_error(error, "set DEV_DIR")) == "/data/redis: the disk is full: set DEV_DIR"


def test_any_other_error_says_what_the_system_says() -> None:
    error = OSError(errno.EACCES, os.strerror(errno.EACCES), "/data")
    assert str(from_os_error(error, "set DEV_DIR")) == "/data: Permission denied: set DEV_DIR"
