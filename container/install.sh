#!/bin/sh
# Makes the environment of a container, as root on Debian 12, in the folder of the project. It is all that
# Dockerfile and apptainer.def run.
set -eu
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive
apt-get update
# git tells results the commit that they were made by, and DVC asks it; make sets the environment up.
apt-get install --yes --no-install-recommends ca-certificates git make python3-venv
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
# Empty before the Dockerfile copies the sources there; the package is installed as a link to it.
mkdir -p src
UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 make setup
# Whoever it is run as makes results, caches and MLflow's database here, and changes no file of the project.
chmod 1777 .
mkdir -m 1777 data results
