"""Nouns of the model in one line each, with the defaults of a small healthy cluster: a test says only what it is about.

`desired`    what git says: machines, the cluster, the sources of stacks
`machines`   what machines and their engines answer
`swarm`      what managers answer: members, the swarm; and whole clusters that stand
`stacks`     bodies as `docker stack deploy` sends them
`live`       what the swarm has of them: ours, changed by hand, foreign
`consul`     the machines' own containers, and entries of the catalogue
`demo`       the demo's cluster: four machines and two stacks
"""
