"""ml_control_chart: textbook examples, plain loops, and what must not change a chart."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.charts.constants import D2, D3
from mfgsql.engine.charts.rules import WORDS
from mfgsql.errors import MfgsqlError, OptionError, SourceError

# Montgomery, Introduction to Statistical Quality Control: costs of processing a loan; a process that shifts by 1 sigma.
LOANS = [310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293, 306, 301, 304]
SHIFT = [9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62, 10.31,
         8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52]  # fmt: skip
KINDS = ("i_mr", "xbar_r", "ewma", "cusum", "hotelling")


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=2, progress="off") as session:
        yield session


def table(s: Session, values: list, name: str = "t", unit: str = "'a'") -> None:
    """``name(i, unit, x)`` in an order that isn't the chain's."""
    s.execute(f"CREATE OR REPLACE TABLE {name}(i INTEGER, unit VARCHAR, x DOUBLE)")
    listed = ", ".join(f"({i}, {'NULL' if v is None else repr(float(v))}::DOUBLE)" for i, v in enumerate(values))
    if values:
        s.execute(f"INSERT INTO {name} SELECT i, {unit}, x FROM (VALUES {listed}) v(i, x) ORDER BY hash(i)")


def chart(s: Session, kind: str = "i_mr", options: str = "", source: str = "t", field: str = "x", entity: str = "unit") -> list[dict]:
    fields = f"['{field}']" if kind == "hotelling" else f"'{field}'"
    told = ", ".join(filter(None, [options, "'subgroup': 2" if kind == "xbar_r" and "subgroup" not in options else ""]))
    more = f", options := {{{told}}}" if told else ""
    entity = f", entity := '{entity}'" if entity else ""
    call = f"FROM ml_control_chart('{source}', field := {fields}{entity}, order_by := 'i', kind := '{kind}'{more}) ORDER BY ALL"
    return s.sql(call).to_pylist()


def of(rows: list[dict], name: str) -> list:
    return [r[name] for r in rows]


def near(rows: list[dict]) -> list[dict]:
    """Numbers without their last digits, which depend on the order of a sum."""
    return [{k: round(v, 9) if isinstance(v, float) else v for k, v in r.items()} for r in rows]


def test_the_constants_of_ranges() -> None:
    r, x = np.linspace(0, 12, 1201), np.linspace(-9, 9, 901)
    share = stats.norm.cdf(x + r[:, None]) - stats.norm.cdf(x)
    for n, (mean, deviation) in enumerate(zip(D2, D3, strict=True), start=2):
        wider = 1 - np.trapezoid(n * stats.norm.pdf(x) * share ** (n - 1), x, axis=1)
        found = integrate.simpson(wider, r)
        assert (mean, deviation) == pytest.approx((found, (integrate.simpson(2 * r * wider, r) - found**2) ** 0.5), abs=2e-6)
    assert len(D2) == len(D3) == 24


def test_single_points(shop: Session) -> None:
    table(shop, LOANS)
    rows = chart(shop)
    assert of(rows, "statistic") == LOANS and of(rows, "x") == LOANS
    first = rows[0]
    assert [first["center"], first["lower"], first["upper"]] == pytest.approx([300.5, 279.78, 321.22], abs=0.015)  # the book rounds
    assert first["upper_range"] == pytest.approx(25.45, abs=0.01)
    assert of(rows, "moving_range") == [None, *(abs(a - b) for a, b in zip(LOANS[1:], LOANS, strict=False))]
    assert not any(of(rows, "signal")) and of(rows, "rules") == [[]] * 20


def test_a_baseline(shop: Session) -> None:
    table(shop, [*LOANS, 330, 300])
    rows = chart(shop, options="'baseline': 20")
    assert rows[21]["center"] == 300.5
    assert rows[20]["signal"] and rows[20]["rules"] == [WORDS[1], "range: the step is above its limit"]
    assert rows[21]["rules"] == ["range: the step is above its limit"]
    assert chart(shop, options="'baseline': '19'") == rows
    assert chart(shop, options="'baseline': 20, 'rules': [1, '2']")[21]["signal"] is False
    assert chart(shop, options="'center': 300, 'sigma': 10")[20]["upper"] == 330
    assert chart(shop, options="'center': 300")[20]["center"] == 300
    times = "SELECT x, unit, TIMESTAMP ''2026-01-01'' + to_hours(i) AS i FROM t"
    for told in ("TIMESTAMP '2026-01-01 19:00'", "'2026-01-01 19:00'", "20"):
        assert of(chart(shop, options=f"'baseline': {told}", source=times), "upper") == of(rows, "upper")


def test_ewma(shop: Session) -> None:
    table(shop, SHIFT)
    rows = chart(shop, "ewma", "'center': 10, 'sigma': 1, 'lambda': 0.1, 'width': 2.7")
    assert of(rows, "statistic")[:3] == pytest.approx([9.945, 9.7495, 9.70355])
    assert rows[29]["statistic"] == pytest.approx(10.6341, abs=1e-4)
    assert [rows[0]["lower"], rows[0]["upper"]] == pytest.approx([9.73, 10.27])
    assert [rows[29]["lower"], rows[29]["upper"]] == pytest.approx([9.38, 10.62], abs=0.01)
    assert of(rows, "signal").index(True) == 28 and rows[28]["rules"] == ["ewma: above its limit"]


def test_cusum(shop: Session) -> None:
    table(shop, SHIFT)
    rows = chart(shop, "cusum", "'center': 10, 'sigma': 1")
    assert of(rows, "signal").index(True) == 28
    assert rows[28]["cusum_up"] == pytest.approx(5.28) and rows[28]["statistic"] == rows[28]["cusum_up"]
    assert [rows[0]["lower"], rows[0]["center"], rows[0]["upper"]] == [-5, 0, 5]
    assert rows[1]["cusum_down"] == pytest.approx(1.56) and rows[1]["statistic"] == pytest.approx(-1.56)


@pytest.mark.parametrize("share", [0.003, 0.2, 0.7, 0.99, 1.0])
def test_long_series_are_the_recursions(shop: Session, share: float) -> None:
    x = np.random.default_rng(0).normal(1000, 3, 20_000).round(3)
    table(shop, x.tolist())
    z, up, down = 1000.5, 0.0, 0.0
    wanted = []
    for value in x:
        z = share * value + (1 - share) * z
        up, down = max(0, value - 1000.5 - 1.5 + up), max(0, 1000.5 - value - 1.5 + down)
        wanted.append((z, up, down))
    found = chart(shop, "ewma", f"'center': 1000.5, 'sigma': 3, 'lambda': {share}")
    assert of(found, "statistic") == pytest.approx([w[0] for w in wanted], abs=1e-9)
    if share == 0.2:
        found = chart(shop, "cusum", "'center': 1000.5, 'sigma': 3")
        assert of(found, "cusum_up") == pytest.approx([w[1] for w in wanted], abs=1e-7)
        assert of(found, "cusum_down") == pytest.approx([w[2] for w in wanted], abs=1e-7)


def test_subgroups(shop: Session) -> None:
    x = np.random.default_rng(1).normal(74, 0.01, 125).round(4)
    table(shop, x.tolist())
    rows = chart(shop, "xbar_r", "'subgroup': 5")
    groups = x.reshape(25, 5)
    spread, mean = np.ptp(groups, axis=1).mean(), x.mean()
    assert of(rows, "statistic") == pytest.approx(groups.mean(axis=1).tolist())
    assert (of(rows, "subgroup"), of(rows, "i"), of(rows, "points")) == (list(range(1, 26)), list(range(4, 125, 5)), [5] * 25)
    last = [rows[7][c] for c in ("lower", "center", "upper", "lower_range", "center_range", "upper_range")]
    assert last == pytest.approx([mean - 0.577 * spread, mean, mean + 0.577 * spread, 0, spread, 2.114 * spread], abs=3e-5)
    assert of(rows, "range") == pytest.approx(np.ptp(groups, axis=1).tolist())


def test_subgroups_of_a_column_may_differ_in_size(shop: Session) -> None:
    rng = np.random.default_rng(2)
    sizes = [1, 2, 3, 10, 4, 25, 7]
    values = [rng.normal(50, 2, n).round(3) for n in sizes]
    table(shop, np.concatenate(values).tolist())
    begins = np.cumsum([0, *sizes])
    named = " ".join(f"WHEN i < {end} THEN ''g{n}''" for n, end in enumerate(begins[1:]))
    rows = chart(shop, "xbar_r", "'subgroup': 'g'", f"SELECT *, CASE {named} END AS g FROM t UNION ALL SELECT 999, ''a'', 1000, NULL")
    assert (of(rows, "points"), of(rows, "subgroup")) == (sizes, [f"g{n}" for n in range(7)])
    more = [(n, v) for n, v in zip(sizes, values, strict=True) if n > 1]
    weights = [(D2[n - 2] / D3[n - 2]) ** 2 for n, _ in more]
    sigma = np.average([np.ptp(v) / D2[n - 2] for n, v in more], weights=weights)
    mean = np.concatenate(values).mean()
    assert of(rows, "upper") == pytest.approx([mean + 3 * sigma / n**0.5 for n in sizes])
    assert rows[0]["range"] is None and rows[0]["upper_range"] is None and rows[0]["signal"] is not None
    assert rows[5]["lower_range"] == pytest.approx((D2[23] - 3 * D3[23]) * sigma)
    with pytest.raises(OptionError, match="52 points; ranges are told up to 25"):
        chart(shop, "xbar_r", "'subgroup': 'unit'")


def t2(x: np.ndarray, base: np.ndarray) -> np.ndarray:
    off = x - base.mean(axis=0)
    return np.einsum("ij,jk,ik->i", off, np.linalg.inv(np.cov(base.T)), off)


def several(s: Session, x: np.ndarray, options: str = "", fields: str = "['a', 'b', 'c']") -> list[dict]:
    listed = ", ".join(f"({i}, {', '.join(map(repr, map(float, row)))})" for i, row in enumerate(x))
    s.execute(f"CREATE OR REPLACE TABLE m AS SELECT i, a::DOUBLE AS a, b::DOUBLE AS b, c::DOUBLE AS c FROM (VALUES {listed}) v(i, a, b, c)")
    more = f", options := {{{options}}}" if options else ""
    return s.sql(f"FROM ml_control_chart('m', field := {fields}, order_by := 'i', kind := 'hotelling'{more}) ORDER BY i").to_pylist()


def test_several_columns(shop: Session) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 3)) @ np.array([[1, 0.9, 0], [0, 0.1, 2], [0, 0, 1e-3]]) + [1e5, 0, 3]
    for options, base in (("", 60), ("'baseline': 45", 45), ("'baseline': '9', 'alpha': 0.05", 10), ("'baseline': 45, 'limit': 'chi2'", 45)):
        alpha = 0.05 if "alpha" in options else 0.0027
        rows = several(shop, x, options)
        assert of(rows, "statistic") == pytest.approx(t2(x, x[:base]).tolist(), rel=1e-5)
        within = (base - 1) ** 2 / base * stats.beta.isf(alpha, 1.5, (base - 4) / 2)
        beyond = 3 * (base + 1) * (base - 1) / (base * (base - 3)) * stats.f.isf(alpha, 3, base - 3)
        if "chi2" in options:
            within = beyond = stats.chi2.isf(alpha, 3)
        assert of(rows, "upper") == pytest.approx([within if i < base else beyond for i in range(60)], rel=1e-8)
        assert of(rows, "signal") == [r["statistic"] > r["upper"] for r in rows]
        assert of(rows[:base], "center")[0] == pytest.approx(np.mean(of(rows[:base], "statistic")))


@pytest.mark.parametrize("m", [3, 5, 41, 42, 43, 44, 100, 5_000, 10**6])
def test_limits_of_t2_for_any_number_of_points(shop: Session, m: int) -> None:
    from mfgsql.engine.charts.quantiles import beyond, within

    for p, alpha in ((1, 0.0027), (2, 0.05), (9, 1e-4)):
        sql = f"SELECT {within(p, alpha)}, {beyond(p, alpha)} FROM (SELECT {m} AS __ml_m)"
        low, high = shop.execute(sql).fetchone()
        assert low == (pytest.approx((m - 1) ** 2 / m * stats.beta.isf(alpha, p / 2, (m - p - 1) / 2), rel=1e-8) if m > p + 1 else None)
        assert high == (pytest.approx(p * (m + 1) * (m - 1) / (m * (m - p)) * stats.f.isf(alpha, p, m - p), rel=1e-8) if m > p else None)


def test_columns_that_say_nothing_of_their_own_are_left_out(shop: Session) -> None:
    x = np.random.default_rng(4).normal(size=(30, 3)).round(6)
    x[:, 1], x[:, 2] = 0.1, 3 * x[:, 0] - 7
    rows = several(shop, x)
    assert rows[0]["left_out"] == ["b", "c"]
    alone = several(shop, x, fields="['a']")
    for name in ("statistic", "upper", "signal"):
        assert of(rows, name) == pytest.approx(of(alone, name))
    constant = several(shop, x, fields="['b']")
    assert (constant[0]["statistic"], constant[0]["signal"], constant[0]["left_out"]) == (None, None, ["b"])
    few = several(shop, x[:2], fields="['a']")
    assert (few[0]["upper"], few[0]["signal"]) == (None, None)


def rules_of(values: list[float]) -> list[list[int]]:
    """Nelson's rules by a loop; center 0 and deviation 1."""
    found = []
    for i, v in enumerate(values):
        def last(n):
            return values[max(0, i + 1 - n) : i + 1]
        def whole(n):
            return len(last(n)) == n
        def steps(n):
            return [np.sign(b - a) for a, b in zip(last(n), last(n)[1:], strict=False)]
        def side(n, beyond):
            return any(s * v > beyond and sum(s * w > beyond for w in last(n)) >= n - 1 for s in (1, -1))
        holds = {
            1: abs(v) > 3,
            2: whole(9) and (all(w > 0 for w in last(9)) or all(w < 0 for w in last(9))),
            3: whole(6) and len(set(steps(6))) == 1 and steps(6)[0] != 0,
            4: whole(14) and all(a * b < 0 for a, b in zip(steps(14), steps(14)[1:], strict=False)),
            5: side(3, 2),
            6: side(5, 1),
            7: whole(15) and all(abs(w) < 1 for w in last(15)),
            8: whole(8) and all(abs(w) > 1 for w in last(8)),
        }
        found.append([rule for rule, held in holds.items() if held])
    return found


