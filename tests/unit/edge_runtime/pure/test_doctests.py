"""The examples in the docstrings of ``pure/`` are true."""

import doctest
import importlib
import pkgutil

import pytest
from edge_runtime import pure

MODULES = [module.name for module in pkgutil.iter_modules(pure.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_pure_module_are_true(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(f"edge_runtime.pure.{name}"))

    assert outcome.failed == 0
