"""A client of the service for storefronts in Python, of nothing but the standard library.

It needs no other package, so `pip install --no-deps cartlift` is enough where only this is used.
"""

from .answers import (
    Bundle,
    BundleEvidence,
    BundlePart,
    EventOutcome,
    Offers,
    Reason,
    Recommendations,
    RecommendedItem,
)
from .client import Client
from .connection import ServiceError
from .event_queue import Event, EventQueue
from .options import BestSellersOptions, BundleOptions, CustomerOptions, FullOptions, ItemOptions, ListOptions

__all__ = [
    "BestSellersOptions",
    "Bundle",
    "BundleEvidence",
    "BundleOptions",
    "BundlePart",
    "Client",
    "CustomerOptions",
    "Event",
    "EventOutcome",
    "EventQueue",
    "FullOptions",
    "ItemOptions",
    "ListOptions",
    "Offers",
    "Reason",
    "Recommendations",
    "RecommendedItem",
    "ServiceError",
]
