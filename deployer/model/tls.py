"""Where engines listen for TLS, and with what: the words that a machine's set-up and its observation share."""

from __future__ import annotations

from typing import Final

from deployer.model.address import ANY_IPV4
from deployer.model.amounts import plural

PORT: Final = 2376
"""Docker's own, registered with IANA for it."""
FOLDER: Final = "/etc/docker/deployer-tls"
DROPIN: Final = "/etc/systemd/system/docker.service.d/20-deployer-tls.conf"
WARN_SECONDS: Final = 30 * 86400.0
"""So long before its end a certificate is warned of."""


def listening(address: str) -> str:
    """The arguments that the engine gets besides its own; `address` is where clients reach the machine.

    At all its addresses: an engine that is to listen at one that the machine lost does not start at all.
    """
    host = "[::]" if ":" in address else ANY_IPV4  # who has no certificate of ours is not let in
    return f"-H tcp://{host}:{PORT} --tlsverify --tlscacert {FOLDER}/ca.pem --tlscert {FOLDER}/cert.pem --tlskey {FOLDER}/key.pem"


def ends_in(left: float) -> str:
    """`its certificate ends in 12 days`, said from 30 days before on; empty until then."""
    if left > WARN_SECONDS:
        return ""
    if left <= 0:
        return "its certificate has ended"
    days = int(left // 86400)
    return f"its certificate ends in {plural(days, 'day')}" if days else "its certificate ends today"


STOCK: Final = r"""
# `stock`: how systemd starts the engine by all files but our own; the last line counts, an empty one forgets those before
# (systemd.service(5), ExecStart=). `systemctl cat` heads each file with its path.
stock() {
    found='' ours=''
    while IFS= read -r line; do
        case $line in
        '# /'*/20-deployer-tls.conf) ours=yes ;;
        '# /'*) ours='' ;;
        ExecStart=*) if [ -z "$ours" ]; then found=${line#ExecStart=}; fi ;;
        esac
    done <<END
$(systemctl cat docker.service 2>/dev/null)
END
    printf '%s' "$found"
}
"""
"""A shell function, for our scripts."""
