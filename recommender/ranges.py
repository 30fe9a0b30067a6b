"""Checks that hyperparameters share; each names the setting that is out of range."""

import math


def require_positive(**settings: float) -> None:
    """Refuse a setting that is not a finite number above 0.

    Raises:
        ValueError: names the setting and its value.
    """
    for name, value in settings.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be above 0, got {value}")


def require_at_least(least: float, **settings: float) -> None:
    """Refuse a setting that is not a finite number of at least `least`.

    Raises:
        ValueError: names the setting and its value.
    """
    for name, value in settings.items():
        if not (math.isfinite(value) and value >= least):
            raise ValueError(f"{name} must be at least {least:g}, got {value}")


def require_share(**settings: float) -> None:
    """Refuse a setting that is not from 0 to 1.

    Raises:
        ValueError: names the setting and its value.
    """
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be from 0 to 1, got {value}")
