#!/usr/bin/env bash
# `make engine`: have a Docker engine that optbuild can use.
#
# Touches nothing where an engine answers its client, and never starts a second one beside one that runs. Installs only
# as root on Debian 12 or 13, and only what is missing; removes no package. Elsewhere it says what to do and exits 3.
# Debian 12's own engine is 20.10 without buildx, so there the engine comes from Debian 13: only the packages named
# below move, everything else (runc, iptables, ca-certificates) stays Debian 12's, held by an apt pin.
# The mirror is the machine's own: its source is copied with the suite exchanged.
set -euo pipefail

readonly LOG=${OPTBUILD_ENGINE_LOG:-/var/log/optbuild-dockerd.log}
readonly SOCKET=/var/run/docker.sock
readonly PIDFILE=/var/run/docker.pid
readonly WAIT_SECONDS=60
# An engine that answers at all does so in milliseconds; a frozen one takes the connection and says nothing.
readonly ANSWER_SECONDS=${OPTBUILD_ENGINE_ANSWER_SECONDS:-10}
# A package that starts its engine has begun to before apt-get ends.
readonly PACKAGE_START_SECONDS=3

say() { printf '%s\n' "$*" >&2; }

stop_with() {
  say "optbuild: $1"
  say "  next: $2"
  exit 3
}

refuse() {
  say "optbuild: no Docker engine answers, and this script installs one only as root on Debian 12 or 13."
  say "  found: $1"
  say "  next: install Docker Engine 23 or newer with buildx (https://docs.docker.com/engine/install/), start it,"
  say "        or point DOCKER_HOST at one that runs; then run this again."
  exit 3
}

have() { command -v "$1" >/dev/null; }

ask_client() { timeout -k 2 "$ANSWER_SECONDS" docker version --format '{{.Server.Version}}' 2>&1; }

# The last line: the client may warn before it.
engine_version() { ask_client | tail -n 1; }

engine_answers() { have docker && ask_client >/dev/null; }

# GET /_ping without the docker client; exit code 124 as of `timeout` when nothing is said in time.
ping_socket() {
  local code=0
  [ -S "$SOCKET" ] || return 1
  if have python3; then
    timeout -k 2 "$ANSWER_SECONDS" python3 -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as engine:
    engine.connect(sys.argv[1])
    engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
    sys.exit(b" 200 " not in engine.recv(64))' "$SOCKET" 2>&1 || code=$?
  elif have curl; then
    curl --silent --show-error --fail --max-time "$ANSWER_SECONDS" --unix-socket "$SOCKET" http://docker/_ping 2>&1 || code=$?
    [ "$code" != 28 ] || code=124
  else
    dockerd_runs || code=1
  fi
  return "$code"
}

# A field of /etc/os-release without its quotes; nothing where there is no such file.
os_release() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release 2>/dev/null || true; }

debian_release() { [ "$(os_release ID)" != debian ] || os_release VERSION_ID; }

may_install() {
  local release
  release=$(debian_release)
  { [ "$release" = 12 ] || [ "$release" = 13 ]; } && [ "$(id -u)" = 0 ]
}

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

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >&2 ||
    stop_with "\`apt-get $*\` failed; its message is above" \
      "correct what it names, or install Docker Engine 23 or newer with buildx yourself; then run this again"
}

installed() { dpkg-query --show --showformat '${Status}' "$1" 2>/dev/null | grep -q ' installed$'; }

# Installs the packages, those of Docker from Debian 13 where this is Debian 12. Never at the price of another package.
install_packages() {
  local package wanted=() suffix=
  for package in "$@"; do
    case $package in
    docker.io | docker-cli | containerd | docker-buildx | docker-compose)
      [ "$(debian_release)" != 12 ] || suffix=/trixie
      wanted+=("$package$suffix")
      ;;
    *) wanted+=("$package") ;;
    esac
  done
  [ -z "$suffix" ] || add_trixie_source
  say "optbuild: apt-get update"
  apt_get update
  say "optbuild: installing ${wanted[*]}"
  apt_get install --no-install-recommends --no-remove -o Dpkg::Use-Pty=0 "${wanted[@]}"
}

# The client and its plugins, from whom the engine is: Docker's own packages and Debian's exclude each other.
missing_client_packages() {
  local client=docker-cli buildx=docker-buildx compose=docker-compose
  if installed docker-ce || installed docker-ce-cli; then
    client=docker-ce-cli buildx=docker-buildx-plugin compose=docker-compose-plugin
  fi
  have docker || echo "$client"
  docker buildx version >/dev/null 2>&1 || echo "$buildx"
  docker compose version >/dev/null 2>&1 || echo "$compose"
}

