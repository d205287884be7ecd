"""Named things of one sort (backbones, tasks, ...), built in or brought by an entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from mfgsql.errors import OptionError, did_you_mean, one_of

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of names; packages add to it under the entry-point group ``mfgsql.<sort>``.

    Args:
        load: imports the files that register what is built in; called when a name is not known yet.
    """

    def __init__(self, sort: str, load: Callable[[], None] | None = None) -> None:
        self.sort, self._load = sort, load
        self._known: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: make the object known as ``name``."""

        def add(item: T) -> T:
            if name in self._known:
                raise ValueError(f"{self.sort} '{name}' is registered twice")
            self._known[name] = item
            return item

        return add

    def __iter__(self) -> Iterator[str]:
        self._load_all()
        return iter(self._known)

    def _load_all(self) -> None:
        if self._load is not None:
            self._load()

    def __getitem__(self, name: str) -> T:
        """The object of that name.

        Raises:
            OptionError: no such name; the message lists those that exist.
        """
        if not isinstance(name, str) or name not in self._known:
            self._load_all()
        if not isinstance(name, str):
            raise OptionError(f"{self.sort} is a name, {one_of(sorted(self._known))}, not {name!r}.")
        if name not in self._known:
            for point in entry_points(group=f"mfgsql.{self.sort}", name=name):
                self._known[name] = point.load()
        try:
            return self._known[name]
        except KeyError:
            hint = did_you_mean(name, self._known)
            raise OptionError(
                f"No {self.sort} is called '{name}'; there is {one_of(sorted(self._known))}.{hint}"
            ) from None
