"""What a statement would not heed is refused: an option that changes nothing is a mistake."""

from __future__ import annotations

from collections.abc import Sequence

from mfgsql.backbones import MixedConfig, SeriesConfig, TabularConfig
from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.engine.fields import Base
from mfgsql.engine.planning import Args
from mfgsql.errors import OptionError, one_of
from mfgsql.features import FeatureSet
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY, EMBEDDING, FORECAST, PROCESS, tasks
from mfgsql.training import Recipe

_TRUNK = ("width", "layers", "heads")
_PROBE = "is for bases of rows: a base of texts or pictures learns on from the first step, in small ones"
_OF_PICTURES = ("size", "channels", "augment", "flips")
_OF_TASKS = (
    ("cap", "rul"), ("span", ANOMALY), ("false_alarms_per_day", ANOMALY), ("horizon", FORECAST), ("season", FORECAST),
    ("refit", FORECAST), ("gaps", FORECAST), ("known", FORECAST), ("holidays", FORECAST),
    ("started", PROCESS), ("due", PROCESS), ("trend", PROCESS),
)  # fmt: skip
_STEPS = (  # what says how a network learns
    "epochs", "batch_size", "learning_rate", "weight_decay", "optimizer", "schedule", "warmup", "dropout", "patience",
    "validation", "precision", "mask_ratio", "clip", "probe", "base_rate", "augment", "flips", *_TRUNK,
)  # fmt: skip


def check_heeded(recipe: Recipe, args: Args) -> None:
    """Refuse options that this statement would not heed."""
    task, usual = args.get("task"), Recipe().to_dict()
    told = recipe.to_dict() | {name: args.get(name) for name, _ in _OF_TASKS if name not in usual}
    given = [name for name, value in told.items() if value not in (None, usual.get(name))]
    if args.get("separator") and task != "multilabel":
        raise OptionError("separator is for labels in a text, task := 'multilabel': leave it out.")
    for name, of in _OF_TASKS:
        if task != of:
            _refuse(given, (name,), f"is for task := '{of}'")
    _check_adapter(recipe, given, args)
    if task == FORECAST:
        _refuse(given, ("memory", "fill"), "is for models that read histories of sensors, not for forecasts")
    if task == ANOMALY and not args.get("histories"):
        _refuse(given, ("false_alarms_per_day", "span"), "is for detectors that read histories")
    if not args.get("histories"):
        for name in ("patch", "fill", "shortest"):
            if name in given:
                raise OptionError(f"{name} is for models that read histories: say options.window, or leave it out.")


def _check_adapter(recipe: Recipe, given: list[str], args: Args) -> None:
    """Refuse what says how a base learns on where it doesn't, or where there is none."""
    if "rank" in given and recipe.adapter == "none" and not args.get("adapter_by"):
        raise OptionError("rank is of adapters, and there are none.", remedy="Say options.adapter, or leave it out.")
    if recipe.backbone == MixedConfig.kind:
        return
    _refuse(given, ("freeze",), "is for models that read texts or pictures")
    if recipe.adapter == "none":
        return
    if recipe.backbone not in (TabularConfig.kind, SeriesConfig.kind):
        _refuse(given, ("adapter",), "is for transformers")
    if not args.get("base"):
        raise OptionError(
            "adapter is for a base, and there is none.", remedy="Name one: base := 'press', or leave it out."
        )
    told = [name for name, value in (args.get("options") or {}).items() if value != getattr(Recipe(), name)]
    _refuse(told, ("probe", "base_rate"), "says how a base learns on, and beside an adapter it stays as it is")


def check_fields(args: Args, features: FeatureSet, base: Base, left: Sequence[str]) -> None:
    """Refuse options of texts, pictures or of what stands on them, where there is no such thing.

    Args:
        left: what is said of columns of texts and pictures that are left out.
    """
    why = f" ({' '.join(left)})" if left else ""
    none = f"and no column is read as one{why}"
    usual = Recipe().to_dict()
    given = [name for name, value in (args.get("options") or {}).items() if value != usual.get(name)]
    texts, pictures = features.fields("text"), features.fields("image")
    if not texts:
        _refuse(given, ("tokens",), f"is for texts, {none}")
    if not pictures:
        _refuse(given, _OF_PICTURES, f"is for pictures, {none}")
    if not texts and not pictures:
        return
    if args.get("task") == ANOMALY:
        _refuse(given, _STEPS, "says how a network learns, and a detector of pictures only remembers good ones")
    _refuse(given, ("probe",), _PROBE)
    if len(features.names) == 1:
        _refuse(given, _TRUNK, "is of the network over several columns, and here is one")
    if pictures and _reads_pictures(base):
        _refuse(given, ("channels",), "is the base's")
    if args.get("task") == EMBEDDING or args.get("objective") == "autoregressive":
        _refuse(given, ("mask_ratio",), "is for what is hidden, and this objective hides nothing")


def _reads_pictures(base: Base) -> bool:
    if isinstance(base, Checkpoint):
        return base.modality == "image"
    return isinstance(base, Model) and bool(base.manifest.features.fields("image"))


def _refuse(given: list[str], names: tuple[str, ...], why: str) -> None:
    for name in given:
        if name in names:
            raise OptionError(f"{name} {why}: leave it out.")


def check_loss(recipe: Recipe, task: str | None, verb: str) -> None:
    """Refuse what this task would not heed."""
    what = f"{verb} ({task})" if task else verb
    heeded = ("auto", *(tasks[task].losses if task else ()))
    if recipe.loss not in heeded:
        raise OptionError(f"The loss of {what} is {one_of(heeded)}, not '{recipe.loss}'.")
    if recipe.class_weight != "none" and not (task and tasks[task].shape in ("class", "labels")):
        raise OptionError(f"class_weight is for classes, and this is {what}: leave it out.")