# Everything that is missing where no engine runs. Debian's own engine is named again with buildx: 20.10 moves to 26.
missing_packages() {
  if ! have dockerd || { installed docker.io && ! docker buildx version >/dev/null 2>&1; }; then
    echo docker.io docker-cli containerd docker-buildx docker-compose runc iptables ca-certificates
  else
    missing_client_packages
  fi
  have mmdebstrap || echo mmdebstrap
}

# The system's engine, by the pid file that it writes first of all.
dockerd_runs() {
  local pid
  pid=$(cat "$PIDFILE" 2>/dev/null) && grep -q dockerd "/proc/$pid/comm" 2>/dev/null
}

# A pid file that outlived its process (a killed run, a restarted machine) makes dockerd refuse to start.
clear_stale_pid() {
  if [ -f "$PIDFILE" ] && ! dockerd_runs; then
    say "optbuild: removing the stale $PIDFILE (process $(cat "$PIDFILE") is not a dockerd)"
    rm -f "$PIDFILE"
  fi
}

# An engine that apt-get's packages have just started.
package_started_engine() {
  local deadline=$((SECONDS + PACKAGE_START_SECONDS))
  until engine_answers || dockerd_runs; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.5
  done
}

show_log_and_stop() {
  say "optbuild: dockerd $1; the end of $LOG:"
  tail -n 20 "$LOG" >&2 || true
  exit 3
}

# wait_for_engine [PID]: until it answers; a dockerd of ours that ended is not waited for.
wait_for_engine() {
  local deadline=$((SECONDS + WAIT_SECONDS))
  until engine_answers; do
    if [ -n "${1:-}" ] && ! kill -0 "$1" 2>/dev/null; then
      show_log_and_stop "ended by itself"
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      [ -z "${1:-}" ] || show_log_and_stop "did not answer within $WAIT_SECONDS s"
      stop_with "the engine was started and did not answer within $WAIT_SECONDS s" \
        "look at \`systemctl status docker\` and \`journalctl -u docker\`, or restart it"
    fi
    sleep 0.5
  done
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    say "optbuild: systemctl start docker"
    systemctl start docker >&2 || stop_with "systemd could not start docker" "look at \`journalctl -u docker\`"
    wait_for_engine
    return
  fi
  clear_stale_pid
  say "optbuild: starting dockerd, log in $LOG"
  (cd / && exec setsid dockerd --pidfile "$PIDFILE" >>"$LOG" 2>&1 </dev/null) &
  wait_for_engine $!
}

stop_at_a_frozen_engine() {
  stop_with "a Docker engine takes connections and does not answer within $ANSWER_SECONDS s" \
    "restart it (systemctl restart docker, or end its dockerd), then run this again"
}

stop_at_a_closed_engine() {
  stop_with "a Docker engine runs, but $(id -un) may not talk to it (permission denied)" \
    "sudo usermod -aG docker $(id -un), log in again; or run this with sudo"
}

# Ends the script for an engine that runs and cannot be used as it is; returns where none runs.
look_at_running_engine() {
  local said code=0
  if have docker; then said=$(ask_client) || code=$?; else said=$(ping_socket) || code=$?; fi
  case $code:$said in
  0:*) return 0 ;;
  124:* | 137:*) stop_at_a_frozen_engine ;;
  *"ermission denied"*) stop_at_a_closed_engine ;;
  *) return 1 ;;
  esac
}

add_client() {
  local packages
  may_install || stop_with "a Docker engine answers, but there is no docker client here" \
    "install the docker client with buildx (https://docs.docker.com/engine/install/), then run this again"
  mapfile -t packages < <(missing_client_packages)
  install_packages "${packages[@]}"
  engine_answers || stop_with "the docker client is installed but reaches no engine" "see what \`docker version\` says"
}

install_and_start() {
  local packages release
  release=$(debian_release)
  [ "$release" = 12 ] || [ "$release" = 13 ] || refuse "$(uname -s) $(os_release PRETTY_NAME)"
  [ "$(id -u)" = 0 ] || refuse "Debian $release, but not root"
  read -ra packages < <(missing_packages | paste -s -d ' ') || true
  [ "${#packages[@]}" = 0 ] || install_packages "${packages[@]}"
  if [[ " ${packages[*]} " = *" docker.io "* ]] && package_started_engine; then wait_for_engine; else start_engine; fi
}

main() {
  if [ -n "${DOCKER_HOST:-}" ]; then
    have docker || refuse "DOCKER_HOST=$DOCKER_HOST, and no docker client to ask it"
    engine_answers || refuse "DOCKER_HOST=$DOCKER_HOST does not answer"
  fi
  if look_at_running_engine; then
    if have docker; then
      say "optbuild: engine $(engine_version) answers; nothing to do"
      exit 0
    fi
    add_client
  else
    install_and_start
  fi
  say "optbuild: engine $(engine_version) is ready"
}

main
