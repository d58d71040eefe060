#!/bin/sh
# `make demo`: a git commit becomes a cluster of four machines. Run again, it goes on where it was.
set -eu
PATH="$PWD/.venv/bin:$PATH"
export PATH

step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
if ! [ -t 1 ]; then step() { printf '\n$ %s\n' "$*"; "$@"; }; fi

deployer sandbox engine

# The repository that is the source of truth: this project's own example, under git in a folder of its own.
if ! [ -d .demo/.git ]; then
    rm -rf .demo
    mkdir .demo
    cp -R cluster stacks .demo/
    git -C .demo init --quiet --initial-branch=main
    git -C .demo config user.name "deployer demo"
    git -C .demo config user.email "demo@localhost"
fi
cd .demo

step deployer sandbox up --repo .

git add --all
git diff --cached --quiet || step git commit --quiet --message "Four machines, two stacks"

step deployer apply
step deployer machine ls
step deployer status
step deployer services

# A container dies: it is out of the catalogue at once, and back when Swarm has started another.
victim=$(deployer machine ssh slave docker ps --quiet --filter name=swarmtest_web | head -n 1)
step deployer machine ssh slave docker kill "$victim"
step deployer services swarmtest-web
printf '\n# ... and when Swarm has started another:\n'
for _ in $(seq 40); do
    if deployer services swarmtest-web 2>/dev/null | grep -q ' 3/3 '; then break; fi
    sleep 0.5
done
step deployer services swarmtest-web

address=$(sed -n 's/^address: *\([0-9.]*\).*/\1/p' cluster/nodes/master.yaml)
printf '\n$ curl http://%s/    # six times, through nginx\n' "$address"
python3 - "http://$address/" <<'PY'
import sys, time, urllib.request
for _ in range(6):
    for _ in range(50):  # nginx asks for the tasks' names anew every two seconds
        try:
            print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode().strip())
            break
        except OSError:
            time.sleep(0.2)
PY

# The same by a push: a repository that deploys, a count that changes, a typo that is refused.
file=stacks/swarmtest/compose.yaml
grep -qx /remote.git .git/info/exclude || echo /remote.git >> .git/info/exclude
key=$(sed -n 's/.*identity_file: *\([^,} ]*\).*/\1/p' cluster/cluster.yaml)
step deployer remote init --allow "$key" remote.git
step git push remote.git main
if grep -q 'replicas: 4' $file; then count=3; else count=4; fi
step sed -i "s/replicas: [0-9]*/replicas: $count/" $file
step git commit --quiet --all --message "$count times web"
step git push remote.git main
step deployer status
step sed -i 's/replicas:/replcas:/' $file
step git commit --quiet --all --message "A typo"
step git push remote.git main || echo "(refused, and nothing has moved)"
step deployer history --repo remote.git
git reset --quiet --hard HEAD^

cat <<TRY

Try next, in .demo (with $(cd .. && pwd)/.venv/bin on your PATH):
  edit stacks/swarmtest/compose.yaml: replicas: 5;  git commit -am "More web";  git push remote.git main
  deployer plan            what would change; nothing does until you commit
  make clean-demo          removes every trace
TRY