STEADY = st.lists(st.sampled_from([-0.5, 0.5, 0.2, -0.9]), min_size=14, max_size=24)
RISING = st.builds(lambda a, n, step: [a + step * i for i in range(n)], st.sampled_from([-2.0, -0.5]), st.integers(3, 9), st.sampled_from([0.25, -0.25]))
SAWING = st.builds(lambda n, high: [(1 if i % 2 else -1) * high for i in range(n)], st.integers(6, 17), st.sampled_from([0.3, 1.5]))
ONE_SIDE = st.lists(st.sampled_from([0.25, 1.25, 2.25, 3.25, 0.0]), min_size=3, max_size=10)
SERIES = st.lists(st.one_of(STEADY, RISING, SAWING, ONE_SIDE, ONE_SIDE.map(lambda v: [-w for w in v])), max_size=4).map(lambda p: sum(p, []))


@settings(max_examples=60, deadline=None)
@given(values=SERIES)
def test_rules_are_the_plain_loop(shop: Session, values: list[float]) -> None:
    table(shop, values)
    rows = chart(shop, options="'center': 0, 'sigma': 1, 'rules': [1, 2, 3, 4, 5, 6, 7, 8]")
    assert of(rows, "rules") == [[WORDS[r] for r in held] for held in rules_of(values)]
    assert of(rows, "signal") == [bool(held) for held in rules_of(values)]


