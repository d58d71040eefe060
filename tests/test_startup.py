"""Imports that wait for their first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deployer.startup import defer_imports

RUN = (
    "from deployer.startup import defer_imports\nimport sys\nran = lambda name: type(sys.modules.get(name)).__name__\n"
)


def program(text: str) -> str:
    ran = subprocess.run([sys.executable, "-c", RUN + text], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_a_module_runs_when_something_of_it_is_asked_for() -> None:
    assert program(
        "with defer_imports():\n    from deployer.model import nearest\n"
        "print(ran('deployer.model.nearest'), nearest.nearest('wep', ['web']), ran('deployer.model.nearest'))"
    ) == ("_Deferred web module")


def test_a_plain_import_of_a_name_runs_it() -> None:
    assert program(
        "with defer_imports():\n    from deployer.model import nearest\n"
        "from deployer.model.nearest import nearest as plain\nprint(plain is nearest.nearest)"
    ) == ("True")


def test_what_is_not_ours_is_imported_at_once() -> None:
    assert program("with defer_imports():\n    import wave\nprint(ran('wave'))") == "module"


def test_a_module_that_does_not_exist_is_missed_at_once() -> None:
    with pytest.raises(ImportError), defer_imports():
        from deployer import nothing_of_that_name  # type: ignore[attr-defined] # noqa: F401, PLC0415 - it must fail


def test_what_fails_while_it_runs_fails_each_time() -> None:
    """As a plain import does: nobody gets half a module."""
    assert program(
        "import deployer, pathlib, tempfile\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "(folder / 'broken.py').write_text('there = 1\\nraise ValueError(1)')\n"
        "deployer.__path__.append(str(folder))\n"
        "with defer_imports():\n    from deployer import broken\n"
        "for _ in range(2):\n"
        "    try:\n        broken.there\n"
        "    except ValueError as error:\n        print('refused')\n"
    ).split() == ["refused", "refused"]


def test_threads_that_come_together_wait_for_the_whole_module() -> None:
    assert (
        program(
            "import deployer, pathlib, tempfile, threading\n"
            "folder = pathlib.Path(tempfile.mkdtemp())\n"
            "(folder / 'slow.py').write_text('import threading\\nfor _ in range(200): threading.Event().wait(0.0005)\\nend = 7')\n"
            "deployer.__path__.append(str(folder))\n"
            "with defer_imports():\n    from deployer import slow\n"
            "seen = []\n"
            "threads = [threading.Thread(target=lambda: seen.append(slow.end)) for _ in range(4)]\n"
            "[thread.start() for thread in threads]\n[thread.join() for thread in threads]\nprint(*seen)"
        ).split()
        == ["7"] * 4
    )


def test_a_package_and_its_modules_run_once_however_they_are_reached() -> None:
    """A package that imports its own modules, one of which is imported while the package waits: there were two of it."""
    assert program(
        "import deployer, pathlib, tempfile\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "(folder / 'house').mkdir()\n"
        "(folder / 'house' / '__init__.py').write_text('from deployer.house.door import Door')\n"
        "(folder / 'house' / 'door.py').write_text('class Door: pass\\nprint(1)')\n"
        "(folder / 'user.py').write_text('from deployer.house.door import Door')\n"
        "deployer.__path__.append(str(folder))\n"
        "with defer_imports():\n"
        "    from deployer import house\n"
        "    from deployer.user import Door as first\n"
        "    from deployer.house.door import Door as second\n"
        "print(first is second is house.Door is sys.modules['deployer.house.door'].Door)"
    ).split() == ["1", "True"]
