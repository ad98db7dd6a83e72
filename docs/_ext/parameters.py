"""``{parameters}``: the parameter table of a class, made of its docstring and its signatures.

A parameter that the docstring does not explain, or that no ``__init__`` takes, is an error of the build: the table
cannot be wrong in silence.
"""

from __future__ import annotations

import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_PACKAGE = "airflow_provider_aiguard."
_FIELD = re.compile(r"^:param (\w+):\s*(.*?)(?=^:|\Z)", re.MULTILINE | re.DOTALL)
_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_AIRFLOW_ONLY = {"soft_fail"}
"""Parameters of Airflow's own that our docstrings explain, because they mean something here."""


def load(path: str) -> type:
    """Import a class.

    :param path: dotted path, without the package's name.
    """
    module, _, name = path.rpartition(".")
    found: type = getattr(importlib.import_module(_PACKAGE + module), name)
    return found


def documented(cls: type) -> dict[str, str]:
    """Explanations of a class's docstring by parameter, as Markdown."""
    fields = _FIELD.findall(inspect.cleandoc(cls.__doc__ or ""))
    return {name: _ROLE.sub(r"`\1`", " ".join(text.split())).replace("``", "`") for name, text in fields}


def accepted(cls: type) -> dict[str, Any]:
    """Defaults by parameter that a class of this package takes; ``inspect.Parameter.empty`` without one."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if not base.__module__.startswith(_PACKAGE) or "__init__" not in vars(base):
            continue
        for name, parameter in inspect.signature(vars(base)["__init__"]).parameters.items():
            if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                found.setdefault(name, parameter.default)
    return found


def rows_of(cls: type, *, inherited: bool = True) -> list[tuple[str, str, str, str]]:
    """The table: parameter, default, whether it is templated, meaning.

    :param cls: the class.
    :param inherited: whether every parameter it takes must be explained in its own docstring.
    :raises ValueError: if docstring and signatures do not name the same parameters.
    """
    meanings, defaults = documented(cls), accepted(cls)
    unknown = set(meanings) - set(defaults) - _AIRFLOW_ONLY
    missing = set(defaults) - set(meanings) if inherited else set()
    if unknown or missing:
        raise ValueError(f"{cls.__name__}: not taken {sorted(unknown)!r}, not explained {sorted(missing)!r}")
    templated = set(getattr(cls, "template_fields", ()))
    return [
        (name, _default(defaults.get(name)), "yes" if name in templated else "", meaning)
        for name, meaning in meanings.items()
    ]


def _default(value: Any) -> str:
    return "required" if value is inspect.Parameter.empty else f"`{value!r}`"


class Parameters(Directive):
    """Put the table of the class that is the argument here. ``:own:`` for a class that adds to a documented one."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"own": directives.flag}

    def run(self) -> list[nodes.Node]:
        """Write the table in Markdown and let the page's parser read it."""
        source = [f"`{self.arguments[0].rpartition('.')[2]}`", "", *self._table()]
        node = nodes.container()
        self.state.nested_parse(StringList(source, source=self.arguments[0]), self.content_offset, node)
        return list(node.children)

    def _table(self) -> list[str]:
        rows = rows_of(load(self.arguments[0]), inherited="own" not in self.options)
        lines = ["| parameter | default | templated | meaning |", "|---|---|---|---|"]
        lines += [f"| `{name}` | {default} | {yes} | {_cell(text)} |" for name, default, yes, text in rows]
        return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("parameters", Parameters)
    return {"parallel_read_safe": True}
