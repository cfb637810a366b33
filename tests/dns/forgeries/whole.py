"""Whole checks of a victim, where a lie stands on the way of its mail."""

from pathlib import Path

from .check import Lab, Row


def check(_binary: Path, _lab: Lab, _rows: list[Row]) -> tuple[int, int]:
    return 0, 0
