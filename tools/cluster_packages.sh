#!/usr/bin/env bash
# Gets what tools/cluster.sh needs, by apt-get, and starts none of it; or says why it cannot be had here, and
# fails.
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
[ ${#packages[@]} = 0 ] || tools/apt_get.sh "${packages[@]}" || leave "what it needs is missing"
