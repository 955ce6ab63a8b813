"""Faults on purpose, as wrappers: a step at which the process dies or an error comes, a store that
refuses a method. For tests of whoever uses a store.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import cast

from fusionstore.contract import ResultStore


class KillAt:
    """A `step` at which this process kills itself (SIGKILL), the `nth` time it comes by."""

    def __init__(self, name: str, nth: int = 1) -> None:
        self._name = name
        self._left = nth

    def __call__(self, name: str) -> None:
        """Dies, or returns."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class ActAt:
    """A `step` at which something is done once: an error raised, a file edited."""

    def __init__(self, name: str, act: Callable[[], object]) -> None:
        self._name = name
        self._act: Callable[[], object] | None = act

    def __call__(self, name: str) -> None:
        """Acts the first time its step comes by."""
        act = self._act
        if name == self._name and act is not None:
            self._act = None
            act()


def failing(store: ResultStore, errors: Mapping[str, Exception]) -> ResultStore:
    """The store, but the methods named raise the given errors."""
    return cast(ResultStore, _Failing(store, errors))


class _Failing:
    def __init__(self, store: ResultStore, errors: Mapping[str, Exception]) -> None:
        self._store = store
        self._errors = errors

    def __getattr__(self, name: str) -> object:
        method = getattr(self._store, name)
        error = self._errors.get(name)
        if error is None:
            return cast(object, method)

        def refuse(*args: object, **named: object) -> object:
            raise error

        return refuse