def test_every_rule_can_be_met() -> None:
    runs = {1: [4], 2: [0.5] * 9, 3: [0.1 * i for i in range(6)], 4: [0.3, -0.3] * 7, 5: [2.5, 0, 2.5], 6: [1.5] * 4, 7: [0.5, -0.5] * 8, 8: [1.5, -1.5] * 4}
    assert all(rule in rules_of(values)[-1] for rule, values in runs.items())


@pytest.mark.parametrize("kind", KINDS)
def test_nulls_stay_and_break_no_chain(shop: Session, kind: str) -> None:
    table(shop, SHIFT)
    without = chart(shop, kind)
    more = "SELECT i::DOUBLE AS i, unit, x FROM t UNION ALL SELECT 2.5, ''a'', NULL UNION ALL SELECT NULL, ''a'', 99 UNION ALL SELECT 3.5, NULL, 99 UNION ALL SELECT 7.5, ''a'', ''nan''::DOUBLE"
    rows = chart(shop, kind, source=more)
    known = [r for r in rows if r["statistic"] is not None]
    assert near([{**r, "i": None} for r in known]) == near([{**r, "i": None} for r in without])
    unknown = [r for r in rows if r["statistic"] is None]
    assert len(unknown) == (0 if kind == "xbar_r" else 4)
    assert all(r[c] is None for r in unknown for c in ("center", "lower", "upper", "signal", "rules"))


