"""From what a person typed to the files it means."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from mfgsql.errors import SourceError, did_you_mean


def find_files(paths: Sequence[str]) -> list[str]:
    """The files, in the order given, a pattern's in the order of their names, none twice.

    Raises:
        SourceError: a path is missing, a folder, empty, or not readable.
    """
    if not paths:
        raise SourceError("No file was named.", remedy="Name at least one, such as readings.csv.")
    found = [file for path in paths for file in _expand(os.path.expanduser(path))]
    unique = list({os.path.realpath(file): file for file in reversed(found)}.values())[::-1]
    for file in unique:
        _check(file)
    return unique


def _expand(path: str) -> list[str]:
    if "://" in path:
        raise SourceError(
            f"'{path}' is an address, not a file.", remedy="Download it first, then load the file."
        )
    if os.path.lexists(path):  # a file may be called a[1].csv
        return [path]
    if not glob.has_magic(path):
        raise SourceError(f"There is no file '{path}'.{_close(path)}", remedy=f"Looked in {_folder(path)}.")
    files = sorted(file for file in glob.glob(path, recursive=True) if os.path.isfile(file))
    if not files:
        raise SourceError(f"No file matches '{path}'.", remedy=f"Looked in {_folder(path)}.")
    return files


def _close(path: str) -> str:
    folder = Path(path).parent
    try:
        return did_you_mean(Path(path).name, sorted(os.listdir(folder)))
    except OSError:
        return ""


def _folder(path: str) -> str:
    return str(Path(path).absolute().parent)


def _check(file: str) -> None:
    if os.path.isdir(file):
        raise SourceError(
            f"'{file}' is a folder.", remedy=f"Name its files, such as '{os.path.join(file, '*.csv')}'."
        )
    if not os.path.exists(file):
        raise SourceError(f"'{file}' is a link to a file that is gone.", remedy="Mend the link.")
    try:
        with open(file, "rb") as stream:
            first = stream.read(1)
    except PermissionError:
        raise SourceError(
            f"'{file}' may not be read by this user.", remedy=f"Try: chmod a+r '{file}'."
        ) from None
    except OSError as error:
        raise SourceError(f"'{file}' can't be read: {error.strerror}.") from None
    if not first:
        raise SourceError(f"'{file}' is empty.", remedy="Export it again, or leave it out.")
