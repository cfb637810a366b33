"""The scenarios: one module a subject, each with a tuple `SCENARIOS`."""

import importlib
import pkgutil

from model import Scenario


def collect() -> tuple[Scenario, ...]:
    """All scenarios of all modules here, in the order of the modules' names."""
    found: list[Scenario] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        found += getattr(importlib.import_module(f"{__name__}.{module.name}"), "SCENARIOS", ())
    return tuple(found)
