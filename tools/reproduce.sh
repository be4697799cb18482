#!/usr/bin/env bash
# Runs the pipeline of the last commit in two clones, on all cores and on one, and compares every file.
# Usage: tools/reproduce.sh CONFIGURATION
set -euo pipefail
configuration=$(realpath -- "$1")
cd "$(dirname "$0")/.."
if [ -n "$(git status --porcelain)" ]; then
  echo "warning: the clones are of the last commit; what is not committed is not in them" >&2
fi
folder=$(mktemp -d)
trap 'echo "The clones are kept in $folder" >&2' EXIT
unset MLFLOW_TRACKING_URI # each clone has a database of its own

run() { # CLONE CORES
  git clone --quiet . "$folder/$1"
  (cd "$folder/$1" && PYTHONPATH=$PWD/src snakemake --cores "$2" --configfile "$configuration")
}

run first all
run second 1
latentgrid compare "$folder/first" "$folder/second"
trap - EXIT
rm -rf "$folder"
