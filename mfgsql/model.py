"""A model: weights, and a manifest that says all about them. Saved as one safetensors file, never pickled."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from mfgsql.backbones import (
    AdaptedConfig,
    EnsembleBackbone,
    EnsembleConfig,
    MixedBackbone,
    MixedConfig,
    RowLanguage,
    RowsConfig,
    SeriesBackbone,
    SeriesConfig,
    TabularBackbone,
)
from mfgsql.backbones.adapters import freeze, shared_weights, take_shared
from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.backbones.text import TextConfig
from mfgsql.errors import CatalogError
from mfgsql.features.tokens import Tokenizer
from mfgsql.heads import LanguageHead, MemberHead, ReconstructionHead
from mfgsql.manifest import Manifest
from mfgsql.metrics import LEVELS
from mfgsql.network import Network, heads_of_forecasts, heads_of_windows
from mfgsql.tasks import ANOMALY, Prediction, Target, Task, picture_head, picture_objectives, tasks, text_objectives
from mfgsql.tasks.anomaly import residuals
from mfgsql.tasks.patches import Memory
from mfgsql.tasks.task import Array

_TOKENIZER = "tokenizer.json"  # name of the tensor whose bytes are that
_OF_COLUMNS = re.compile(r"tokenizer\.|\.embed\.|\.words")  # parameters that belong to columns


@dataclass(frozen=True)
class Adopted:
    """What a model took over from its base.

    Attributes:
        columns: names of those that the base knew.
        parameters: worth keeping while a new head learns; the tokens only where the base knew every column.
    """

    columns: list[str] = field(default_factory=list)
    parameters: list[nn.Parameter] = field(default_factory=list)


@dataclass
class Model:
    """A network with its manifest."""

    manifest: Manifest
    network: Network

    @classmethod
    def build(cls, manifest: Manifest) -> Model:
        """A network of the manifest's shape, freshly initialised from torch's global generator."""
        model, config = cls._without_adapters(manifest), manifest.backbone
        if isinstance(config, AdaptedConfig) and (config.lora or config.own):
            model.network.adapt()
        return model

    @classmethod
    def _without_adapters(cls, manifest: Manifest) -> Model:
        config = manifest.backbone
        outputs = tasks[manifest.task].outputs(manifest.target) if manifest.task and manifest.target else None
        if isinstance(config, EnsembleConfig):
            assert outputs is not None, "an ensemble learns from labels only"
            members = MemberHead(config.groups, config.members, config.width, outputs)
            return cls(manifest, Network(EnsembleBackbone(config), members))
        head: nn.Module
        if isinstance(config, RowsConfig):
            return cls(manifest, Network(RowLanguage(config), LanguageHead(config.width, config.width, config.tokens)))
        if isinstance(config, MixedConfig):
            mixed = MixedBackbone(config)
            return cls(manifest, Network(mixed, _head_of_fields(manifest, mixed), _asides(manifest, mixed)))
        if isinstance(config, SeriesConfig) and manifest.grid is not None:
            of_steps = heads_of_forecasts(config, manifest.grid.horizon, len(LEVELS))
            return cls(manifest, Network(SeriesBackbone(config), nn.ModuleList(of_steps)))
        if isinstance(config, SeriesConfig):
            return cls(manifest, Network(SeriesBackbone(config), nn.ModuleList(heads_of_windows(config, outputs))))
        if outputs is None:
            head = ReconstructionHead(
                config.width, [s for _, s in config.continuous], [s for _, s in config.categorical]
            )
        else:
            assert manifest.task is not None
            assert manifest.target is not None
            head = tasks[manifest.task].make_head(manifest.target, config.width, config.dropout)
        return cls(manifest, Network(TabularBackbone(config), head))

    @property
    def task(self) -> Task:
        """The supervised task; a base has none."""
        if self.manifest.task is None:
            raise CatalogError("A base predicts nothing; fine-tune it first.")
        if self.manifest.target is None:
            what = "A detector of anomalies" if self.manifest.task == ANOMALY else "What turns texts into vectors"
            raise CatalogError(f"{what} predicts no target.")
        return tasks[self.manifest.task]

    @property
    def target(self) -> Target:
        """The target; a base has none."""
        if self.manifest.target is None:
            raise CatalogError("A base has no target; fine-tune it first.")
        return self.manifest.target

    def _external(self) -> set[str]:
        """Names of the weights that stay in a checkpoint's folder."""
        backbone = self.network.backbone
        names = backbone.external() if isinstance(backbone, MixedBackbone) else set()
        return {f"backbone.{name}" for name in names}

    def _read_tokenizer(self, data: Tensor | None) -> None:
        config = self.manifest.backbone
        if data is None or not isinstance(config, MixedConfig) or config.text is None:
            return
        tokenizer = tokenizer_of(config.text, data.numpy().tobytes().decode())
        self.manifest = replace(self.manifest, features=self.manifest.features.with_tokenizer(tokenizer))

    @property
    def size(self) -> int:
        """Memory of the weights."""
        return sum(t.numel() * t.element_size() for t in self.network.state_dict().values())

    @property
    def kept(self) -> dict[str, Tensor]:
        """Weights that are saved with it; others stay in a checkpoint's folder."""
        external = self._external()
        return {name: value for name, value in self.network.state_dict().items() if name not in external}

    def predict(self, output: Tensor) -> Prediction:
        """What the members' numbers ``[rows, members, outputs]`` (on the CPU) come to, calibrated."""
        return self.task.adjust(self.task.predict(output, self.target), self.manifest.calibration)

    def losses(self, output: Tensor, truth: Tensor, options: dict[str, Any], least: Tensor | None = None) -> Tensor:
        """Loss of each row ``[rows]``: the mean of its members', each of which learns for itself.

        Args:
            least: bool [rows], of whose truth only a lower bound is known; what reaches it costs nothing.
        """
        rows, members = output.shape[:2]
        said, wanted = output.flatten(0, 1), truth.repeat_interleave(members, dim=0)
        each = self.task.loss(said, wanted, self.target, options)
        if least is not None and bool(least.any()):
            met = least.repeat_interleave(members) & self.task.reaches(said, wanted, self.target)
            each = torch.where(met, 0.0, each)
        return each.view(rows, members).mean(dim=1)

    def errors(self, continuous: Tensor, codes: Tensor, speaker: Tensor | None = None) -> Array:
        """Errors of a detector's networks at the windows' ends, float64 [n, d].

        Args:
            speaker: for each window the number of the network that is asked, from 1; None: the mean of all.
        """
        backbone, heads = self.network.backbone, self.network.head
        assert isinstance(backbone, SeriesBackbone), "detectors read histories"
        assert isinstance(heads, nn.ModuleList)
        with torch.inference_mode():
            parts = [
                residuals(encoder, head, continuous, codes)  # type: ignore[arg-type]  # by `build`
                for encoder, head in zip(backbone.encoders, heads, strict=True)
            ]
        stacked = torch.stack(parts).double().cpu().numpy()
        if speaker is None or len(parts) == 1:
            return np.asarray(stacked.mean(axis=0))
        return np.asarray(stacked[speaker.cpu().numpy() - 1, np.arange(len(continuous))])

    def adopt(self, base: Model | Checkpoint) -> Adopted:
        """Take over what a base has learnt, its head too where task and target are the same; both are transformers."""
        backbone = self.network.backbone
        if isinstance(backbone, MixedBackbone):
            return self._adopt_towers(backbone, base)
        assert isinstance(base, Model), "checkpoints are of texts and pictures"
        other = base.network.backbone
        if isinstance(backbone, SeriesBackbone):
            assert isinstance(other, SeriesBackbone)
            columns = backbone.adopt(other)
        else:
            assert isinstance(backbone, TabularBackbone), "an ensemble has no base"
            assert isinstance(other, TabularBackbone)
            columns = backbone.adopt(other)
        same = self.manifest.task == base.manifest.task and self._same_outputs(base)
        if same:
            take_shared(self.network.head, base.network.head)
        known = set(columns) == set(backbone.config.columns)
        own = {n: p for n, p in backbone.named_parameters() if known or not _OF_COLUMNS.search(n)}
        if backbone.config.lora:
            freeze(own)
            return Adopted(columns)
        if same or self.manifest.task is None or not columns:
            return Adopted(columns)  # there is nothing new to learn on top of it, or nothing to keep
        return Adopted(columns, list(own.values()))

    def _adopt_towers(self, backbone: MixedBackbone, base: Model | Checkpoint) -> Adopted:
        """All of it learns from the first step on, the towers in small steps."""
        if isinstance(base, Checkpoint):
            return Adopted(backbone.load(base))
        other = base.network.backbone
        assert isinstance(other, MixedBackbone | TabularBackbone), "an ensemble is no base"
        columns = backbone.adopt(other)
        same = self.manifest.objective == base.manifest.objective and self.manifest.task == base.manifest.task
        if same and (self.manifest.task is None or self._same_outputs(base)):
            take_shared(self.network.head, base.network.head)
        return Adopted(columns)

    def _same_outputs(self, base: Model) -> bool:
        mine, theirs = (shared_weights(m.network.head) for m in (self, base))
        classes = (m.target.classes if m.target else () for m in (self.manifest, base.manifest))
        same_shape = {k: v.shape for k, v in mine.items()} == {k: v.shape for k, v in theirs.items()}
        return next(classes) == next(classes) and same_shape and self.manifest.task is not None

    def to_bytes(self) -> bytes:
        """One safetensors file, the manifest in its metadata."""
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.kept.items()}
        if (tokenizer := self.manifest.features.tokenizer) is not None:
            tensors[_TOKENIZER] = torch.frombuffer(bytearray(tokenizer.json.encode()), dtype=torch.uint8)
        told = {"manifest": self.manifest.to_json(), "sha256": _checksum(tensors)}
        data: bytes = save_tensors(tensors, metadata=told)
        return data

    @classmethod
    def from_bytes(cls, data: bytes, *, verify: bool = False) -> Model:
        """What `to_bytes` wrote.

        Args:
            verify: whether to look that the weights are those that were saved, bit by bit.

        Raises:
            CatalogError: damaged, or written by a newer release.
        """
        manifest = Manifest.from_json(read_manifest(data))
        with torch.random.fork_rng(devices=[]):
            model = cls.build(manifest)
        try:
            tensors = load_tensors(data)
            of_network = {k: v for k, v in tensors.items() if k != _TOKENIZER}
            found = model.network.load_state_dict(of_network, strict=not model._external())
            if found.unexpected_keys or set(found.missing_keys) - model._external():
                raise RuntimeError("other weights than the manifest tells of")
            model._read_tokenizer(tensors.get(_TOKENIZER))
        except (SafetensorError, RuntimeError) as error:
            raise CatalogError("The model's weights are damaged, or do not fit its manifest.") from error
        if verify and read_metadata(data).get("sha256") not in (None, _checksum(tensors)):
            raise CatalogError("The model's weights are damaged: they are not those that were saved.")
        model.network.eval()
        return model


