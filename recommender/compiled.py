"""Functions that are compiled to machine code when they are first called, and kept on disk."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def compiled(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The function as machine code that lets go of the interpreter, so that threads share the work.

    What was compiled is kept beside the source, or in the user's cache where that cannot be written, and
    later processes load it. Arithmetic is IEEE's, in the order that it is written in.
    """
    return _compiled(function, fastmath=False)


def compiled_loosely(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Like `compiled`, for functions that compare: whole vectors at a time; no number is NaN."""
    return _compiled(function, fastmath={"nnan", "nsz"})


def compiled_freely(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Like `compiled`, for sums whose order does not matter: the compiler may choose it."""
    return _compiled(function, fastmath={"nnan", "nsz", "reassoc", "contract"})


def _prefetch(typing: Any, array: Any, entry: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        name, place, number = "llvm.prefetch.p0", ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place, number, number, number])
        fetch = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        entries = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(entries.data, [arguments[1]]), place)
        # To be read, often, as data.
        builder.call(fetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, entry), code


prefetch = cast(Callable[[NDArray[Any], Any], None], intrinsic(_prefetch))
"""(array, entry): in a compiled loop, ask for an entry that will soon be read; changes no result.

A processor guesses the next entry of a row well and the next row not at all: a loop that jumps from row to
row waits for memory most of its time unless it asks some rows ahead. No bounds: what is not there is not
fetched.
"""


def _compiled(function: Callable[_Arguments, _Result], *, fastmath: Any) -> Callable[_Arguments, _Result]:
    options: dict[str, Any] = {"nogil": True, "fastmath": fastmath}
    try:
        dispatcher = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither folder can be written: every process compiles for itself.
        dispatcher = numba.njit(**options)(function)
    return cast(Callable[_Arguments, _Result], dispatcher)
