"""Orders and items from files and databases."""

from .reading import ReadOrders, read_orders

__all__ = ["ReadOrders", "read_orders"]
