"""The one way in which start-up time is saved: `with defer_imports():` around imports at the top of a module.

    with defer_imports():
        from deployer import workflow
        from deployer.report import status

binds `workflow` and `status` as any import does, but the modules run when something of them is first asked for
(`workflow.plan(...)`). A command's signature and help are there at once, and what the command does is imported when it is
done. Inside such a block modules are imported, not names of them: a name has to be looked up, and that runs the module.
It applies to modules of deployer only. `run_now` runs them earlier: in a thread, while something else is waited for.
`tests/cli/test_process.py` has the list of what must start without them.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec


@contextmanager
def defer_imports() -> Iterator[None]:
    """Modules of deployer that are first imported meanwhile run when something of them is first asked for, in any thread."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def run_now(*modules: ModuleType) -> None:
    """Run these modules if they are deferred and have not run yet: in a thread, say, while something else is waited for."""
    for module in modules:
        vars(module)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("deployer."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Deferring(spec.loader)
        return spec


class _Deferring(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.lock = threading.RLock()
        self.started = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is None:
            raise ImportError(f"{module.__name__} has no spec")
        spec.loader, spec.loader_state = self.loader, self
        module.__loader__ = self.loader
        module.__class__ = _Deferred

    def run(self, module: ModuleType, own: dict[str, Any]) -> None:
        """Once, whichever thread comes first; another one waits. The module may ask for itself while it runs."""
        with self.lock:
            if self.started:
                return
            self.started, before = True, own.copy()
            try:
                self.loader.exec_module(module)
            except BaseException:
                own.clear()
                own.update(before)
                self.started = False
                raise
            module.__class__ = ModuleType


class _Deferred(ModuleType):
    """A module that has not run yet. What the import system has put into it is no reason to run it: `__path__`, submodules."""

    def __getattribute__(self, name: str) -> Any:
        own: dict[str, Any] = object.__getattribute__(self, "__dict__")
        pending: _Deferring = own["__spec__"].loader_state
        known = name in own and (name.startswith("__") or not pending.started)
        if not known or name == "__dict__":
            pending.run(self, own)
        return ModuleType.__getattribute__(self, name)