@pytest.mark.parametrize("kind", KINDS)
def test_entities_have_charts_of_their_own(shop: Session, kind: str) -> None:
    table(shop, SHIFT)
    table(shop, LOANS, "u", "'b'")
    both = chart(shop, kind, source="FROM t UNION ALL FROM u")
    for unit, alone in (("a", chart(shop, kind)), ("b", chart(shop, kind, source="u"))):
        assert near([r for r in both if r["unit"] == unit]) == near(alone)
    def without(rows):
        return [{**r, "unit": None} for r in rows]
    assert near(without(chart(shop, kind, entity=""))) == near(without(chart(shop, kind)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [[], [5.0], [0.1] * 40, [None, None]])
def test_little_or_nothing(shop: Session, kind: str, values: list) -> None:
    table(shop, values)
    rows = chart(shop, kind)
    assert len(rows) == ((sum(v is not None for v in values) + 1) // 2 if kind == "xbar_r" else len(values))
    assert not any(of(rows, "signal"))
    if len(values) == 40 and kind in ("i_mr", "xbar_r", "ewma"):
        assert all(r["center"] == r["lower"] == r["upper"] == r["statistic"] == 0.1 for r in rows)


def test_a_constant_process_that_moves(shop: Session) -> None:
    table(shop, [0.1] * 20 + [0.2])
    for kind in ("i_mr", "xbar_r", "ewma", "cusum"):
        rows = chart(shop, kind, "'baseline': 10")
        assert of(rows, "signal") == [False] * (len(rows) - 1) + [True], kind


@settings(max_examples=25, deadline=None)
@given(places=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6), st.integers(0, 4), st.integers(0, 1)), max_size=25), seed=st.integers(0, 9))
def test_the_order_of_input_changes_nothing(shop: Session, places: list, seed: int) -> None:
    def fill(rows: list) -> None:
        shop.execute("CREATE OR REPLACE TABLE t(unit VARCHAR, i INTEGER, x DOUBLE, other INTEGER)")
        if rows:
            shop.con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)

    kinds = random.Random(seed).sample(KINDS, 2)
    fill(places)
    before = [chart(shop, kind) for kind in kinds]
    random.Random(seed).shuffle(places)
    fill(places)
    for kind, rows in zip(kinds, before, strict=True):
        assert len(rows) == len(places) or kind == "xbar_r"
        assert near(chart(shop, kind)) == near(rows)


