#!/usr/bin/env bash
# Builds the image of container/Dockerfile and runs a command beside it, which finds its name in LATENTGRID_CONTAINER:
#   tools/container.sh pytest tests/test_container.py
# Image and container are deleted at the end. It needs root's rights, buildah, 20 GB of disk and a registry.
# Where none can be reached, BASE names an image of Debian 12 to take in place of the Dockerfile's:
#   debootstrap --variant=minbase bookworm root
#   container=$(buildah from scratch) && buildah copy $container root && buildah commit $container debian-here
#   BASE=localhost/debian-here make test-container
set -euo pipefail
cd "$(dirname "$0")/.."
name=latentgrid-under-test
command -v buildah >/dev/null || { echo "error: Debian's package buildah is missing: apt-get install buildah" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "error: only root can build here" >&2; exit 1; }

finish() {
  buildah rm $name >/dev/null 2>&1 || true
  buildah rmi $name >/dev/null 2>&1 || true
}
trap finish EXIT

# In a chroot, as containers of the kernel's are not to be had in another container.
buildah build --isolation chroot ${BASE:+--from "$BASE"} --file container/Dockerfile --tag $name .
buildah from --name $name localhost/$name >/dev/null
LATENTGRID_CONTAINER=$name "$@"
