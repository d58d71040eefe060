"""What a change or an operation is about: a machine, a stack, or both."""

from __future__ import annotations

from typing import ClassVar


class OfMachine:
    """About the machine `node`, which is a field of each kind; about no stack."""

    __slots__ = ()
    stack: ClassVar[str] = ""


class OfStack:
    """About `stack`, which is a field of each kind; about no machine."""

    __slots__ = ()
    node: ClassVar[str] = ""
