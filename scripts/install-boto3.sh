#!/bin/sh
# Installs boto3 for the tests, in a folder of its own inside a cache folder: with it on PYTHONPATH, a real MLflow
# server signs links to S3.
#
#   scripts/install-boto3.sh
#
# Prints the folder. One whose install did not finish has no `.complete` file and is made again.
# LANGFUSE_MLFLOW_TEST_CACHE names another cache folder.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${LANGFUSE_MLFLOW_TEST_CACHE:-$root/.cache}

requirement='boto3'
folder=$cache/boto3
marker=$folder/.complete

mkdir -p "$cache"
if command -v flock > /dev/null; then
  # Two test runs at once must not build the same folder twice.
  exec 9> "$cache/boto3-install.lock"
  flock 9
fi
if [ ! -f "$marker" ] || [ "$(cat "$marker")" != "$requirement" ]; then
  rm -rf "$folder"
  python3 -m pip install -qq --disable-pip-version-check --target "$folder" "$requirement" >&2
  printf '%s\n' "$requirement" > "$marker"
fi
printf '%s\n' "$folder"
