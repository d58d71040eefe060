# What the scripts that use apt have in common; stands before each of them.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Ends it with a reason and an advice, which deployer tells as they are.
refuse() {
    printf 'deployer: %s\n' "$1" >&2
    [ "$#" -lt 2 ] || printf 'deployer-help: %s\n' "$2" >&2
    exit 65
}

# Runs a command again while another process holds a lock of apt or dpkg: `DPkg::Lock::Timeout` waits for dpkg's own
# lock in `apt-get install` but not for that of the package lists (apt 2.6), and dpkg itself waits for none.
patiently() {
    tries=0
    until output=$("$@" 2>&1); do
        tries=$((tries + 1))
        case $output in
        *"Could not get lock"* | *"Unable to lock"* | *"lock was locked by another process"*) ;;
        *) printf '%s\n' "$output" >&2; exit 1 ;;
        esac
        [ "$tries" -lt "${TRIES:-150}" ] || {
            printf '%s\n' "$output" >&2
            refuse "another apt holds its lock for longer than 5 minutes" "see which one there: ps -C apt,apt-get,dpkg,unattended-upgr"
        }
        [ "$tries" != 1 ] || echo "waiting for another apt to end"
        sleep "${PAUSE:-2}"
    done
}

update() {
    patiently apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update
    # Errors of single sources end with status 0.
    case $output in *"Failed to fetch"* | *"Temporary failure"*) printf '%s\n' "$output" >&2; incomplete=yes ;; *) incomplete= ;; esac
}

install() {
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confold install --no-install-recommends "$@" && return
    [ -z "${incomplete:-}" ] ||
        refuse "packages cannot be fetched: its package archives do not answer" "see that it reaches the network: apt-get update there"
    exit 100
}

# What would leave an installation half done is looked at before it is begun.
able() {
    command -v apt-get >/dev/null || refuse "it has no apt-get: deployer can install Docker on Debian and Ubuntu only" \
        "install Docker there by hand and set engine.install to none"
    for folder in "${ROOT:-}/etc" "${ROOT:-}/usr" "${ROOT:-}/var/lib" "${ROOT:-}/var/cache"; do
        free=$(stat -f -c '%a %S' "$folder")
        [ "$((${free% *} * ${free#* } / 1048576))" -ge "$1" ] || [ "$folder" = "${ROOT:-}/etc" ] ||
            refuse "its disk is full: less than $1 MB are free in $folder" "make room there: df -h $folder; apt-get clean"
        (umask 077 && : >"$folder/.deployer") 2>/dev/null ||
            refuse "$folder cannot be written" "its disk is read-only or full: mount and df -i there say which"
        rm -f "$folder/.deployer"
    done
}
