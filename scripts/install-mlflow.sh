#!/bin/sh
# Installs MLflow for the tests, each version in a Python environment of its own inside a cache folder.
#
#   scripts/install-mlflow.sh [newest|old] ...      (default: both)
#
# Prints one line per version: its environment's folder. A folder whose install did not finish has no
# `.complete` file and is made again. LANGFUSE_MLFLOW_TEST_CACHE names another cache folder.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${LANGFUSE_MLFLOW_TEST_CACHE:-$root/.cache}

# MLflow 2.10 was made before setuptools dropped pkg_resources and before SQLAlchemy 2.1.
requirements_of() {
  case $1 in
    newest) echo 'mlflow[auth] psycopg2-binary' ;;
    old) echo 'mlflow==2.10.2 setuptools<81 sqlalchemy<2.1' ;;
    *) echo "unknown MLflow version: $1 (newest or old)" >&2; exit 2 ;;
  esac
}

install() {
  name=$1
  requirements=$(requirements_of "$name")
  folder=$cache/mlflow-$name
  marker=$folder/.complete
  if [ ! -f "$marker" ] || [ "$(cat "$marker")" != "$requirements" ]; then
    rm -rf "$folder"
    python3 -m venv "$folder"
    # Each requirement is one word of the list, hence the unquoted expansion.
    # shellcheck disable=SC2086
    "$folder/bin/python" -m pip install -qq --disable-pip-version-check $requirements >&2
    "$folder/bin/mlflow" --version >&2
    printf '%s\n' "$requirements" > "$marker"
  fi
  printf '%s\n' "$folder"
}

mkdir -p "$cache"
[ $# -gt 0 ] || set -- newest old
if command -v flock > /dev/null; then
  # Two test runs at once must not build the same environment twice.
  exec 9> "$cache/mlflow-install.lock"
  flock 9
fi
for version in "$@"; do install "$version"; done
