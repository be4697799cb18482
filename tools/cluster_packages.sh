#!/usr/bin/env bash
# Gets what tools/cluster.sh needs, by apt-get, and starts none of it; or says in one line why it cannot be had
# here, and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

leave() {
  echo "make test-cluster is left out: $1"
  exit 1
}

[ "$(id -u)" = 0 ] || leave "only root can start SLURM's daemons"
# What tools/cluster.sh does first; a container may not.
unshare --mount --net --pid --fork --mount-proc \
  sh -c 'mount -t tmpfs none /mnt && mknod /mnt/gpu0 c 1 3' 2>/dev/null ||
  leave "this machine lets nobody make namespaces or devices"

mapfile -t packages < <(tools/cluster.sh --missing)
[ ${#packages[@]} = 0 ] && exit
command -v apt-get >/dev/null || leave "${packages[*]} are missing, and there is no apt-get"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f "$log" $policy' EXIT
  # Debian's packages start no service where this answers 101.
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
fi
export DEBIAN_FRONTEND=noninteractive
get() {
  timeout 600 apt-get --quiet --yes -o Acquire::http::Timeout=20 -o Dpkg::Lock::Timeout=60 "$@" >>"$log" 2>&1
}
echo "apt-get install ${packages[*]}"
if ! { get update && get install --no-install-recommends "${packages[@]}"; }; then
  leave "apt-get could not install ${packages[*]}: $(grep '^E:' "$log" | tail -n 1)"
fi
