#!/usr/bin/env bash
# Makes sure a Docker engine answers: installs Debian's docker.io when there is none, starts it when it
# sleeps, and does nothing when one already answers. Prints the engine's version, or why it will not run.
# What it started, and only that, `docker.sh stop` ends again.
# Also installs Compose 2, and the programs test/docker/make-images.sh borrows from this machine.
set -euo pipefail

state=${DBCONN_CI_STATE:-${TMPDIR:-/tmp}/dbconn-ci-docker}
pid_file=$state/dockerd.pid
log=$state/dockerd.log

answers() { docker version --format '{{.Server.Version}}' 2>/dev/null; }

run_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
  command -v apt-get >/dev/null || { echo "Missing: $*. There is no apt-get here to install it with." >&2; exit 1; }
  run_as_root apt-get update -qq
  run_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

install_programs() {
  if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    # Only the programs: Debian would make and start a cluster of its own.
    run_as_root mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo 'create_main_cluster = false' | run_as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    apt_install postgresql
  fi
  /usr/bin/python3 -c 'import sqlalchemy, psycopg2, prometheus_client' 2>/dev/null ||
    apt_install python3-sqlalchemy python3-psycopg2 python3-prometheus-client
}

# Compose 2 from a suite of Debian that has it, as the plugin alone: nothing else of that suite is installed, and apt's own
# lists stay as they are. Debian's key signs both.
install_compose() {
  local suite=forky plugins=/usr/local/lib/docker/cli-plugins at mirror
  at=$(mktemp -d)
  # Where the rest of this machine's packages come from, so that a mirror of its own serves this one too.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
  [ -n "$mirror" ] || { echo "apt names no Debian mirror to take Compose 2 from: run apt-get update." >&2; return 1; }
  printf 'deb [signed-by=%s] %s %s main\n' /usr/share/keyrings/debian-archive-keyring.gpg \
    "$mirror" "$suite" >"$at/sources.list"
  mkdir -p "$at/lists/partial" "$at/cache/archives/partial"
  local private=(
    -o Dir::Etc::SourceList="$at/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State::Lists="$at/lists" -o Dir::Cache="$at/cache" -o Acquire::Languages=none -o Acquire::Retries=3
    -o APT::Sandbox::User="$(id -un)"
  )
  (cd "$at" && apt-get "${private[@]}" update -qq && apt-get "${private[@]}" download -qq docker-compose >/dev/null)
  dpkg-deb -x "$at"/docker-compose_*.deb "$at/unpacked"
  run_as_root install -D -m 755 -t "$plugins" "$at/unpacked/usr/libexec/docker/cli-plugins/docker-compose"
  rm -rf "$at"
}

# Starts dockerd with the given flags and waits until it answers, or says no.
start_with() {
  : >"$log"
  # A session of its own, so that a Ctrl-C in the terminal of the tests does not end the engine under them.
  run_as_root setsid sh -c 'echo $$ >"$1"; shift; exec dockerd "$@"' sh "$pid_file" \
    --host unix:///var/run/docker.sock "$@" >>"$log" 2>&1 </dev/null &
  for _ in $(seq 1 300); do
    answers >/dev/null && return 0
    if [ -s "$pid_file" ] && ! run_as_root kill -0 "$(cat "$pid_file")" 2>/dev/null; then return 1; fi
    sleep 0.2
  done
  stop_engine
  return 1
}

stop_engine() {
  [ -s "$pid_file" ] || return 0
  local pid
  pid=$(cat "$pid_file")
  run_as_root kill "$pid" 2>/dev/null || true
  for _ in $(seq 1 100); do
    run_as_root kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  rm -f "$pid_file"
}

mkdir -p "$state"
if [ "${1:-start}" = stop ]; then
  stop_engine
  exit 0
fi
install_programs
command -v dockerd >/dev/null && command -v docker >/dev/null || answers >/dev/null || apt_install docker.io iptables
docker compose version >/dev/null 2>&1 || install_compose
if version=$(answers); then
  echo "Docker engine $version answers already."
  exit 0
fi
# As it is, first. Then without what a sandbox most often lacks: overlayfs, and the right to write firewall rules.
for flags in "" "--storage-driver=vfs" "--iptables=false --ip6tables=false" "--iptables=false --ip6tables=false --storage-driver=vfs"; do
  # shellcheck disable=SC2086 # several flags in one word
  if start_with $flags; then
    echo "Docker engine $(answers) started${flags:+ with $flags}."
    exit 0
  fi
done
echo "dockerd does not start here. The end of its log:" >&2
tail -n 30 "$log" >&2
exit 1
