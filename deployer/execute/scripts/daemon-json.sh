# Writes /etc/docker/daemon.json and has a running engine read it; read by `sh -s EFFECT`, as root.
# EFFECT is none, reload or restart; the line `encoded=BASE64` stands before this script.
# A file with which dockerd does not start is never left behind.
set -eu
effect=$1 file=/etc/docker/daemon.json
umask 022
mkdir -p /etc/docker
printf '%s' "$encoded" | base64 -d >"$file.deployer"
if [ "$effect" != none ] && dockerd --help 2>/dev/null | grep -q -- --validate; then
    dockerd --validate --config-file "$file.deployer" >/dev/null 2>"$file.problem" || {
        cat "$file.problem" >&2
        rm -f "$file.deployer" "$file.problem"
        exit 1
    }
    rm -f "$file.problem"
fi
if [ -e "$file" ]; then cp -p "$file" "$file.before"; fi
mv "$file.deployer" "$file"
case $effect in
none) ;;
reload) systemctl reload docker ;;
restart)
    if ! systemctl restart docker; then
        journalctl -u docker -n 10 --no-pager >&2
        if [ -e "$file.before" ]; then mv "$file.before" "$file"; else rm -f "$file"; fi
        systemctl reset-failed docker || true
        systemctl restart docker
        echo "the engine did not start with it; the old file is back" >&2
        exit 1
    fi
    ;;
esac
rm -f "$file.before"
