"""The SDK's README and docstrings say what is true."""

import ast
import doctest
import importlib
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import wakeline
from wakeline.options import Options
from wakeline.outbox import REASONS
from wakeline.testing import collecting_emitter

ROOT = Path(wakeline.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = [f"wakeline.{module.name}" for module in pkgutil.iter_modules(wakeline.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_readme_names_every_option_and_every_reason() -> None:
    for name in (*Options.__struct_fields__, *REASONS):
        assert f"`{name}`" in README, name


def test_the_readme_names_every_method_that_makes_steps() -> None:
    names = [name for name, member in vars(wakeline.Emitter).items() if hasattr(member, "__wrapped__")]
    assert len(names) > 10
    for name in names:
        assert f"`{name}(" in README, name


def test_the_quickstart_has_fifteen_lines_at_most_and_emits_four_events() -> None:
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    assert len(code.strip().splitlines()) <= 15
    emitter = collecting_emitter(agent_name="support")
    lines = code.replace(
        'wakeline.Emitter("localhost:9092", agent_name="support", agent_version="1.4.0")', "given"
    )
    exec(compile(lines, "README.md", "exec"), {"given": emitter})  # our own documentation
    assert [event["kind"] for event in emitter.events] == ["llm", "tool", "outcome", "run"]
    assert emitter.stats().refused == {}


def test_the_sdk_imports_nothing_but_its_two_dependencies() -> None:
    allowed = {*sys.stdlib_module_names, "confluent_kafka", "msgspec", "wakeline"}
    for path in (ROOT / "wakeline").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, path.name
