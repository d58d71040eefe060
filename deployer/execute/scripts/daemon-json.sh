# Writes daemon.json and has a running engine read it; read by `sh -s EFFECT [FILE]`, as root.
# EFFECT is none, reload or restart; the line `encoded=BASE64` stands before this script.
# A file with which dockerd does not start is never left behind.
set -eu

# systemd starts it three times in a minute, whoever asked for them: the count begins anew.
restart() {
    systemctl reset-failed docker || true
    systemctl restart docker
}

main() {
    effect=$1 file=${2:-/etc/docker/daemon.json}
    if [ -L "$file" ]; then file=$(readlink -f "$file"); fi
    umask 022
    mkdir -p "${file%/*}"
    # It may hold a proxy's password: as closed as what was there, else root's alone.
    umask 077
    rm -f "$file.deployer"
    if [ -e "$file" ]; then cp -p "$file" "$file.deployer"; fi
    printf '%s' "$encoded" | base64 -d >"$file.deployer"
    if [ "$effect" != none ] && dockerd --help 2>/dev/null | grep -q -- --validate; then
        if ! dockerd --validate --config-file "$file.deployer" >/dev/null 2>"$file.problem"; then
            cat "$file.problem" >&2
            rm -f "$file.deployer" "$file.problem"
            exit 1
        fi
        rm -f "$file.problem"
    fi
    if [ -e "$file" ]; then cp -p "$file" "$file.before"; fi
    mv "$file.deployer" "$file"
    case $effect in
    none) ;;
    reload) systemctl reload docker ;;
    restart)
        if ! restart; then
            journalctl -u docker -n 10 --no-pager >&2 || true
            if [ -e "$file.before" ]; then mv "$file.before" "$file"; else rm -f "$file"; fi
            if restart; then
                echo "the engine did not start with it; the old file is back" >&2
            else
                echo "the engine did not start with it, nor with the old file, which is back" >&2
            fi
            exit 1
        fi
        ;;
    esac
    rm -f "$file.before"
}

# Nothing is begun before all of it has arrived, and nothing that is run here reads on in this script.
main "$@" </dev/null