def tokenizer_of(config: TextConfig, json: str) -> Tokenizer:
    """The tokenizer that goes with a tower."""
    return Tokenizer(json, config.prefix, config.suffix, config.pad, config.mask)


def _asides(manifest: Manifest, backbone: MixedBackbone) -> list[nn.Module]:
    """Heads on each text or picture by itself, where there are other columns, too."""
    if manifest.target is None or manifest.task is None or backbone.config.alone:
        return []
    of = (tasks[manifest.task], manifest.target, backbone.config.dropout)
    return [of[0].make_head(of[1], width, of[2]) for width in backbone.widths]


def _head_of_fields(manifest: Manifest, backbone: MixedBackbone) -> nn.Module:
    """The head on a network that reads texts or pictures; of good pictures it is what is remembered of them."""
    if manifest.task == ANOMALY:
        shape = manifest.calibration.get("memory")
        return Memory(**shape) if shape else nn.Identity()
    if manifest.target is not None and manifest.task is not None:
        return tasks[manifest.task].make_head(manifest.target, backbone.width, backbone.config.dropout)
    if manifest.objective in list(text_objectives) and backbone.text is not None:
        embeddings = backbone.text.embeddings
        return LanguageHead(backbone.width, embeddings.shape[1], len(embeddings))
    if manifest.objective in list(picture_objectives):
        return picture_head(backbone)
    return nn.Identity()  # embeddings, and patches of good pictures, are the tower's own states


def _checksum(tensors: dict[str, Tensor]) -> str:
    """Of names and values, whatever their order in a file."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def read_metadata(data: bytes) -> dict[str, str]:
    """What a safetensors file says about itself, without the weights."""
    size = int.from_bytes(data[:8], "little")
    metadata: dict[str, str] = json.loads(data[8 : 8 + size])["__metadata__"]
    return metadata


def read_manifest(data: bytes) -> str:
    """The manifest's JSON out of a safetensors file, without the weights.

    Raises:
        CatalogError: no such file, or no manifest in it.
    """
    try:
        return read_metadata(data)["manifest"]
    except (ValueError, KeyError, TypeError) as error:
        raise CatalogError("This is not a model of mfgsql (no manifest in a safetensors file).") from error
