# The engine's packages: what is installed and what there is; read by `sh -s look | upgrade | purge [PACKAGE]...`, as root, behind apt.sh.
#   look: a line each, `PACKAGE INSTALLED CANDIDATE`, after the package lists were fetched anew
#   upgrade: those packages, and the engine runs afterwards
#   purge: what stands in /var/lib/deployer/packages is removed with its configuration

main() {
    what=$1
    shift
    command -v apt-get >/dev/null || refuse "it has no apt-get: deployer can upgrade Docker on Debian and Ubuntu only" \
        "upgrade it there by hand"
    case $what in
    look)
        update >&2
        [ -z "$incomplete" ] || refuse "its package archives do not answer" "see that it reaches the network: apt-get update there"
        for package in docker.io docker-cli docker-ce docker-ce-cli containerd.io containerd runc; do
            installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "$package" 2>/dev/null) || continue
            case $installed in "ii "*) ;; *) continue ;; esac
            policy=$(apt-cache policy "$package")
            candidate=${policy#*Candidate: }
            candidate=${candidate%%
*}
            echo "$package ${installed##* } $candidate"
        done
        ;;
    upgrade)
        able 300
        patiently dpkg --configure -a --force-confold
        install --only-upgrade "$@"
        # Debian 13's docker.io only recommends the client, which was a part of it before.
        command -v docker >/dev/null || install docker-cli
        # Nor does every package restart the engine.
        running=$(docker version --format '{{.Server.Version}}' 2>/dev/null) || running=none
        case $(dockerd --version) in *" $running,"*) ;; *) systemctl reset-failed docker || true; systemctl restart docker ;; esac
        tries=0
        until docker version >/dev/null 2>&1; do
            tries=$((tries + 1))
            [ "$tries" -lt 60 ] || { journalctl -u docker -n 10 --no-pager >&2; exit 1; }
            sleep 0.5
        done
        echo "Docker $(docker version --format '{{.Server.Version}}') runs"
        ;;
    purge)
        file=${ROOT:-}/var/lib/deployer/packages
        [ -s "$file" ] || { echo "deployer installed none"; return; }
        set -- $(cat "$file")
        patiently apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 remove --purge "$@"
        rm -f "$file"
        rmdir "${file%/*}" 2>/dev/null || true
        echo "removed $*"
        ;;
    esac
}

# Nothing is begun before all of it has arrived, and nothing that is run here reads on in this script.
main "$@" </dev/null
