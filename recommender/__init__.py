"""cartlift: product recommendations for online shops, learned from order history."""

__version__ = "0.1.0"
