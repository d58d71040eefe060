"""Where in the users' files something of a compiled stack stands: for what only all stacks together, or the machines, show to be wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from deployer.compose.locate import Locator
from deployer.compose.references import references

if TYPE_CHECKING:
    from deployer.compose.rules import Path
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource


@dataclass
class Places:
    """Of these stacks, by name; a stack's files are read when something of it is looked for."""

    stacks: dict[str, StackSource]
    _locators: dict[str, Locator] = field(default_factory=dict)

    def problem(
        self,
        stack: str,
        at: Path,
        message: str,
        help: str = "",
        *,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """At `at` in the stack's compose file, or where most of it is. Its last step may be a part of a list's item, or the name
        that an object has outside of the file.
        """
        locator = self._locator(stack)
        *above, last = at
        at = (*above, _key(locator, tuple(above), last))
        return locator.problem(
            at, message, help, key=len(at) == 2, severity=severity
        )  # a whole section is shown by its key

    def _locator(self, stack: str) -> Locator:
        if stack not in self._locators:
            source = self.stacks[stack]
            self._locators[stack] = Locator(source.root, references(source).documents)
        return self._locators[stack]


def _key(locator: Locator, above: Path, last: str | int) -> str | int:
    """The place in a list of the file of an item that has `last` in it, as a port, a source or a whole text; or the key of a name."""
    pattern = re.compile(rf"(?<![\w./-]){re.escape(str(last))}(?![\w./-])")
    for document in locator.documents.values():
        value: Any = document.value
        for step in above:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, list):
            for index, item in enumerate(value):
                texts = map(str, item.values()) if isinstance(item, dict) else [str(item)]
                if any(pattern.search(text) for text in texts):
                    return index
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, dict) and item.get("name") == last:
                    return str(key)
    return last
