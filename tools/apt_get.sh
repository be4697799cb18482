#!/usr/bin/env bash
# Installs these of Debian's packages and starts no service of theirs; or says in one line why they cannot be
# had here, and fails.
set -euo pipefail

fail() {
  echo "${packages[*]} cannot be installed here: $1"
  exit 1
}

packages=("$@")
command -v apt-get >/dev/null || fail "there is no apt-get"
[ "$(id -u)" = 0 ] || fail "only root can"

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
  fail "$(grep '^E:' "$log" | tail -n 1)"
fi
