#!/bin/sh
# Installs the LiteLLM proxy for the tests, in a Python environment of its own inside a cache folder.
#
#   scripts/install-litellm.sh
#
# Prints the environment's folder. A folder whose install did not finish has no `.complete` file and is made
# again. LANGFUSE_MLFLOW_TEST_CACHE names another cache folder.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${LANGFUSE_MLFLOW_TEST_CACHE:-$root/.cache}

# Pinned, never "the newest": releases of this package have held malware, and those who install the newest are the
# first to run it.
#   1.82.7, 1.82.8   stole credentials; one of them at every start of Python, without an import
#                    (BerriAI/litellm#24518, OSV MAL-2026-2144); removed from PyPI
#   1.107.0          known to be compromised; PyPI has no release of that line any more
# 1.106.12 (2026-11-20) is the newest release whose own packages can all be had from PyPI: 1.108 to 1.110 ask for
# versions of litellm-proxy-extras, and 1.110 for a package litellm-proxy, that are not there. Its `langfuse`
# callback needs the Langfuse client of 4.7 or later below 5. Before another release is named here, read its advisories.
requirements='litellm[proxy]==1.106.12 langfuse>=4.7,<5'

folder=$cache/litellm
marker=$folder/.complete

mkdir -p "$cache"
if command -v flock > /dev/null; then
  # Two test runs at once must not build the same environment twice.
  exec 9> "$cache/litellm-install.lock"
  flock 9
fi
if [ ! -f "$marker" ] || [ "$(cat "$marker")" != "$requirements" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  # Each requirement is one word of the list, hence the unquoted expansion. Only wheels: nothing is run at install.
  # shellcheck disable=SC2086
  "$folder/bin/python" -m pip install -qq --disable-pip-version-check --only-binary litellm,litellm-enterprise $requirements >&2
  printf '%s\n' "$requirements" > "$marker"
fi
printf '%s\n' "$folder"
