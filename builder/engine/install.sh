#!/usr/bin/env bash
# `make engine`: have a Docker engine that optbuild can use.
#
# Touches nothing where an engine already answers. Installs only as root on Debian 12 or 13; elsewhere it says what to
# do and exits 3. Debian 12's own engine is 20.10 without buildx, so there the engine comes from Debian 13: only the
# packages named below move, everything else (runc, iptables, ca-certificates) stays Debian 12's, held by an apt pin.
# The mirror is the machine's own: its source is copied with the suite exchanged.
set -euo pipefail

readonly LOG=${OPTBUILD_ENGINE_LOG:-/var/log/optbuild-dockerd.log}
readonly PIDFILE=/var/run/docker.pid
readonly WAIT_SECONDS=60

say() { printf '%s\n' "$*" >&2; }

refuse() {
  say "optbuild: no Docker engine answers, and this script installs one only as root on Debian 12 or 13."
  say "  found: $1"
  say "  next: install Docker Engine 23 or newer with buildx (https://docs.docker.com/engine/install/), start it,"
  say "        or point DOCKER_HOST at one that runs; then run this again."
  exit 3
}

engine_answers() { command -v docker >/dev/null && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# A field of /etc/os-release without its quotes; nothing where there is no such file.
os_release() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release 2>/dev/null || true; }

debian_release() { [ "$(os_release ID)" != debian ] || os_release VERSION_ID; }

# The machine's own source of its release, with the suite exchanged for trixie.
add_trixie_source() {
  local list=/etc/apt/sources.list.d/optbuild-trixie
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    awk 'BEGIN { RS = ""; ORS = "\n\n" } /Suites:[^\n]*bookworm([ \n]|$)/ {
           gsub(/Suites:[^\n]*/, "Suites: trixie"); print; exit }' \
      /etc/apt/sources.list.d/debian.sources >"$list.sources"
  else
    awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i == "bookworm") { sub(/ bookworm /, " trixie "); print; exit } }' \
      /etc/apt/sources.list >"$list.list"
  fi
  printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >/etc/apt/preferences.d/optbuild-trixie
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  local suffix=
  if [ "$1" = 12 ]; then
    add_trixie_source
    suffix=/trixie
  fi
  say "optbuild: apt-get update"
  apt-get -qq update
  say "optbuild: installing Docker Engine, buildx, Compose and mmdebstrap from Debian's packages"
  apt-get -qq install --no-install-recommends -o Dpkg::Use-Pty=0 \
    "docker.io$suffix" "docker-cli$suffix" "containerd$suffix" "docker-buildx$suffix" "docker-compose$suffix" \
    runc iptables ca-certificates mmdebstrap >&2
}

have_packages() { command -v dockerd >/dev/null && docker buildx version >/dev/null 2>&1 && command -v mmdebstrap >/dev/null; }

# A pid file that outlived its process (a killed run, a restarted machine) makes dockerd refuse to start.
clear_stale_pid() {
  local pid
  [ -f "$PIDFILE" ] || return 0
  pid=$(cat "$PIDFILE")
  if ! { [ -d "/proc/$pid" ] && grep -q dockerd "/proc/$pid/comm" 2>/dev/null; }; then
    say "optbuild: removing the stale $PIDFILE (process $pid is no dockerd)"
    rm -f "$PIDFILE"
  fi
}

start_engine() {
  local waited=0
  clear_stale_pid
  say "optbuild: starting dockerd, log in $LOG"
  (cd / && exec setsid dockerd --pidfile "$PIDFILE" >>"$LOG" 2>&1 </dev/null) &
  until engine_answers; do
    sleep 0.5
    waited=$((waited + 1))
    if [ "$waited" -ge $((WAIT_SECONDS * 2)) ]; then
      say "optbuild: dockerd did not answer within $WAIT_SECONDS s; the end of $LOG:"
      tail -n 20 "$LOG" >&2
      exit 3
    fi
  done
}

main() {
  if engine_answers; then
    say "optbuild: engine $(docker version --format '{{.Server.Version}}') answers; nothing to do"
    exit 0
  fi
  [ -z "${DOCKER_HOST:-}" ] || refuse "DOCKER_HOST=$DOCKER_HOST does not answer"
  local release
  release=$(debian_release)
  [ "$release" = 12 ] || [ "$release" = 13 ] || refuse "$(uname -s) $(os_release PRETTY_NAME)"
  [ "$(id -u)" = 0 ] || refuse "Debian $release, but not root"
  have_packages || install_packages "$release"
  start_engine
  say "optbuild: engine $(docker version --format '{{.Server.Version}}') is ready"
}

main