def test_ctes_views_and_columns_named_as_outputs(shop: Session) -> None:
    table(shop, SHIFT)
    cte = "WITH c AS (SELECT i, x AS \"odd \"\"x\", 1 AS Signal, 2 AS __ml_n, 3 AS center FROM t)"
    found = shop.execute(f"{cte} FROM ml_control_chart('c', field := 'odd \"x', order_by := 'i')")
    assert [d[0] for d in found.description][:3] == ["i", 'odd "x', "statistic"]
    assert len(found.fetchall()) == 30
    shop.execute("CREATE OR REPLACE VIEW v AS FROM ml_control_chart('t', field := 'x', order_by := 'i', kind := 'ewma')")
    shop.execute("CREATE OR REPLACE TEMP TABLE tmp AS FROM t")
    assert shop.execute("SELECT count(*) FROM ml_control_chart('tmp', field := 'x', order_by := 'i')").fetchone() == (30,)
    assert shop.execute("SELECT count(*) FROM v").fetchone() == (30,)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("'t', order_by := 'i'", OptionError, "field := 'vibration'"),
        ("'t', field := 'x'", OptionError, "order_by := 'ts'"),
        ("'t', field := 'x', order_by := 'i', kind := 'i_rm'", OptionError, "Did you mean 'i_mr'"),
        ("'t', field := 'y', order_by := 'i'", SourceError, "source lack 'y'"),
        ("'t', field := 'unit', order_by := 'i'", OptionError, "field 'unit' is VARCHAR"),
        ("'t', field := 'x', order_by := 'unit'", OptionError, "order_by 'unit' is VARCHAR"),
        ("'t', field := ['x', 'i'], order_by := 'i'", OptionError, "kind := 'hotelling'"),
        ("'t', field := ['x', 'X'], order_by := 'i', kind := 'hotelling'", OptionError, "twice"),
        ("'t', field := [], order_by := 'i', kind := 'hotelling'", OptionError, "list of columns"),
        ("'t', field := 'x', order_by := 'i', kind := 'xbar_r'", OptionError, "'subgroup': 5"),
        ("'t', field := 'x', order_by := 'i', kind := 'xbar_r', options := {'subgroup': 1}", OptionError, "2 to 25"),
        ("'t', field := 'x', order_by := 'i', options := {'baselin': 1}", OptionError, "Did you mean 'baseline'"),
        ("'t', field := 'x', order_by := 'i', options := {'lambda': .1}", OptionError, "allowed are baseline"),
        ("'t', field := 'x', order_by := 'i', options := {'baseline': 0}", OptionError, "first points"),
        ("'t', field := 'x', order_by := 'i', options := {'sigma': 0}", OptionError, "above 0"),
        ("'t', field := 'x', order_by := 'i', options := {'sigma': 'x'}", OptionError, "above 0"),
        ("'t', field := 'x', order_by := 'i', options := {'rules': [9]}", OptionError, "1 to 8"),
        ("'t', field := 'x', order_by := 'i', kind := 'ewma', options := {'lambda': 1.5}", OptionError, "at most 1"),
        ("'t', field := 'x', order_by := 'i', kind := 'cusum', options := {'k': -1}", OptionError, "from 0 on"),
        ("'t', field := 'x', order_by := 'i', kind := 'hotelling', options := {'limit': 'f'}", OptionError, "chi2"),
        ("'t', field := 'x', order_by := 'center'", OptionError, "Rename"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused(shop: Session, call: str, error: type[MfgsqlError], words: str) -> None:
    table(shop, SHIFT)
    with pytest.raises(error, match=words):
        shop.execute(f"FROM ml_control_chart({call})").fetchall()
