"""Functions that are compiled to machine code when they are first called, and kept on disk."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def compiled(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The function as machine code that lets go of the interpreter, so that threads share the work.

    What was compiled is kept beside the source, or in the user's cache where that cannot be written, and
    later processes load it. Arithmetic is IEEE's, in the order that it is written in.
    """
    return _compiled(function, fastmath=False)


def compiled_loosely(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Like `compiled`, for functions that compare: whole vectors at a time; no number is NaN or infinite."""
    return _compiled(function, fastmath={"nnan", "nsz"})


def compiled_freely(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Like `compiled`, for sums whose order does not matter: the compiler may choose it."""
    return _compiled(function, fastmath={"nnan", "nsz", "reassoc", "contract"})


def _compiled(function: Callable[_Arguments, _Result], *, fastmath: Any) -> Callable[_Arguments, _Result]:
    options: dict[str, Any] = {"nogil": True, "fastmath": fastmath}
    try:
        dispatcher = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither folder can be written: every process compiles for itself.
        dispatcher = numba.njit(**options)(function)
    return cast(Callable[_Arguments, _Result], dispatcher)
