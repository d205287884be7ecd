"""A prepared statement asks the champion of the moment, as long as it reads something or has parameters.

DuckDB never binds a prepared constant again, such as ``SELECT ml_predict('m', {'torque': 1.0})``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mfgsql.engine import Session

VALUES = "(VALUES (1.0, 25.0, true, 2.0)) v(torque, temp, hot, wear)"
QUERIES = {
    "of a table": "SELECT max(probability) FROM ml_predict('m', 'parts')",
    "of values": f"SELECT probability FROM ml_predict('m', '{VALUES}')",
    "scalar of a table": "SELECT max(ml_predict('m', t).probability) FROM parts t",
}


def test_prepared_statements_see_the_promoted_champion(lab: Session, finetune: Callable[..., str]) -> None:
    def ask(form: str) -> dict[str, float]:
        return {n: lab.execute(form.format(n=n.replace(" ", "_"), q=q)).fetchone()[0] for n, q in QUERIES.items()}

    lab.execute(finetune("m", "SELECT torque, temp, failed FROM parts", "failed"))
    for name, query in QUERIES.items():
        lab.execute(f"PREPARE {name.replace(' ', '_')} AS {query}")
    old = ask("EXECUTE {n}")
    assert old == pytest.approx(ask("{q}"), abs=1e-7)
    lab.execute(finetune("m", "SELECT hot, wear, failed FROM parts", "failed"))
    lab.execute("FROM ml_promote('m@candidate')")
    new = ask("{q}")
    assert all(abs(new[n] - old[n]) > 1e-5 for n in QUERIES)
    assert ask("EXECUTE {n}") == pytest.approx(new, abs=1e-7)
    lab.execute("FROM ml_drop('m@1')")
    assert ask("EXECUTE {n}") == pytest.approx(new, abs=1e-7)
