"""The one border at which errors become a message and an exit code."""

from __future__ import annotations

import errno
import os
import re
import shlex
import signal
import threading
import traceback
from types import FrameType
from typing import Any

import click

CANCELLED = 130
_ARGUMENT = re.compile(  # a text, an interval, a number, or a struct with one field
    r"(\w+) := (?:'([^']*)'|INTERVAL '?(\d+ \w+)'?|(\d[\d.]*)|\{'(\w+)': '?((?:INTERVAL )?[\w. ]+|\{[^{}]*\})'?\})"
)


class Border(click.Group):
    """The root group: commands raise what they raise; a person reads one paragraph. Commands keep their order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see `report`."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _on_interrupt)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise  # click's own: usage, --help
        except KeyboardInterrupt as error:
            raise click.exceptions.Exit(report(error)) from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # click ends quietly: the reader, such as head, has seen enough
            raise click.exceptions.Exit(report(error, self.commands.get(ctx.invoked_subcommand or ""))) from None


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C outside a statement. While a module loads the process leaves at once: nothing is under way yet, and an
    exception raised there can get lost and leave Python's import lock taken.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            click.echo("Cancelled.", err=True)
            os._exit(CANCELLED)
        frame = frame.f_back
    raise KeyboardInterrupt


def report(error: BaseException, command: click.Command | None = None) -> int:
    """Say on stderr what happened, by the options of the command; the exit code."""
    if os.environ.get("MFGSQL_DEBUG") == "1":
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if cancelled(error):
        click.echo("Cancelled.", err=True)
        return CANCELLED
    click.echo(f"Error: {as_options(message(error), command)}", err=True)
    return 1


def as_options(text: str, command: click.Command | None) -> str:
    """A text with arguments of SQL, ``case_id := 'order_no'``, as options of a command: ``--case-id order_no``.

    Statements, which are to be run as they are, and what the command has no option for stay.
    """
    flags = {p.name: p.opts[0] for p in command.params if isinstance(p, click.Option)} if command else {}

    def option(match: re.Match[str]) -> str:
        name, word, span, number, key, value = match.groups()
        if name == "options" and key and flags.get(name) == "--option":
            return f"--option {_quoted(key + '=' + value.removeprefix('INTERVAL '))}"
        if name not in flags or key:
            return match[0]
        return f"{flags[name]} {_quoted(word or (span or number).lower())}"

    return text if "ml_" in text else _ARGUMENT.sub(option, text)


def _quoted(word: str) -> str:
    """For a shell; text of SQL in double quotes, which are read more easily."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def message(error: BaseException) -> str:
    """One paragraph: ours and DuckDB's texts as they are, others with their type."""
    from mfgsql.errors import MfgsqlError, of_duckdb

    lines = [line.rstrip() for line in str(error).splitlines() if line.strip()]
    text = "\n".join(lines) or type(error).__name__
    if isinstance(error, MfgsqlError) or of_duckdb(error):
        return text
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return f"{type(error).__name__}: {text} (MFGSQL_DEBUG=1 shows where)"


def cancelled(error: BaseException) -> bool:
    """Whether a person stopped it."""
    from mfgsql.errors import CancelledError, of_duckdb

    interrupted = of_duckdb(error) and type(error).__name__ == "InterruptException"
    return interrupted or isinstance(error, CancelledError | KeyboardInterrupt | click.Abort)
