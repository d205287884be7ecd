"""The command line: one file a noun, each command one verb or method of the engine.

Nothing here imports the engine before a command runs: ``mfgsql --help`` must not pay for torch.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

import click

from mfgsql.cli.adapt import adapt
from mfgsql.cli.allocate import allocate
from mfgsql.cli.border import Border
from mfgsql.cli.capability import capability
from mfgsql.cli.chart import chart
from mfgsql.cli.check import check
from mfgsql.cli.compare import compare
from mfgsql.cli.database import init, migrate
from mfgsql.cli.demo import demo
from mfgsql.cli.detect import detect
from mfgsql.cli.devices import devices
from mfgsql.cli.distill import distill
from mfgsql.cli.doctor import doctor
from mfgsql.cli.drift import drift
from mfgsql.cli.drivers import drivers
from mfgsql.cli.evaluate import evaluate
from mfgsql.cli.events import events
from mfgsql.cli.flow import bottlenecks, whatif
from mfgsql.cli.forecast import backtest, forecast
from mfgsql.cli.generate import generate
from mfgsql.cli.importance import importance
from mfgsql.cli.labels import labels
from mfgsql.cli.learning import finetune, pretrain
from mfgsql.cli.load import load
from mfgsql.cli.maintenance import maintenance
from mfgsql.cli.models import models
from mfgsql.cli.predict import predict
from mfgsql.cli.queue import queue
from mfgsql.cli.recommend import recommend
from mfgsql.cli.report import page, report
from mfgsql.cli.runs import runs
from mfgsql.cli.serve import serve
from mfgsql.cli.sql import sql
from mfgsql.cli.supply import countermeasures, order, suppliers
from mfgsql.cli.texts import embed, search, similar, spans
from mfgsql.cli.thresholds import thresholds
from mfgsql.cli.tuning import tune
from mfgsql.cli.users import users
from mfgsql.version import __version__

EPILOG = """\b
Environment:
  MFGSQL_DB         the database, where --db is left out
  MFGSQL_URL        instead: the server, where --url is left out
  MFGSQL_MEMORY     memory for everything together, such as 8GB
  MFGSQL_DEVICE     auto, cpu, cuda, mps
  MFGSQL_HUB        offline; online fetches bases named hf:org/name
  MFGSQL_TRACK      records trainings: tensorboard, wandb (offline) or both
  MFGSQL_TRACK_DIR  the folder for that; else beside the database
  MFGSQL_DEBUG      1 shows tracebacks

\b
Completion by the Tab key, in ~/.bashrc, ~/.zshrc or as a fish function:
  eval "$(_MFGSQL_COMPLETE=bash_source mfgsql)"
  eval "$(_MFGSQL_COMPLETE=zsh_source mfgsql)"
  _MFGSQL_COMPLETE=fish_source mfgsql | source

\b
Exit codes: 0 done, 1 a statement or its data failed, 2 wrong usage, 130 cancelled.
"""


@click.group(cls=Border, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mfgsql")
def main() -> None:
    """Large models for manufacturing, inside the database, by SQL.

    \b
    Example:
      mfgsql demo --keep
      mfgsql load presses.csv --table presses --db plant.duckdb
      mfgsql finetune press_failure presses --target failed --db plant.duckdb
      mfgsql predict press_failure presses --db plant.duckdb
    """


for _command in (
    init,
    load,
    sql,
    check,
    labels,
    events,
    chart,
    capability,
    drivers,
    pretrain,
    finetune,
    tune,
    adapt,
    distill,
    predict,
    detect,
    spans,
    embed,
    search,
    similar,
    recommend,
    maintenance,
    forecast,
    backtest,
    order,
    suppliers,
    countermeasures,
    allocate,
    bottlenecks,
    whatif,
    generate,
    evaluate,
    compare,
    queue,
    drift,
    thresholds,
    importance,
    report,
    page,
    models,
    runs,
    serve,
    users,
    devices,
    migrate,
    doctor,
    demo,
):
    main.add_command(_command)


def read_results_directly() -> None:
    """Let DuckDB read a UDF's result as the Arrow stream it is. For a process that is mfgsql's own.

    Where ``pyarrow.dataset`` can be imported, DuckDB 1.5 sends each result of 2,048 rows through that module's scanner
    and its threads: three quarters of what a call costs. None is Python's way to make a module unimportable; in
    somebody else's process it may be wanted.
    """
    sys.modules.setdefault("pyarrow.dataset", None)  # type: ignore[arg-type]  # the stubs know modules only


def run() -> None:
    """The program. It ends without Python's own tear-down, which takes a second or two once torch is loaded: by then
    all sessions are closed, and there is nothing left to do.
    """
    read_results_directly()
    code: int | str | None = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    with suppress(BrokenPipeError):
        try:
            sys.stdout.flush()
        except OSError as error:
            if error.errno != errno.EPIPE:
                print(f"Error: the output can't be written: {error.strerror}.", file=sys.stderr)
                code = 1
        sys.stderr.flush()
    os._exit(code or 0)
