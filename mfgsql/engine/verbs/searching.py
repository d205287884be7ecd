"""``ml_embed``, ``ml_search``, ``ml_similar``: texts and pictures as vectors, and which are like which.

Vectors have length one, so that their product is the cosine. All of it is exact: each row is looked at, or each pair of
rows. What is embedded or searched streams; the vectors of rows that are compared with one another are held.
"""

from __future__ import annotations

import json
from typing import Any

from mfgsql.backbones import MixedConfig
from mfgsql.backbones.folders import hidden_width
from mfgsql.backbones.image import ImageConfig
from mfgsql.backbones.text import TextConfig
from mfgsql.catalog import Version, resolve
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.kept import kept, read_name
from mfgsql.engine.planning import Args, at_place, planners
from mfgsql.engine.quoting import quote_identifier, quote_literal, quote_text
from mfgsql.engine.sources import read_source
from mfgsql.engine.verbs.misuse import asked
from mfgsql.engine.verbs.predicting import pinned, source_alias
from mfgsql.errors import OptionError
from mfgsql.manifest import Manifest

_STATUS = ("ml_status", "ml_reason")
_ALL = "COLUMNS(lambda c: lower(c) <> '__ml')"
_MOST = 10_000  # rows that a search gives, at most
_PAIRS = 1_000  # rows that are told to be like one, at most


@planners.register("embed")
def plan_embed(engine: Engine, args: Args) -> str:
    """A source's rows with the vector of their text or picture beside them."""
    version, manifest, width = _embedder(engine, args)
    outputs = ("embedding", *_STATUS)
    told = ", ".join(f"__ml.{name} AS {name}" for name in _STATUS)
    vector = f"CAST(__ml.embedding AS FLOAT[{width}]) AS embedding"
    return f"SELECT {kept(outputs)}, {vector}, {told} FROM ({_embedded(engine, version, manifest, args)})"


@planners.register("search")
def plan_search(engine: Engine, args: Args) -> str:
    """The rows whose texts are most like a query, best first; rows without a text are none of them."""
    version, manifest, width = _embedder(engine, args)
    field = _field(manifest, args)
    if field not in manifest.features.fields("text"):
        raise OptionError(f"'{version.model}' reads pictures: a query in words finds none.")
    query, remedy = args.get("query"), "query := 'bearing noise after oil change'"
    if query is None:
        raise OptionError("query is missing: what is looked for, in words.", remedy=remedy)
    if not isinstance(query, str) or not query.strip():
        raise OptionError(f"query is a text, not {query!r}.", remedy=remedy)
    k = _number(args, "k", 10, _MOST)
    asked_for = f"_ml_embed({{{quote_literal(version.name)}: {{{quote_literal(field)}: {quote_text(query)}}}}})"
    return (
        f"WITH __ml_query AS MATERIALIZED (SELECT CAST({asked_for}.embedding AS FLOAT[{width}]) AS __ml_wanted) "
        f"SELECT {kept(('similarity',))}, similarity FROM (SELECT *, "
        f"least(array_inner_product(CAST(__ml.embedding AS FLOAT[{width}]), __ml_wanted), 1::FLOAT) AS similarity "
        f"FROM ({_embedded(engine, version, manifest, args)}), __ml_query WHERE __ml.embedding IS NOT NULL) "
        f"ORDER BY similarity DESC LIMIT {k}"
    )


