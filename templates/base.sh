#!/bin/sh
# Makes base.tar (the final image's root file system) and builder.tar (the builder stage's) beside this script, from
# Debian's packages, in exactly the versions of runtime.packages and builder.packages. Then `docker build` can run.
#
# Needs mmdebstrap; where the host has none, it runs in a container (DOCKER, default docker). The mirror is the
# machine's own: OPTBUILD_DEBIAN_SOURCES (an apt sources file), else what apt here uses for the release, else
# mmdebstrap's default. Its name stays in no file of the result.
#
# Exit codes: 0 done, 3 no mmdebstrap and no container, 4 the mirror no longer has a locked version (each is named),
# another: mmdebstrap failed.
set -eu
umask 022
export LC_ALL=C TZ=UTC

here=$(cd "$(dirname "$0")" && pwd)
release=$(sed -n 's/^release=//p' "$here/base.env")
architecture=$(sed -n 's/^architecture=//p' "$here/base.env")
SOURCE_DATE_EPOCH=$(sed -n 's/^source_date_epoch=//p' "$here/base.env")
export SOURCE_DATE_EPOCH

say() { printf 'base.sh: %s\n' "$*" >&2; }

# Prints the apt sources file to use; nothing means mmdebstrap's own default.
sources_file() {
  if [ -n "${OPTBUILD_DEBIAN_SOURCES:-}" ]; then
    echo "$OPTBUILD_DEBIAN_SOURCES"
    return
  fi
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    if grep -qE "^(deb |Suites:).*[ ]$release([ ]|\$)" "$file" 2>/dev/null; then
      echo "$file"
      return
    fi
  done
}

# apt takes exactly the locked versions, even were they older than the mirror's newest.
write_preferences() {
  while read -r name version _; do
    printf 'Package: %s\nPin: version %s\nPin-Priority: 1001\n\n' "$name" "$version"
  done <"$1"
}

names() { cut -d ' ' -f 1 "$1" | paste -s -d , -; }

# What runs in the finished root ($1), called by mmdebstrap: everything that differs from run to run, that nobody
# reads in a container, that names a mirror, or that lets a process gain rights.
clean_root() {
  rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/preferences.d/* \
    "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/var/lib/apt "$1"/var/cache/apt "$1"/var/log/* \
    "$1"/var/cache/debconf/*-old "$1"/var/cache/ldconfig "$1"/usr/share/bug "$1"/usr/share/gdb "$1"/usr/share/info \
    "$1"/usr/share/perl5 "$1"/var/lib/dpkg/*-old \
    "$1"/etc/machine-id "$1"/var/lib/systemd "$1"/etc/*- "$1"/etc/hostname "$1"/etc/resolv.conf
  find "$1/usr" "$1/etc" -xdev -depth -name __pycache__ -type d -exec rm -rf {} +
  find "$1" -xdev -type f -perm /6000 -exec chmod a-s {} +
}

# make_root OUT.tar PACKAGES...: one root file system; exits 4 when the installed set is not the locked one.
make_root() {
  out=$1
  work=$(mktemp -d)
  shift
  cat "$@" >"$work/packages"
  write_preferences "$work/packages" >"$work/preferences"
  # shellcheck disable=SC2016  # $1 is the hook's own: mmdebstrap passes it the root
  mmdebstrap --quiet --mode="$mode" --variant=essential --architectures="$architecture" \
    --include="$(names "$work/packages")" \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --setup-hook="mkdir -p \"\$1/etc/apt/preferences.d\" && cp '$work/preferences' \"\$1/etc/apt/preferences.d/optbuild\"" \
    --customize-hook="dpkg-query --admindir=\"\$1/var/lib/dpkg\" -W -f '\${Package} \${Version}\n' >'$work/installed'" \
    --customize-hook="'$here/base.sh' --clean-root \"\$1\"" \
    --skip=cleanup/apt --format=tar "$release" "$out.part" ${sources:+"$sources"} >"$work/log" 2>&1 || failed=$?
  check_versions "$work" || failed=4
  if [ -n "${failed:-}" ]; then
    [ "$failed" = 4 ] || tail -n 30 "$work/log" >&2
    rm -rf "$work" "$out.part"
    return "$failed"
  fi
  mv "$out.part" "$out"
  rm -rf "$work"
}

# Locked and installed packages must be the same set; apt's own "Version ... was not found" counts too.
check_versions() {
  [ -s "$1/installed" ] || return 0
  cut -d ' ' -f 1,2 "$1/packages" | sort >"$1/want"
  sort "$1/installed" >"$1/have"
  cmp -s "$1/want" "$1/have" && return 0
  comm -23 "$1/want" "$1/have" | sed 's/^/base.sh: gone from the mirror: /' >&2
  comm -13 "$1/want" "$1/have" | sed 's/^/base.sh: the mirror has now: /' >&2
  return 1
}

run_here() {
  sources=$(sources_file)
  mode=auto
  [ "${OPTBUILD_BASE_IN_CONTAINER:-}" != 1 ] || mode=root
  say "making base.tar and builder.tar for $release/$architecture with mmdebstrap"
  make_root "$here/base.tar" "$here/runtime.packages" &
  first=$!
  make_root "$here/builder.tar" "$here/runtime.packages" "$here/builder.packages" &
  second=$!
  code=0
  wait "$first" || code=$?
  wait "$second" || code=$?
  [ "$code" = 0 ] || exit "$code"
  say "done: $(wc -c <"$here/base.tar") bytes base.tar, $(wc -c <"$here/builder.tar") bytes builder.tar"
}

run_in_container() {
  docker=${DOCKER:-docker}
  image=debian:$release-slim
  if ! command -v "$docker" >/dev/null; then
    say "neither mmdebstrap nor $docker is installed; install one (Debian, Ubuntu: apt-get install mmdebstrap)"
    exit 3
  fi
  say "no mmdebstrap on this machine: using a container of $image"
  # mmdebstrap mounts /proc and /dev in the new root, which an ordinary container may not
  "$docker" run --rm --privileged -v "$here:/context" -e OPTBUILD_BASE_IN_CONTAINER=1 "$image" sh -euc '
    apt-get -qq update >&2
    apt-get -qq install --no-install-recommends mmdebstrap ca-certificates >/dev/null
    /context/base.sh' || {
    code=$?
    [ "$code" = 4 ] && exit 4
    say "the container failed; if $image cannot be pulled here, install mmdebstrap on this machine instead"
    exit 3
  }
}

case ${1:-} in
--clean-root) clean_root "$2" ;;
*) if command -v mmdebstrap >/dev/null; then run_here; else run_in_container; fi ;;
esac
