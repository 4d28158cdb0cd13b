#!/usr/bin/env bash
# Makes sure a Docker engine answers: installs Debian's docker.io when there is none, starts it when it
# sleeps, and does nothing when one already answers. Prints the engine's version, or why it will not run.
# What it started, and only that, `docker.sh stop` ends again.
# Also installs the programs test/docker/make-images.sh borrows from this machine.
set -euo pipefail

state=${DBCONN_CI_STATE:-${TMPDIR:-/tmp}/dbconn-ci-docker}
pid_file=$state/dockerd.pid
log=$state/dockerd.log

answers() { docker version --format '{{.Server.Version}}' 2>/dev/null; }

run_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install() {
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
    install postgresql
  fi
  /usr/bin/python3 -c 'import sqlalchemy, psycopg2, prometheus_client' 2>/dev/null ||
    install python3-sqlalchemy python3-psycopg2 python3-prometheus-client
  docker compose version >/dev/null 2>&1 || docker-compose version >/dev/null 2>&1 || install docker-compose
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
if version=$(answers); then
  echo "Docker engine $version answers already."
  exit 0
fi
command -v dockerd >/dev/null && command -v docker >/dev/null || install docker.io iptables
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