@planners.register("similar")
def plan_similar(engine: Engine, args: Args) -> str:
    """For each row those most like it: pairs of keys with their texts, and how like they are."""
    version, manifest, width = _embedder(engine, args)
    read_from = args.get("field") or _field(manifest, args)
    key = read_name(args, "key", "id")
    picture = _field(manifest, args) not in manifest.features.fields("text")
    told = {"k": _number(args, "k", 1, _PAIRS), "least": _least(args), "session": caller_id()}
    names = [key] if picture else list(dict.fromkeys([key, str(read_from)]))
    # Qualified by the source, so that what is said of a missing column says so.
    columns = ", ".join(f"{source_alias(version)}.{quote_identifier(n)} AS __ml_{i}" for i, n in enumerate(names))
    vectors = (
        "SELECT row_number() OVER () AS __ml_row, * EXCLUDE (__ml), "
        f"CAST(__ml.embedding AS FLOAT[{width}]) AS __ml_vector "
        f"FROM ({_embedded(engine, version, manifest, args, columns)}) WHERE __ml.embedding IS NOT NULL"
    )
    listed = "list({'row': __ml_row, 'vector': __ml_vector})"
    pairs = f"SELECT unnest(_ml_similar({listed}, {quote_literal(json.dumps(told))})) AS __ml_pair FROM __ml_rows"
    mine = ", ".join(f"a.__ml_{i} AS {quote_identifier(n)}" for i, n in enumerate(names))
    theirs = ", ".join(f"b.__ml_{i} AS {quote_identifier('similar_' + n)}" for i, n in enumerate(names))
    return (
        f"WITH __ml_rows AS MATERIALIZED ({vectors}) SELECT {mine}, {theirs}, __ml_pair.similarity AS similarity "
        f"FROM ({pairs}) JOIN __ml_rows a ON a.__ml_row = __ml_pair.a JOIN __ml_rows b ON b.__ml_row = __ml_pair.b "
        "ORDER BY similarity DESC, a.__ml_row, b.__ml_row"
    )


def _embedder(engine: Engine, args: Args) -> tuple[Version, Manifest, int]:
    """A version that reads texts or pictures, and the size of its vectors."""
    with engine.cursor() as cursor:
        version = resolve(cursor, args.get("model"))
    manifest = Manifest.from_json(version.manifest)
    config = manifest.backbone
    if not isinstance(config, MixedConfig):
        raise OptionError(
            f"'{version.model}' reads neither texts nor pictures.",
            remedy="Pre-train one that does: FROM ml_pretrain('notes', 'work_orders', field := 'note');",
        )
    tower = config.text if _field(manifest, args) in config.texts else config.image
    if not isinstance(tower, TextConfig | ImageConfig):
        raise OptionError(
            f"'{version.model}' remembers patches of pictures, and has no vectors of whole ones.",
            remedy="Take a model or a base of pictures: FROM ml_pretrain('photos', 'plates', field := 'image');",
        )
    return version, manifest, hidden_width(tower.model)


def _field(manifest: Manifest, args: Args) -> str:
    """The model's column that is turned into a vector: its own that is named, else its first text or picture."""
    fields = manifest.features.fields()
    named = str(args.get("field")).lower()
    return next((name for name in fields if name.lower() == named), fields[0])


def _embedded(engine: Engine, version: Version, manifest: Manifest, args: Args, kept: str = _ALL) -> str:
    """A SELECT of the source's columns, or those kept, and the struct ``__ml`` of the vector and its status."""
    with engine.cursor() as cursor:
        source = read_source(at_place(cursor, args), args.get("source"))
    field = _field(manifest, args)
    name = args.get("field") or field
    if not isinstance(name, str):
        raise OptionError(f"field is the name of a column, not {name!r}.")
    asked.set((version.name, source))
    alias = source_alias(version)
    value = f"{{{quote_literal(field)}: {alias}.{quote_identifier(name)}}}"
    row = f"{{{quote_literal(pinned(version, manifest))}: {value}}}"
    return f"SELECT {kept}, _ml_embed({row}) AS __ml FROM {source.sql} AS {alias}"


def _number(args: Args, name: str, usual: int, most: int) -> int:
    value: Any = args.get(name)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise OptionError(f"{name} is a number of rows from 1 to {most:,}, not {value!r}.")
    return value


def _least(args: Args) -> float:
    value: Any = args.get("least")
    if value is None:
        return -2.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        raise OptionError(f"least is a similarity from -1 to 1, such as 0.9, not {value!r}.")
    return float(value)
