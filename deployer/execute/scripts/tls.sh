# Makes the engine listen for TLS besides its socket, or stops that; read by `sh -s on ARGUMENTS` or `sh -s off`, as root.
# Before it stand the function `stock` and, for `on`, the lines `trusted=`, `certificate=`, `key=`, each in base64.
# An engine that does not start with it is started as it was before.
set -eu

refuse() {
    echo "deployer: $1" >&2
    echo "deployer-help: $2" >&2
    exit 65
}

restart() {
    systemctl daemon-reload
    systemctl reset-failed docker || true
    systemctl restart docker
}

main() {
    mode=$1
    folder=${ROOT:-}/etc/docker/deployer-tls dropins=${ROOT:-}/etc/systemd/system/docker.service.d
    dropin=$dropins/20-deployer-tls.conf
    rm -rf "$folder.new" "$folder.before" "$dropin.before"
    if [ "$mode" = off ]; then
        rm -f "$dropin"
        rmdir "$dropins" 2>/dev/null || true
        restart
        rm -rf "$folder"
        exit 0
    fi
    start=$(stock)
    case $start in
    '') refuse "its engine is no service of systemd called docker" "set engine.tls to false for it" ;;
    *'\') refuse "its docker.service starts the engine in several lines" "write its ExecStart in one line" ;;
    *tcp://*) refuse "its engine listens for TCP already: $start" "take that out of docker.service and its drop-ins" ;;
    esac
    umask 077
    mkdir -p "${folder%/*}" "$folder.new"
    printf '%s' "$trusted" | base64 -d >"$folder.new/ca.pem"
    printf '%s' "$certificate" | base64 -d >"$folder.new/cert.pem"
    printf '%s' "$key" | base64 -d >"$folder.new/key.pem"
    (umask 022 && mkdir -p "$dropins")
    (umask 022 && printf '[Service]\nExecStart=\nExecStart=%s %s\n' "$start" "$2" >"$dropin.new")
    if [ -e "$dropin" ]; then cp -p "$dropin" "$dropin.before"; fi
    if [ -e "$folder" ]; then mv "$folder" "$folder.before"; fi
    mv "$folder.new" "$folder"
    mv "$dropin.new" "$dropin"
    if ! restart; then
        journalctl -u docker -n 10 --no-pager >&2 || true
        rm -rf "$folder" "$dropin"
        if [ -e "$folder.before" ]; then mv "$folder.before" "$folder"; fi
        if [ -e "$dropin.before" ]; then mv "$dropin.before" "$dropin"; fi
        if restart; then
            echo "the engine did not start with it; it runs as before" >&2
        else
            echo "the engine did not start with it, nor as before" >&2
        fi
        exit 1
    fi
    rm -rf "$folder.before" "$dropin.before"
}

# Nothing is begun before all of it has arrived, and nothing that is run here reads on in this script.
main "$@" </dev/null
