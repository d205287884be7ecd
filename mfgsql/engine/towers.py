"""Which columns of frozen rows are texts and pictures, and what reads them: a base's network, or one from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mfgsql.backbones import MixedConfig
from mfgsql.backbones.adapters import go_on
from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.backbones.filters import FilterConfig
from mfgsql.backbones.image import ImageConfig, default_image_config
from mfgsql.backbones.text import TextConfig
from mfgsql.engine.fields import Base
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.entities import whole_words
from mfgsql.errors import OptionError, one_of
from mfgsql.features import FeatureSet
from mfgsql.features.decoding import decode_many
from mfgsql.features.image import CHANNELS, SIZE, ImageEncoder
from mfgsql.features.spans import parse_spans
from mfgsql.features.text import TextEncoder
from mfgsql.features.tokens import CASES, SPACES, WORDS, Tokenizer
from mfgsql.model import Model, tokenizer_of
from mfgsql.tasks import ANOMALY, TOKENS
from mfgsql.training import Recipe
from mfgsql.training.rows import one_array
from mfgsql.training.snapshot import HASH

_PLACES = (256, 256)  # pixels of a picture whose places are looked at
_SEEN, _SMALL = 32, (32, 32)  # pictures by which colour is told, and at which size
_TEXTS = 200_000  # that a tokenizer is trained on, at most
_LOOKED_AT = 20_000  # annotated texts by which it is told where words begin


@dataclass(frozen=True)
class Towers:
    """What reads texts and pictures.

    Attributes:
        features: the encoders, with what they need of it.
    """

    features: FeatureSet
    text: TextConfig | None = None
    image: ImageConfig | FilterConfig | None = None


def build_towers(frozen: Frozen, features: FeatureSet, recipe: Recipe, args: Args, base: Base) -> Towers:
    """The networks over texts and pictures.

    Raises:
        OptionError: the base reads neither, or what the statement asks for goes with no such base.
    """
    texts, images = features.fields("text"), features.fields("image")
    if isinstance(base, Checkpoint) and not (texts if base.modality == "text" else images):
        what = "texts" if base.modality == "text" else "pictures"
        raise OptionError(f"'{args['base']}' reads {what}, and the source has no column of such.")
    text, image = None, None
    if texts:
        text, tokenizer = _text(frozen, texts, args, recipe, base)
        words = _words(frozen, texts, args)
        text = replace(text, cases=CASES if words is not None and tokenizer.folds_case else 0)
        features = _with_texts(features, recipe, words).with_tokenizer(tokenizer)
    if images:
        image = _image(frozen, images, args, recipe, base)
        features = _with_pictures(features, image)
    return Towers(features, text, image)


def _with_texts(features: FeatureSet, recipe: Recipe, words: str | None) -> FeatureSet:
    told = (replace(e, most=recipe.tokens, words=words) if isinstance(e, TextEncoder) else e for e in features.encoders)
    return FeatureSet(tuple(told))


def _with_pictures(features: FeatureSet, image: ImageConfig | FilterConfig) -> FeatureSet:
    told = (e.sized(image.size, image.channels) if isinstance(e, ImageEncoder) else e for e in features.encoders)
    return FeatureSet(tuple(told))


def _text(frozen: Frozen, texts: list[str], args: Args, recipe: Recipe, base: Base) -> tuple[TextConfig, Tokenizer]:
    _check_objective(args, ("masked", "autoregressive"))
    fixed = _fixed(recipe)
    if isinstance(base, Checkpoint) and base.modality == "text":
        config = TextConfig.of(base, **fixed)
        assert base.vocabulary is not None, "a checkpoint of texts has one"
        tokenizer: Tokenizer | None = tokenizer_of(config, base.vocabulary.tokenizer)
    elif isinstance(base, Model) and isinstance(base.manifest.backbone, MixedConfig) and base.manifest.backbone.text:
        config = go_on(base.manifest.backbone.text, **fixed)
        tokenizer = base.manifest.features.tokenizer
    else:
        _refuse_fixed(recipe, base)
        tokenizer = Tokenizer.train(_texts(frozen, texts))
        if args.get("objective") == "autoregressive":
            tokenizer = replace(tokenizer, mask=None)
        special = (tokenizer.prefix, tokenizer.suffix, tokenizer.pad, tokenizer.mask)
        config = TextConfig.scratch(tokenizer.size, *special)
    if args["verb"] == "pretrain":
        args["objective"] = _objective(args, config)
    assert tokenizer is not None, "a model of texts has one"
    return config, tokenizer


def _image(
    frozen: Frozen, images: list[str], args: Args, recipe: Recipe, base: Base
) -> ImageConfig | FilterConfig:
    _check_objective(args, ("autoencoder",))
    if args["verb"] == "pretrain":
        args["objective"] = "autoencoder"
    size = (recipe.size, recipe.size) if recipe.size else None
    if isinstance(base, Checkpoint) and base.modality == "image":
        return ImageConfig.pretrained(base, str(base.path), size, **_fixed(recipe))
    if isinstance(base, Model) and isinstance(base.manifest.backbone, MixedConfig) and base.manifest.backbone.image:
        if size not in (None, base.manifest.backbone.image.size):
            raise OptionError(f"size is the base's, {base.manifest.backbone.image.size[0]}: leave it out.")
        return go_on(base.manifest.backbone.image, **_fixed(recipe))
    _refuse_fixed(recipe, base)
    channels = recipe.channels or (1 if _grey(frozen, images) else CHANNELS)
    if args.get("task") == ANOMALY:
        return FilterConfig(size or _PLACES, channels)
    return default_image_config(args.get("objective"), size or SIZE, channels)


def _grey(frozen: Frozen, names: list[str]) -> bool:
    """Whether no colour is seen in some of the pictures."""
    for name in names:
        column = quote_identifier(name)
        some = f"SELECT {column} FROM {ROWS} WHERE {column} IS NOT NULL ORDER BY {HASH} LIMIT {_SEEN}"
        cells = [data for (data,) in frozen.con.execute(some).fetchall()]
        pixels, _ = decode_many(cells, _SMALL, CHANNELS)
        if (pixels != pixels[:, :1]).any():
            return False
    return True


def _fixed(recipe: Recipe) -> dict[str, Any]:
    """What of a base stays as it is."""
    lora = recipe.adapter == "lora"
    return {"frozen": lora or recipe.freeze == "yes", "adapter": {"r": recipe.rank} if lora else None}


def _refuse_fixed(recipe: Recipe, base: Base) -> None:
    if isinstance(base, Checkpoint):  # which reads another column of the row
        return
    for name, usual in (("adapter", "none"), ("freeze", "no")):
        if getattr(recipe, name) != usual:
            raise OptionError(
                f"{name} is for a base, and there is none that reads such a column.",
                remedy="Name one: base := './models/minilm', or leave it out.",
            )


def _check_objective(args: Args, known: tuple[str, ...]) -> None:
    """Refuse an objective that a base of such a column can't have."""
    objective = args.get("objective")
    if args["verb"] == "pretrain" and objective not in (None, *known):
        raise OptionError(f"The objective of {args['field']!r} is {one_of(known)}, not '{objective}'.")


