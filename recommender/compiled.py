"""Functions that are compiled to machine code when they are first called, and kept on disk."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Value = TypeVar("_Value", int, bool)


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


def no_literal(value: _Value) -> _Value:
    """The same as a number of numpy's: a function that others call is compiled once for each literal."""
    return cast(_Value, np.asarray(value)[()])


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


def _same_bits(kind: Any) -> Any:
    def intrinsic_of(typing: Any, number: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(kind))

        return kind(number), code

    return intrinsic(intrinsic_of)


bits_of = cast(Callable[[np.float32], np.uint32], _same_bits(types.uint32))
"""The bits of a number of single precision, in a compiled loop; of numbers above 0 they have its order."""

number_of = cast(Callable[[np.uint32], np.float32], _same_bits(types.float32))
"""The number of single precision that has these bits, in a compiled loop."""


def _compiled(function: Callable[_Arguments, _Result], *, fastmath: Any) -> Callable[_Arguments, _Result]:
    # Nothing hands a loop to a library of C as a function; the way in for that would be compiled, too.
    options: dict[str, Any] = {"nogil": True, "fastmath": fastmath, "no_cfunc_wrapper": True}
    try:
        dispatcher = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither folder can be written: every process compiles for itself.
        dispatcher = numba.njit(**options)(function)
    return cast(Callable[_Arguments, _Result], dispatcher)
