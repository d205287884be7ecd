"""What ends the waiting for a client, and is no error: it may leave at any time, and others may have a word."""

from __future__ import annotations


class Woken(Exception):  # noqa: N818
    """Another thread has something to say: look at what is to end, or was cancelled."""


class Disconnected(Exception):  # noqa: N818
    """The client is gone."""
