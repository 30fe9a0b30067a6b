"""What an update did, in words."""

from collections.abc import Iterator

from recommender.snapshot.manifest import Manifest, Updated

from .order_store import Added
from .report import counted

_KEPT = "the ranker, what relations are worth in a cart, and the verdict"


def added_in_words(added: Added | None) -> Iterator[str]:
    """What came into the order store, a line each."""
    if added is None:
        yield "No orders were named: lists are made of what is in the order store."
        return
    yield f"Order store: {counted(added.lines, 'lines')} added, {added.whole:,} in all."
    for names, what in ((added.known, "was there already"), (added.empty, "holds no order line")):
        for name in names:
            yield f"{name} {what}: nothing of it was added."


def update_in_words(manifest: Manifest, full: str | None, seconds: float) -> Iterator[str]:
    """What was made and what was carried over, why, and how long it took, a line each.

    Args:
        manifest: of the snapshot made.
        full: why everything was made anew; None where it was not.
        seconds: how long it took.
    """
    took = _lasting(seconds)
    updated = manifest.updated
    if full is not None or not isinstance(updated, Updated):
        yield f"Full run: {full}."
        yield f"It took {took}."
        return
    customers, items = updated.customers, updated.items
    yield (
        f"Update of {updated.previous}: lists made for {customers.made:,} of {customers.of:,} customers and "
        f"{items.made:,} of {items.of:,} items, the others carried over."
    )
    yield f"Of the full run {updated.full}, orders until {updated.full_until}, stayed: {_KEPT}."
    if isinstance(manifest.full_seconds, float):
        yield f"It took {took}; the full run took {_lasting(manifest.full_seconds)}."
    else:
        yield f"It took {took}."


def _lasting(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.1f} minutes"
