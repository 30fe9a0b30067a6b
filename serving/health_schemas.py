"""What is said about the health of a worker."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Alive(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(Struct, frozen=True, kw_only=True):
    """The worker that was asked holds a snapshot."""

    status: Literal["ready"] = "ready"
    snapshot: Annotated[str, Meta(description="Id of the live snapshot.")]
    generated_at: Annotated[str, Meta(description="When it was trained, RFC 3339.")]
    age_seconds: Annotated[int, Meta(description="Seconds since then.")]
    trouble: Annotated[
        str | None,
        Meta(description="Why newer snapshots are not followed at the moment; null when all is well."),
    ] = None
