# Installs a Docker engine on Debian or Ubuntu; read by `sh -s METHOD`, as root, behind apt.sh. Says on standard output what it does.
#   distro: the distribution's own docker.io
#   docker: Docker's own repository (docs.docker.com/engine/install/debian, "Install using the apt repository")
# What it installed stands in /var/lib/deployer/packages, so that it can be taken away again.

main() {
    method=$1
    able 500

    # What an installation that was cut off has left behind.
    patiently dpkg --configure -a --force-confold
    update

    case $method in
    distro)
        known docker.io
        # From Debian 13 on the client is a package of its own.
        set -- docker.io
        if apt-cache show docker-cli >/dev/null 2>&1; then set -- "$@" docker-cli; fi
        ;;
    docker)
        . /etc/os-release
        install ca-certificates curl
        mkdir -p -m 0755 /etc/apt/keyrings
        curl -fsSL --retry 3 -o /etc/apt/keyrings/docker.asc "https://download.docker.com/linux/$ID/gpg" ||
            refuse "Docker's own repository cannot be reached from it" "let it reach download.docker.com, or set engine.install to distro"
        chmod 0644 /etc/apt/keyrings/docker.asc
        printf 'deb [arch=%s signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/%s %s stable\n' \
            "$(dpkg --print-architecture)" "$ID" "$VERSION_CODENAME" >/etc/apt/sources.list.d/docker.list
        update
        known docker-ce
        set -- docker-ce docker-ce-cli containerd.io
        ;;
    *) echo "unknown method $method" >&2; exit 2 ;;
    esac
    install "$@"
    mkdir -p "${ROOT:-}/var/lib/deployer"
    printf '%s\n' "$@" >"${ROOT:-}/var/lib/deployer/packages"

    systemctl enable --now docker
    tries=0
    until docker version >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || { journalctl -u docker -n 10 --no-pager >&2; exit 1; }
        sleep 0.5
    done
    echo "Docker $(docker version --format '{{.Server.Version}}') runs"
}

# Whether apt has a package of that name for this machine.
known() {
    apt-cache show "$1" >/dev/null 2>&1 && return
    [ -z "$incomplete" ] ||
        refuse "its package archives do not answer" "see that it reaches the network: apt-get update there"
    refuse "there is no package $1 for $(dpkg --print-architecture) on this release" \
        "set engine.install to the other of distro and docker, or install an engine by hand and set it to none"
}

# Nothing is begun before all of it has arrived, and nothing that is run here reads on in this script.
main "$@" </dev/null
