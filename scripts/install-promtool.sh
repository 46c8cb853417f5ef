#!/bin/sh
# Takes promtool out of Debian's or Ubuntu's package prometheus (19 MB) for the tests, into a cache folder. Installs
# nothing on the machine: no server, no user, no service.
#
#   scripts/install-promtool.sh
#
# Prints the folder: bin/promtool. A folder whose making did not finish has no `.complete` file and is made again.
# LANGFUSE_MLFLOW_TEST_CACHE names another cache folder.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${LANGFUSE_MLFLOW_TEST_CACHE:-$root/.cache}
folder=$cache/promtool
marker=$folder/.complete

mkdir -p "$cache"
if command -v flock > /dev/null; then
  # Two test runs at once must not make the same folder twice.
  exec 9> "$cache/promtool-install.lock"
  flock 9
fi
if [ ! -f "$marker" ]; then
  rm -rf "$folder"
  mkdir -p "$folder/bin" "$folder/download"
  cd "$folder/download"
  # A new machine has no lists of packages yet, and old lists name files that are gone.
  apt-get download -qq prometheus > /dev/null 2>&1 || {
    apt-get update -qq >&2
    apt-get download -qq prometheus >&2
  }
  dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -O ./usr/bin/promtool > "$folder/bin/promtool"
  chmod 755 "$folder/bin/promtool"
  rm -rf "$folder/download"
  "$folder/bin/promtool" --version >&2
  touch "$marker"
fi
printf '%s\n' "$folder"
