"""Every example in a docstring runs and prints what it says; every public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import minigrad

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(minigrad.__path__, "minigrad.")
    if not module.name.endswith(("__main__", "_cyutility"))
)


@pytest.mark.parametrize("name", ["minigrad", *MODULES])
def test_examples_print_what_they_say(name):
    module = importlib.import_module(name)
    minigrad.manual_seed(0)
    # Functions that a table makes are members of no `def`: testmod finds them by their __module__.
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not failed


NAMESPACES = {
    "minigrad": minigrad,
    "nn.functional": minigrad.nn.functional,
    "nn": minigrad.nn,
    "nn.init": minigrad.nn.init,
    "optim": minigrad.optim,
    "optim.lr_scheduler": minigrad.optim.lr_scheduler,
}


def public(module):
    return {
        name: value for name, value in vars(module).items()
        if not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__.startswith("minigrad")
    }  # fmt: skip


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_public_name_has_an_example(namespace):
    without = [name for name, value in public(NAMESPACES[namespace]).items() if ">>>" not in (value.__doc__ or "")]
    assert not without
