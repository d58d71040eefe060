"""Cages: programs that read what others wrote get the files that they need, an end, and nothing else of this machine.

    rules      what a program may use, in words
    children   starts it by the warden, and takes what it says
    warden     a small process of its own: forks, watches, ends; with `become` and `answers`, its two halves of the work
    system     Landlock, seccomp and what else the kernel has, as calls;  `filters` is the seccomp program, as bytes
    kernel     what this machine has of it, and whether that is enough
    switch     `deployer.cage`, which a repository's own configuration may set to off
    bounds     how much a judgement may take, and the watch that ends it;  `doing` says what it is busy with

The walls are the kernel's: Landlock keeps a program to its files, a seccomp filter from the network and from other
processes, rlimits bound it. None of it needs root, and root is kept as well. Namespaces, and bubblewrap with them, are not used:
distributions refuse them to ordinary users (Ubuntu 24.04, containers), and each costs more than all the rest.
"""
