"""``ml_order_policy``: for each item when to order and how much, from the distribution of its demand."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.forecasts import AHEAD, lists_of
from mfgsql.engine.kept import alias, check_columns, column, read_second
from mfgsql.engine.planning import Args, at_place, planners, read_options
from mfgsql.engine.profiling import visible_types
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.engine.verbs.forecasting import forecaster
from mfgsql.engine.verbs.predicting import source_alias
from mfgsql.errors import OptionError, SourceError, one_of
from mfgsql.features import is_numeric_type
from mfgsql.inventory import POLICIES, Terms, read_costs
from mfgsql.manifest import Manifest
from mfgsql.options import check_options
from mfgsql.supply import SHARES

_EXAMPLE = "{'review': 7, 'lot': 'lot_size'}"
_OPTIONS = ("policy", "review", "lot", "cover")
_OUTPUTS = (
    ("reorder_point", "p.reorder_point"), ("order_up_to", "p.order_up_to"), ("order_quantity", "p.order_quantity"),
    ("safety_stock", "p.safety_stock"), ("lead_time", "p.lead_time"), ("lead_demand", "p.lead_demand"),
    ("service", "p.service"), ("fill_rate", "p.fill_rate"), ("cost", "p.cost"),
)  # fmt: skip
_TESTED = ("tested_fill_rate", "tested_cost", "normal_fill_rate", "normal_cost")


@planners.register("order_policy")
def plan_order_policy(engine: Engine, args: Args) -> str:
    """A row for each item."""
    version, manifest, source = forecaster(engine, args)
    grid = manifest.grid
    assert grid is not None
    terms, columns, cover = _terms(args, manifest)
    backtest = _backtest(args.get("backtest"), terms)
    most = AHEAD * grid.horizon
    told = {
        "model": version.name, "horizon": cover or grid.horizon, "most": most, "terms": asdict(terms),
        "lead_time": str(args["lead_time"]),
        "named": list(columns), "backtest": backtest, "session": caller_id(),
    }  # fmt: skip
    own = source_alias(version)
    if isinstance(args["lead_time"], str):
        check_number(engine, args, source, args["lead_time"], "lead_time")
    also = _aggregates(own, args["lead_time"], columns, f"{own}.{quote_identifier(grid.order_by)}")
    lists = lists_of(manifest, source, most, own, also, more=backtest)
    names = ", ".join(f"{quote_literal(n.removeprefix('__ml_'))}: {quote_identifier(n)}" for n, _ in also)
    call = f"_ml_order_policy(__ml_rows, __ml_latest, __ml_key, {{{names}}}, {quote_literal(json.dumps(told))})"
    policies = f"SELECT __ml_entity, {call} AS p FROM ({lists})"
    name = f"__ml_entity AS {quote_identifier(grid.entity)}, " if grid.entity else ""
    outputs = [*_OUTPUTS, *((n, f"p.{n}") for n in _TESTED if backtest)]
    selected = ", ".join(f"{sql} AS {n}" for n, sql in outputs)
    status = "p.ml_status AS ml_status, p.ml_reason AS ml_reason"
    if args.get("stock") is None:
        return f"SELECT {name}{selected}, {status} FROM ({policies})"
    return _with_stock(engine, args, manifest, policies, f"{name}{selected}", status)


def check_number(engine: Engine, args: Args, source: Source, name: str, role: str) -> None:
    """See that a column of the source is one of numbers; of a source that only the caller sees that can't be told.

    Raises:
        SourceError: it is none.
    """
    with engine.cursor() as cursor:
        kind = visible_types(at_place(cursor, args), source.select).get(name.lower())
    if kind is not None and not is_numeric_type(kind):
        raise SourceError(
            f"{role} is {name!r}, which is {kind}, not a number of steps.",
            remedy=f"Cast it in the source: TRY_CAST({quote_identifier(name)} AS DOUBLE).",
        )


def _with_stock(engine: Engine, args: Args, manifest: Manifest, policies: str, selected: str, status: str) -> str:
    """What is there and on its way, and what is to be ordered now."""
    assert manifest.grid is not None
    with engine.cursor() as cursor:
        stock = read_second(at_place(cursor, args), args["stock"], "stock", "As in: stock := 'stock'")
        check_columns(cursor, stock, "stock", [n for n in (manifest.grid.entity, "on_hand") if n])
        types = visible_types(cursor, stock.select)
    there = _stock_rows(stock, manifest, ordered=not types or "on_order" in types)
    position = "coalesce(s.on_hand, 0) + coalesce(s.on_order, 0)"
    lot = "coalesce(nullif(p.lot, 0), 1e-9)"
    size = f"ceil((p.order_up_to - ({position})) / {lot} - 1e-9) * {lot}"
    needed = f"p.order_up_to > {position} AND coalesce({position} <= p.reorder_point, true)"
    now = f"CASE WHEN p.order_up_to IS NULL THEN NULL WHEN {needed} THEN round({size}, 6) ELSE 0 END"
    return (
        f"SELECT {selected}, s.on_hand AS on_hand, s.on_order AS on_order, {now} AS order_now, {status} "
        f"FROM ({policies}) LEFT JOIN ({there}) AS s ON s.__ml_item = __ml_entity"
    )


def _stock_rows(stock: Source, manifest: Manifest, *, ordered: bool) -> str:
    grid = manifest.grid
    assert grid is not None
    item = column("stock", grid.entity) if grid.entity else "0"
    on_order = f"sum({column('stock', 'on_order')})" if ordered else "0"
    told = f"sum({column('stock', 'on_hand')}) AS on_hand, {on_order} AS on_order"
    return f"SELECT {item} AS __ml_item, {told} FROM {stock.sql} AS {alias('stock')} GROUP BY ALL"


def _terms(args: Args, manifest: Manifest) -> tuple[Terms, dict[str, str], int]:
    """What is told by numbers, what by columns, and the steps that one order is to last."""
    costs, options = read_costs(args.get("costs")), read_options(args, _EXAMPLE)
    check_options(options, _OPTIONS)
    policy = options.get("policy") or "reorder_point"
    if policy not in POLICIES:
        raise OptionError(f"policy is {one_of(POLICIES)}, not {policy!r}.")
    review, cover = _steps(options, "review", 1), _steps(options, "cover", 0)
    if cover and policy != "newsvendor":
        raise OptionError("cover is for policy 'newsvendor', whose one order has to last so many steps: leave it out.")
    assert manifest.grid is not None
    if cover > AHEAD * manifest.grid.horizon:
        raise OptionError(
            f"cover is {cover:,} steps, and the model forecasts {AHEAD * manifest.grid.horizon:,} at most."
        )
    lot = options.get("lot") or 0
    if not isinstance(lot, int | float | str) or isinstance(lot, bool) or (not isinstance(lot, str) and lot < 0):
        raise OptionError(f"lot is a number of pieces, or the name of a column, not {lot!r}.")
    service = _service(args.get("service_level"))
    if service is None and not (costs.get("shortage") and costs.get("holding")):
        raise OptionError(
            "How safe stock is to be isn't said.",
            remedy="Say service_level := 0.95, or costs := {'holding': 0.02, 'shortage': 5}, which tell what is best.",
        )
    lead = args.get("lead_time")
    if lead is None:
        raise OptionError("lead_time is missing.", remedy="A column or a number of steps: lead_time := 'lead_days'.")
    named = isinstance(lead, str) and bool(lead)
    if isinstance(lead, bool) or not (named or (isinstance(lead, int | float) and lead >= 0)):
        raise OptionError(
            f"lead_time is the name of a column, or a number of steps from 0 on, not {lead!r}.",
            remedy="As in: lead_time := 'lead_days'.",
        )
    columns = {n: v for n, v in (*costs.items(), ("lot", lot)) if isinstance(v, str)}
    numbers = {n: float(v) for n, v in (*costs.items(), ("lot", lot)) if not isinstance(v, str)}
    assert manifest.target is not None
    whole = "INT" in manifest.target.type
    return Terms(**numbers, service=service, policy=policy, review=review, whole=whole), columns, cover


def _steps(options: dict[str, Any], name: str, usual: int) -> int:
    told = options.get(name)
    if told is None:
        return usual
    if isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= 10_000:
        raise OptionError(f"{name} is a number of steps from 1 on, not {told!r}.")
    return told


def _service(told: Any) -> float | None:
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < 1:
        raise OptionError(f"service_level is a share between 0 and 1, such as 0.95, not {told!r}.")
    return float(told)


def _backtest(told: Any, terms: Terms) -> int:
    if told is None:
        return 0
    if isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= 1_000:
        raise OptionError(f"backtest is how many of the last steps are played, from 1 to 1,000, not {told!r}.")
    if terms.policy == "newsvendor":
        raise OptionError("backtest plays policies that order again, and 'newsvendor' orders once: leave it out.")
    return told


def _aggregates(own: str, lead: str | float, columns: dict[str, str], time: str) -> list[tuple[str, str]]:
    """What is known of each item, as aggregates over its rows: the distribution of lead times, and its latest terms."""
    days = f"{own}.{quote_identifier(lead)}::DOUBLE" if isinstance(lead, str) else f"{lead!r}::DOUBLE"
    known = f"FILTER (WHERE isfinite({days}))"
    leads = [
        ("__ml_leads", f"quantile_disc({days}, {SHARES.tolist()}) {known}"),
        ("__ml_least", f"min({days}) {known}"),
    ]
    latest = [(f"__ml_{n}", f"arg_max({own}.{quote_identifier(c)}::DOUBLE, {time})") for n, c in columns.items()]
    return leads + latest
