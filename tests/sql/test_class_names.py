"""Classes of any name come back under that name."""

from __future__ import annotations

from collections.abc import Callable

from mfgsql.engine import Session

NAMES = ["it's", "{classes}", "a" + chr(0) + "b", "", '"x"']


def test_probabilities_and_sets_name_each_class_as_it_is(lab: Session, finetune: Callable[..., str]) -> None:
    listed = "['it''s', '{classes}', 'a' || chr(0) || 'b', '', '\"x\"']"
    lab.execute(f"CREATE TABLE named AS SELECT torque, temp, {listed}[1 + id % 5] AS kind FROM parts")
    lab.execute(finetune("odd", "named", "kind")).fetchall()
    rows = lab.execute("SELECT probabilities, predicted_kind, prediction_set FROM ml_predict('odd', 'named', level := 0.99)")
    for probabilities, predicted, chosen in rows.fetchall():
        assert sorted(probabilities) == sorted(NAMES)
        assert abs(sum(probabilities.values()) - 1) < 1e-9
        assert probabilities[predicted] == max(probabilities.values())
        assert set(chosen) <= set(NAMES)


def test_a_row_that_is_unreadable_has_no_probabilities(lab: Session, finetune: Callable[..., str]) -> None:
    lab.execute(finetune("m", "SELECT torque, temp, failed FROM parts", "failed")).fetchall()
    asked = "FROM ml_predict('m', 'SELECT ''?'' AS torque, temp FROM parts LIMIT 3', level := 0.9)"
    found = lab.execute(f"SELECT probabilities, probability, predicted_failed, prediction_set, ml_status {asked}").fetchall()
    assert found == [(None, None, None, None, "unreadable")] * 3


def test_an_enum_of_any_values_comes_back_as_it_is(lab: Session, finetune: Callable[..., str]) -> None:
    lab.execute("CREATE TYPE verdicts AS ENUM ('{ok}', 'it''s {bad}')")
    lab.execute(
        "CREATE TABLE judged AS SELECT torque, temp, (['{ok}', 'it''s {bad}'])[1 + (torque > 2)::INT]::verdicts AS kind FROM parts"
    )
    lab.execute(finetune("m", "judged", "kind")).fetchall()
    found = lab.execute("SELECT DISTINCT predicted_kind, typeof(predicted_kind) FROM ml_predict('m', 'judged')").fetchall()
    assert {name for name, _ in found} <= {"{ok}", "it's {bad}"}
    assert {kind for _, kind in found} == {"ENUM('{ok}', 'it''s {bad}')"}
