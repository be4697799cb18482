"""The one exception for mistakes that a user can make and mend."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A mistake that the user can mend; its text names the key or file and what to do."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn user errors and failing disks into one line on stderr and exit status 1."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}:
            raise
        place = f" ({error.filename})" if error.filename else ""
        sys.exit(f"error: {error.strerror}{place}; free space or permit writing, then run again")
