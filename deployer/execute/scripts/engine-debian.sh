# Installs a Docker engine on Debian or Ubuntu; read by `sh -s METHOD`, as root. Says on standard output what it does.
#   distro: the distribution's own docker.io
#   docker: Docker's own repository (docs.docker.com/engine/install/debian, "Install using the apt repository")
set -eu

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
        [ "$tries" -lt 150 ] || { printf '%s\n' "$output" >&2; exit 1; }
        [ "$tries" != 1 ] || echo "waiting for another apt to end"
        sleep "${PAUSE:-2}"
    done
}

install() {
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confold install --no-install-recommends "$@"
}

main() {
    method=$1
    export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

    # What an installation that was cut off has left behind.
    patiently dpkg --configure -a --force-confold
    patiently apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update
    # Errors of single sources end with status 0.
    case $output in *"Failed to fetch"* | *"Temporary failure"*) printf '%s\n' "$output" >&2 ;; esac

    case $method in
    distro)
        # From Debian 13 on the client is a package of its own.
        set -- docker.io
        if apt-cache show docker-cli >/dev/null 2>&1; then set -- "$@" docker-cli; fi
        install "$@"
        ;;
    docker)
        . /etc/os-release
        install ca-certificates curl
        mkdir -p -m 0755 /etc/apt/keyrings
        curl -fsSL --retry 3 -o /etc/apt/keyrings/docker.asc "https://download.docker.com/linux/$ID/gpg"
        chmod 0644 /etc/apt/keyrings/docker.asc
        printf 'deb [arch=%s signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/%s %s stable\n' \
            "$(dpkg --print-architecture)" "$ID" "$VERSION_CODENAME" >/etc/apt/sources.list.d/docker.list
        patiently apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update
        install docker-ce docker-ce-cli containerd.io
        ;;
    *) echo "unknown method $method" >&2; exit 2 ;;
    esac

    systemctl enable --now docker
    tries=0
    until docker version >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || { journalctl -u docker -n 10 --no-pager >&2; exit 1; }
        sleep 0.5
    done
    echo "Docker $(docker version --format '{{.Server.Version}}') runs"
}

# Nothing is begun before all of it has arrived, and nothing that is run here reads on in this script.
main "$@" </dev/null