def _objective(args: Args, config: TextConfig) -> str:
    """As said, else as the network reads.

    Raises:
        OptionError: it reads in another way.
    """
    fits = "autoregressive" if config.causal else "masked"
    if args.get("objective") not in (None, fits):
        how = "from left to right, and has no mask" if config.causal else "what follows a piece, too"
        raise OptionError(f"The base reads {how}: objective := '{fits}'.")
    return fits


def _words(frozen: Frozen, texts: list[str], args: Args) -> str | None:
    """Where words begin, of a task that speaks of them: as the annotations have it."""
    if args.get("task") != TOKENS:
        return None
    target, text = quote_identifier(args["target"]), quote_identifier(texts[0])
    some = f"SELECT {text} AS t, {target} AS s FROM {ROWS} WHERE {text} IS NOT NULL ORDER BY {HASH} LIMIT {_LOOKED_AT}"
    table = frozen.con.execute(some).to_arrow_table().combine_chunks()
    texts_of = one_array(table["t"])
    known, _ = parse_spans(one_array(table["s"]), texts_of, args["target"])
    return SPACES if whole_words(texts_of.to_pylist(), known) else WORDS


def _texts(frozen: Frozen, names: list[str]) -> Iterator[str]:
    """Texts to train a tokenizer on, in the order of their rows' hash: equal rows give an equal one."""
    for name in names:
        text = f"CAST({quote_identifier(name)} AS VARCHAR)"
        some = f"SELECT {text} FROM {ROWS} WHERE {text} IS NOT NULL ORDER BY {HASH} LIMIT {_TEXTS}"
        cursor = frozen.con.execute(some)
        while rows := cursor.fetchmany(10_000):
            yield from (text for (text,) in rows)
