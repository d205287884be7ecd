"""What of a pretrained network learns: all of it, nothing, or low-rank adapters beside its layers.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022), by the library peft.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, cast

from torch import Tensor, nn

from mfgsql.backbones.checkpoints import find, load_model, read
from mfgsql.errors import CatalogError, MfgsqlError, MissingExtraError

RANK = 8
BESIDE = "adapter_"  # begins the names of parameters of groups' adapters
T = TypeVar("T")
_ADAPTER, _WRAPPED = "lora_", "base_layer"  # in the names of peft's weights: of an adapter, of what it stands beside


def adapt_model(model: nn.Module, *, frozen: bool, adapter: dict[str, Any] | None) -> None:
    """Freeze a network, and put adapters beside its linear layers, in place.

    Args:
        adapter: ``r``, the rank, and ``alpha``; None: there are none.

    Raises:
        MissingExtraError: peft is missing.
    """
    if adapter is not None:
        rank = int(adapter.get("r", RANK))
        add_lora(model, linear_layers(model), rank, int(adapter.get("alpha", 2 * rank)))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not frozen or _ADAPTER in name)


def add_lora(model: nn.Module, layers: list[str], rank: int, alpha: int) -> None:
    """Put an adapter beside each of these layers, by their names or last parts of them, in place.

    Raises:
        MissingExtraError: peft is missing.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingExtraError("LoRA needs an extra.", remedy="pip install 'mfgsql[adapt]'") from error
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules=layers), model)


def freeze(parameters: dict[str, nn.Parameter]) -> None:
    """Let what a base gave stay as it is, and adapters among it learn."""
    for name, parameter in parameters.items():
        parameter.requires_grad_(_of_adapter(name))


def go_on(config: T, *, frozen: bool, adapter: dict[str, Any] | None) -> T:
    """The tower, a `TextConfig` or `ImageConfig`, of a model that stands on another's of that shape.

    It keeps the weights itself, unless the other leaves them in a folder. What learnt nothing there learns nothing
    here; adapters go on learning.
    """
    known: Any = config
    if known.frozen or known.adapter:
        changed = replace(known, adapter=known.adapter or adapter)
    else:
        changed = replace(known, frozen=frozen, adapter=adapter, source=None, sha256=None)
    return cast("T", changed)


def frozen_model(source: str, sha256: str | None) -> nn.Module:
    """The network of a checkpoint whose weights a model does not keep itself.

    Raises:
        CatalogError: the folder is gone, or holds other weights by now.
    """
    try:
        checkpoint = read(find(source))
    except MfgsqlError as error:
        raise CatalogError(
            f"The model stands on the checkpoint '{source}', which can't be read: {error.message}",
            remedy="Put it back, or train again; a model without options.adapter and freeze keeps all its weights.",
        ) from error
    if sha256 != checkpoint.sha256:
        raise CatalogError(
            f"The model stands on the checkpoint '{source}', which holds other weights than it was trained on.",
            remedy="Put the former ones back, or train again.",
        )
    return load_model(checkpoint)


def linear_layers(model: nn.Module) -> list[str]:
    """Last parts of the names of the linear layers inside the repeated blocks: attention and feed-forward.

    A network of convolutions has none; there it is the names of those that see one pixel, which are as linear.
    """
    found = {n.rsplit(".", 1)[-1] for n, m in model.named_modules() if isinstance(m, nn.Linear) and ".layer" in f".{n}"}
    found = found or {n.rsplit(".", 1)[-1] for n, m in model.named_modules() if isinstance(m, nn.Linear)}
    points = [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    return sorted(found) or points


def linear_names(model: nn.Module) -> list[str]:
    """Whole names of all linear layers, of one with an adapter that of both together."""
    linear = [n.removesuffix(f".{_WRAPPED}") for n, m in model.named_modules() if isinstance(m, nn.Linear)]
    return [n for n in linear if _ADAPTER not in n]


def take_weights(mine: nn.Module, theirs: nn.Module) -> None:
    """Copy the weights of a network of the same shape; mine may have adapters where the other has none."""
    known, given = mine.state_dict(), {}
    for name, value in theirs.state_dict().items():
        layer, _, last = name.rpartition(".")
        given[name if name in known else f"{layer}.{_WRAPPED}.{last}"] = value
    told = mine.load_state_dict(given, strict=False)
    assert not told.unexpected_keys, told
    assert all(_ADAPTER in name for name in told.missing_keys), told


def shared_weights(module: nn.Module) -> dict[str, Tensor]:
    """Weights by the names that they have without adapters: LoRA is folded into what it stands beside."""
    state = module.state_dict()
    found = {_plain(n): v for n, v in state.items() if not _of_adapter(n)}
    for name, layer in module.named_modules():
        if hasattr(layer, "get_delta_weight") and hasattr(layer, "lora_A"):
            weight = _plain(f"{name}.weight")
            found[weight] = found[weight] + layer.get_delta_weight("default")
    return found


def take_shared(mine: nn.Module, theirs: nn.Module, *, but: tuple[str, ...] = ()) -> None:
    """Copy what two networks of the same shape share, whatever adapters either has.

    Args:
        but: beginnings of the names of weights that stay as they are.
    """
    places = {_plain(n): n for n in mine.state_dict() if not _of_adapter(n)}
    given = {places[n]: v for n, v in shared_weights(theirs).items() if n in places and not n.startswith(but)}
    mine.load_state_dict(given, strict=False)


def _plain(name: str) -> str:
    return name.replace(f"{_WRAPPED}.", "")


def _of_adapter(name: str) -> bool:
    return _ADAPTER in name or name.rpartition(".")[2].startswith(BESIDE)


def external_keys(tower: nn.Module) -> set[str]:
    """Names in the state dict that are a frozen checkpoint's, not an adapter's."""
    return {name for name in tower.state_dict() if name.startswith("model.") and _ADAPTER not in name}
