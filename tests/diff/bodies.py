"""Bodies of services: what a real engine was sent and said, and ones that Hypothesis draws."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "engine_26_1.json").read_text())
"""What `docker stack deploy` 28.2 sent to Engine 26.1 for compose files with one feature each, and what `GET /services` said."""

leaves = st.one_of(st.text(min_size=1), st.integers(min_value=1), st.just(True))
sections = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3),
        st.dictionaries(st.sampled_from(["Alpha", "Beta", "Gamma", "Delta"]), below, min_size=1, max_size=3),
    ),
    max_leaves=12,
)
bodies = st.builds(
    lambda container, template, whole, count: {
        **whole,
        "Name": "a",
        "Mode": {"Replicated": {"Replicas": count}},
        "TaskTemplate": {**template, "ContainerSpec": container},
    },
    *(st.dictionaries(st.sampled_from(["One", "Two", "Three"]), sections, max_size=3) for _ in range(3)),
    st.integers(min_value=0, max_value=5),
)
