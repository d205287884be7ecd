"""A notebook over the served plant: the magics of jupysql, psycopg into pandas, polars, and a scatter of predictions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Truth

pytestmark = pytest.mark.timeout(600)

RUN = """
import json, sys
import nbformat, nbclient
cells = [nbformat.v4.new_code_cell(text) for text in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
print(json.dumps([c.outputs for c in notebook.cells]))
"""


@pytest.fixture(scope="module")
def notebook(python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """``(*cells)``: the text that each cell shows."""
    folder = tmp_path_factory.mktemp("notebook")

    def run(*cells: str) -> list[str]:
        program = [python("jupyter"), "-c", RUN]
        done = subprocess.run(program, input=json.dumps(cells), cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return ["\n".join(shown(output) for output in outputs) for outputs in json.loads(done.stdout.splitlines()[-1])]

    return run


def shown(output: dict[str, object]) -> str:
    data = output.get("data", {})
    assert isinstance(data, dict)
    return str(data.get("text/plain", output.get("text", "")))


def test_magics_and_frames(notebook: Callable[..., list[str]], url: Callable[..., str], truth: Truth) -> None:
    sql = "SELECT id, probability FROM ml_predict('fail', 'parts') WHERE hot ORDER BY id"
    connected = f'%load_ext sql\n%sql {url("postgresql+psycopg2")}'
    *_, magic, cell, pandas, polars = notebook(
        connected,
        f"rows = %sql {sql}\nframe = rows.DataFrame()\nprint(len(frame), round(frame.probability.sum(), 4))",
        "%%sql\nSELECT predicted_failed, count(*) AS parts FROM risk GROUP BY ALL ORDER BY ALL",
        f"import pandas, sqlalchemy\nengine = sqlalchemy.create_engine('{url('postgresql+psycopg')}')\n"
        f'frame = pandas.read_sql("""{sql}""", engine)\nprint(len(frame), round(frame.probability.sum(), 4))',
        f"import polars\n"
        f'frame = polars.read_database("""{sql}""", engine)\nprint(len(frame), round(frame["probability"].sum(), 4))',
    )
    count, total = truth(f"SELECT count(*), round(sum(probability), 4) FROM ({sql})")[0]
    assert [text.splitlines()[-1] for text in (magic, pandas, polars)] == [f"{count} {total}"] * 3
    for likely, parts in truth("SELECT predicted_failed, count(*) FROM risk GROUP BY ALL"):
        assert any(str(likely) in line and str(parts) in line for line in cell.splitlines())


def test_named_arguments_and_structs_in_a_magic(notebook: Callable[..., list[str]], url: Callable[..., str], truth: Truth) -> None:
    """``:=`` and ``{...}`` are left alone by the magics."""
    cells = [
        "SELECT threshold, cost FROM ml_thresholds('fail', 'parts', costs := {'missed': 100, 'false_alarm': 5}) WHERE best",
        "FROM ml.models SELECT model, champion",
    ]
    connected = f'%load_ext sql\n%sql {url("postgresql+psycopg2")}'
    _, *texts = notebook(connected, *[f"%%sql\n{sql}" for sql in cells])
    for text, sql in zip(texts, cells, strict=True):
        assert all(str(value) in text for row in truth(sql) for value in row)
