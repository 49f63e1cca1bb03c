#!/usr/bin/env bash
# `make browser`: have Chromium and its driver, which the tests of pages need. Touches nothing where both are; installs
# Debian's as root; elsewhere says what to install and exits 3.
set -euo pipefail

say() { printf 'optbuild: %s\n' "$*" >&2; }

have() { command -v chromium >/dev/null && command -v chromedriver >/dev/null; }

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" >&2 || {
    say "\`apt-get $*\` failed; its message is above"
    exit 3
  }
}

if have; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "the tests of pages need chromium and chromedriver on PATH"
  say "  next: install them (Debian: apt-get install chromium chromium-driver), then run this again"
  exit 3
fi
say "installing chromium and chromium-driver"
apt_get update
# A font, because without one every letter is an empty box.
apt_get install --no-install-recommends --no-remove chromium chromium-driver fonts-dejavu-core
have || {
  say "chromium and chromium-driver are installed, and one of them is not on PATH"
  exit 3
}
