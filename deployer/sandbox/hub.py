"""Does Docker Hub answer from here? Asked once an hour, and for three seconds at most."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

from deployer.sandbox import state

URL = "https://registry-1.docker.io/v2/"
PROBE_SECONDS = 3.0
FRESH_SECONDS = 3600.0


def hub_answers() -> bool:
    """True where a registry answers at Docker Hub's address; the answer is kept in the state folder for an hour."""
    memory = state.root() / "hub.json"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
        if 0 <= time.time() - known["asked"] < FRESH_SECONDS:
            return bool(known["answers"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never asked, or not by this version
    answers = _probe()
    state.write_private(memory, json.dumps({"asked": time.time(), "answers": answers}))
    return answers


def _probe() -> bool:
    try:
        with urllib.request.urlopen(URL, timeout=PROBE_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        with error:  # 401 is how a registry asks who is there
            return error.code == 401 and error.headers.get("Docker-Distribution-Api-Version") is not None
    except OSError:
        return False
