"""What ``adapter_by`` names: a column of frozen rows whose values get adapters of their own."""

from __future__ import annotations

from dataclasses import replace

from mfgsql.backbones import AdaptedConfig, EnsembleConfig
from mfgsql.engine.fields import Base
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.errors import DataError, OptionError, one_of
from mfgsql.features import FeatureSet
from mfgsql.features.groups import GroupEncoder
from mfgsql.features.profile import INTEGER_TYPES, TEXT_TYPES, base_type
from mfgsql.model import Model
from mfgsql.training import Recipe

FEWEST = 20  # rows of a group that may have an adapter of its own
_MOST = 10_000  # groups
_TYPES = TEXT_TYPES | INTEGER_TYPES | {"BOOLEAN"}
_TASKS = ("classification", "regression", "multilabel", "rul")


def check_grouped(args: Args, kind: str, task: str | None) -> None:
    """Refuse adapters of groups where there can be none.

    Args:
        kind: of the backbone. task: that is learnt.
    """
    name = args.get("adapter_by")
    if name is None:
        return
    if name == args.get("target"):
        raise OptionError(f"The target {name!r} is named as adapter_by as well.")
    if task not in _TASKS:
        raise OptionError(f"adapter_by is for task := {one_of(repr(t) for t in _TASKS)}: leave it out.")
    if kind == EnsembleConfig.kind:
        raise OptionError(
            "adapter_by needs a transformer, and without a base this model is an ensemble.",
            remedy="Start from a base (base := 'press', made by ml_pretrain), or say options := "
            "{'backbone': 'transformer'}.",
        )
    if args.get("split") == "entity" and name == args.get("entity"):
        raise OptionError(
            f"The split 'entity' holds out all rows of some {name}, and each adapter is judged on rows of its own.",
            remedy="Leave split out, or say split := 'time'.",
        )


def settle_rank(recipe: Recipe, args: Args, base: Base) -> Recipe:
    """The recipe with the rank of a base's adapters, which others join.

    Raises:
        OptionError: the statement asks for another one.
    """
    if not args.get("adapter_by") or not isinstance(base, Model) or base.manifest.features.group is None:
        return recipe
    config = base.manifest.backbone
    assert isinstance(config, AdaptedConfig), "adapters are for transformers"
    if recipe.rank not in (Recipe().rank, config.own_rank):
        raise OptionError(f"rank = {recipe.rank}, but the base's adapters have {config.own_rank}: leave it out.")
    return replace(recipe, rank=config.own_rank)


def with_groups(frozen: Frozen, features: FeatureSet, args: Args, base: Base) -> FeatureSet:
    """The features, and what chooses a row's adapter.

    Raises:
        OptionError: the column's type names no groups. DataError: it has one value, or too many.
    """
    name = args.get("adapter_by")
    if name is None:
        return features
    quoted = quote_identifier(name)
    if base_type(frozen.types[name]) not in _TYPES:
        raise OptionError(
            f"adapter_by names groups, and {name!r} is {frozen.types[name]}.",
            remedy=f"Cast it in the source: SELECT * REPLACE ({quoted}::VARCHAR AS {quoted}) FROM ...",
        )
    counts = frozen.con.execute(
        f"SELECT CAST({quoted} AS VARCHAR) AS value, count({quote_identifier(args['target'])}) FROM {ROWS} "
        f"GROUP BY value ORDER BY value NULLS LAST LIMIT {_MOST + 2}"
    ).fetchall()
    rows = {value: n for value, n in counts if value is not None}
    if len(rows) > _MOST:
        raise DataError(
            f"{name!r} has more than {_MOST:,} values: adapters are for groups of rows that are many each.",
            remedy="Name a column of fewer values, such as that of the line.",
        )
    before = base.manifest.features.group if isinstance(base, Model) else None
    met = before.values if before is not None and before.name.lower() == name.lower() else ()
    if len(rows) < (1 if met else 2):
        told = f"is {next(iter(rows))!r} in every row" if rows else "is NULL in every row"
        raise DataError(f"adapter_by names {name!r}, which {told}: leave it out.")
    values = (*met, *(value for value in rows if value not in met))
    own = tuple(value for value, n in rows.items() if n >= FEWEST)
    return features.with_group(GroupEncoder(name, values, own, nullable=len(rows) < len(counts)))
