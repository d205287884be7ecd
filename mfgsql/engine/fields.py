"""Which columns of frozen rows are texts and pictures, and what a statement asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.errors import DataError, OptionError
from mfgsql.features import ColumnProfile, Rejection
from mfgsql.features.featureset import fit_encoder
from mfgsql.features.image import ImageEncoder
from mfgsql.features.spans import parse_spans
from mfgsql.features.text import TextEncoder
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY, CONTRASTIVE, EMBEDDING, TOKENS

Base = Model | Checkpoint | None


def reads_target(args: Args) -> bool:
    """Whether a target is predicted."""
    return bool(args.get("target")) and args.get("task") != EMBEDDING


def choose_fields(profiles: Sequence[ColumnProfile], args: Args, base: Base) -> dict[str, str]:
    """Columns that are read as texts or pictures, with the kind of each.

    Raises:
        OptionError: ``field`` names a column that is neither, or the task needs one text and there are others.
    """
    named, known = str(args.get("field") or "").lower(), _known_to(base)
    found = {}
    for profile in profiles:
        name = profile.name.lower()
        if profile.nulls == profile.rows:
            continue
        encoder = fit_encoder(profile)
        if isinstance(encoder, TextEncoder | ImageEncoder):
            found[profile.name] = encoder.kind
        elif profile.base_type == "VARCHAR" and (name == named or known.get(name) == "text"):
            found[profile.name] = "text"
    if named:
        found = {name: kind for name, kind in found.items() if name.lower() == named}
        if not found:
            what = "neither a text nor a picture, or NULL in all rows"
            raise OptionError(f"field is {args['field']!r}, which is {what}.")
    if args.get("task") in (TOKENS, EMBEDDING):
        args["field"] = _only_text(found, args["task"])
    if args.get("task") == ANOMALY and not args.get("histories"):
        args["field"] = _only_picture(found, [p.name for p in profiles if p.base_type == "BLOB"])
        found = {args["field"]: "image"}
    if args.get("task") == EMBEDDING:
        args["objective"] = CONTRASTIVE
    return found


def _only_picture(found: Mapping[str, str], stored: Sequence[str]) -> str:
    pictures = [name for name, kind in found.items() if kind == "image"]
    if not pictures and stored:
        raise DataError(f"{stored[0]!r} holds no picture that can be read: nothing is to be learnt from.")
    if not pictures:
        raise OptionError(
            "A detector reads histories, or pictures: the source has none, and the column of time isn't named.",
            remedy="Name it: order_by := 'ts', and the machine: entity := 'machine_id'.",
        )
    if len(pictures) > 1:
        raise OptionError(
            f"A detector of pictures reads one column, and the source has {', '.join(pictures)}.",
            remedy=f"Name it: field := {quote_literal(pictures[0])}.",
        )
    return pictures[0]


def _only_text(found: Mapping[str, str], task: str) -> str:
    texts = [name for name, kind in found.items() if kind == "text"]
    if len(texts) != 1:
        have = f"has {len(texts)}: {', '.join(texts)}" if texts else "has none"
        raise OptionError(
            f"task := '{task}' reads one column of texts, and the source {have}.",
            remedy="Name it: field := 'note'.",
        )
    return texts[0]


def _known_to(base: Base) -> dict[str, str]:
    if not isinstance(base, Model):
        return {}
    return {c.name.lower(): c.field for c in base.manifest.features.columns if c.field}


def left_out(kinds: dict[str, str], args: Args) -> list[Rejection]:
    """Texts and pictures that a base of rows doesn't read; it reads one of them where it is named."""
    if args["verb"] != "pretrain" or args.get("field"):
        return []
    words = {"text": "a text", "image": "a picture"}
    named = "a base that reads it names it: field :="
    return [Rejection(n, f"{words[k]}; {named} {quote_literal(n)}") for n, k in kinds.items()]


def profile_spans(frozen: Frozen, args: Args) -> ColumnProfile:
    """Labels of the annotated spans, with how many there are of each.

    Raises:
        SourceError: the column can't hold spans.
    """
    name, text = args["target"], quote_identifier(args["field"])
    counts: dict[str, int] = {}
    annotated = frozen.con.execute(f"SELECT {quote_identifier(name)} AS s, {text} AS t FROM {ROWS}")
    reader = annotated.to_arrow_reader(65_536)
    faults = 0
    for batch in reader:
        rows, wrong = parse_spans(batch["s"], batch["t"], name)
        faults += wrong.counts().total()
        for span in chain.from_iterable(row for row in rows if row):
            counts[span.label] = counts.get(span.label, 0) + 1
    if faults:
        why = "they leave their text, overlap, or have no label"
        args["warnings"] = [f"{faults:,} spans are left out of {name}: {why}."]
    top = tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return ColumnProfile(name, frozen.types[name], frozen.rows, 0, top=top)
