#!/bin/sh
# Downloads beside this script the .debs that an image gets beside what it stands on: debs/ (for the final image, by
# runtime.packages) and builder-debs/ (what the builder stage has besides, by builder.packages), each checked by its
# sha256. Then `docker build` can run, and needs no Debian mirror.
#
# Needs apt-get and a source of the release; where the host lacks one of them, a container has both (DOCKER, default
# docker). The mirror is the machine's own: OPTBUILD_DEBIAN_SOURCES (an apt sources file), else what apt here uses for
# the release. Its name stays in no file of the result, and nothing of the machine's apt changes.
#
# Exit codes: 0 done, 2 OPTBUILD_DEBIAN_SOURCES names no file, 3 no apt-get or source here and no container, 4 the mirror
# no longer has a locked version (each is named), 129/130/143 ended by a signal, another: apt-get failed. However it
# ends, nothing that it started goes on, and nothing half made stays.
set -eu
umask 022
export LC_ALL=C TZ=UTC

here=$(cd "$(dirname "$0")" && pwd)
release=$(sed -n 's/^release=//p' "$here/base.env")
architecture=$(sed -n 's/^architecture=//p' "$here/base.env")
job='' folder='' container=''

say() { printf 'debs.sh: %s\n' "$*" >&2; }

# Runs a program so that a signal ends it: a shell hears signals while it waits, not while a program runs in the
# foreground. $1 is the folder to run in.
run() {
  (cd "$1" && shift && exec "$@") &
  job=$!
  code=0
  wait "$job" || code=$?
  job=''
  return "$code"
}

# Before its client is ended, which waits for it, and after: the client may have just made it.
remove_container() { [ -z "$container" ] || "$docker" rm --force "$container" >/dev/null 2>&1 || :; }

clean_up() {
  trap '' INT TERM HUP
  trap - EXIT
  remove_container
  # a program in the background does not hear Ctrl-C
  [ -z "$job" ] || { kill -TERM "$job" 2>/dev/null || :; wait; }
  remove_container
  rm -rf ${folder:+"$folder"} "$here/debs.part" "$here/builder-debs.part"
}

# Before anything is started: from here on whatever ends this script ends its work too.
clean_up_at_the_end() {
  trap 'clean_up; exit 129' HUP
  trap 'clean_up; exit 130' INT
  trap 'clean_up; exit 143' TERM
  trap clean_up EXIT
}

check_named_sources() {
  [ -n "${OPTBUILD_DEBIAN_SOURCES:-}" ] || return 0
  [ -f "$OPTBUILD_DEBIAN_SOURCES" ] && return 0
  say "OPTBUILD_DEBIAN_SOURCES names $OPTBUILD_DEBIAN_SOURCES, which is not a file; correct or unset it"
  exit 2
}

# Writes into folder $1 the sources of the release, in both formats of sources.list(5); fails where there is none.
write_sources() {
  suites="$release(-updates|-security|/updates)?"
  if [ -n "${OPTBUILD_DEBIAN_SOURCES:-}" ]; then
    set -- "$1" "$OPTBUILD_DEBIAN_SOURCES"
  else
    set -- "$1" /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources
  fi
  target=$1
  shift
  for file in "$@"; do
    [ -f "$file" ] || continue
    if grep -q '^Types:' "$file"; then
      awk -v RS= -v ORS='\n\n' -v suites="[ :]$suites " '{
        count = split($0, lines, "\n")
        for (i = 1; i <= count; i++) if (lines[i] ~ /^Suites:/ && lines[i] " " ~ suites) { print; next }
      }' "$file" >>"$target/optbuild.sources"
    else
      grep -E "^deb .* $suites( |\$)" "$file" >>"$target/optbuild.list" || :
    fi
  done
  [ -s "$target/optbuild.sources" ] || [ -s "$target/optbuild.list" ]
}

# apt.conf for a state of its own below $1, read after the machine's, whose proxy and certificates stay in force.
write_settings() {
  mkdir -p "$1/sources" "$1/state/lists/partial" "$1/cache/archives/partial"
  : >"$1/status"
  cat >"$1/apt.conf" <<SETTINGS
Dir::State "$1/state";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$1/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
#clear APT::Architectures;
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Get::AllowUnauthenticated "false";
APT::Sandbox::User "root";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
SETTINGS
}

# check_versions LIST...: returns 4 unless the mirror has each locked version.
check_versions() {
  cat "$@" | cut -d ' ' -f 1,2 | sort -u >"$folder/want"
  [ -s "$folder/want" ] || return 0
  # shellcheck disable=SC2046  # names of packages
  apt-cache --config-file "$folder/apt.conf" madison $(cut -d ' ' -f 1 "$folder/want") 2>/dev/null |
    sed -n 's/^ *\([^ |]*\) *| *\([^ |]*\) *|.*/\1 \2/p' | sort -u >"$folder/have"
  comm -23 "$folder/want" "$folder/have" >"$folder/gone"
  [ -s "$folder/gone" ] || return 0
  sed 's/^/debs.sh: gone from the mirror: /' "$folder/gone" >&2
  while read -r name _; do sed -n "s/^$name /debs.sh: the mirror has now: $name /p" "$folder/have"; done \
    <"$folder/gone" >&2
  return 4
}

# download LIST NAME: exactly the .debs of LIST into NAME.part beside this script.
download() {
  rm -rf "$here/$2.part"
  mkdir "$here/$2.part"
  [ -s "$1" ] || return 0
  # shellcheck disable=SC2046  # names and versions of packages
  run "$here/$2.part" apt-get --config-file "$folder/apt.conf" --quiet=2 download \
    $(awk '{ print $1 "=" $2 }' "$1") >"$folder/log" 2>&1 || { code=$?; tail -n 30 "$folder/log" >&2; return "$code"; }
  # apt writes a version's colon as %3a
  awk '{ version = $2; gsub(":", "%3a", version); print $4 "  " $1 "_" version "_" $3 ".deb" }' "$1" >"$folder/sums"
  (cd "$here/$2.part" && sha256sum --check --strict "$folder/sums") >"$folder/checked" 2>&1 && return 0
  sed -n 's/^\([^_]*\)_\(.*\)_[^_]*: FAILED.*/\1 \2/p' "$folder/checked" | sed 's/%3a/:/' >"$folder/other"
  if [ ! -s "$folder/other" ]; then
    say "${1##*/} cannot be checked; render the context again: $(tail -n 1 "$folder/checked")"
    return 1
  fi
  sed 's/^/debs.sh: gone from the mirror: /; s/$/ (it has another file of that name)/' "$folder/other" >&2
  return 4
}

run_here() {
  say "downloading the Debian packages of $release/$architecture"
  run "$folder" apt-get --config-file "$folder/apt.conf" --quiet=2 --error-on=any update >"$folder/log" 2>&1 ||
    { code=$?; tail -n 30 "$folder/log" >&2; exit "$code"; }
  check_versions "$here/runtime.packages" "$here/builder.packages" || exit $?
  download "$here/runtime.packages" debs || exit $?
  download "$here/builder.packages" builder-debs || exit $?
  rm -rf "$here/debs" "$here/builder-debs"
  mv "$here/builder-debs.part" "$here/builder-debs"
  mv "$here/debs.part" "$here/debs"
  say "done: $(find "$here/debs" -name '*.deb' | wc -l) in debs, $(find "$here/builder-debs" -name '*.deb' | wc -l) in builder-debs"
}

run_in_container() {
  docker=${DOCKER:-docker}
  image=debian:$release-slim
  if ! command -v "$docker" >/dev/null; then
    say "this machine $1, and $docker is not installed; run this on Debian $release, or name a sources file with" \
      "OPTBUILD_DEBIAN_SOURCES, or install $docker"
    exit 3
  fi
  container=optbuild-debs-$(date +%s)-$$
  say "this machine $1: using a container of $image"
  set -- --volume "$here:/context" --user "$(id -u):$(id -g)"
  if [ -n "${OPTBUILD_DEBIAN_SOURCES:-}" ]; then
    sources=$(cd "$(dirname "$OPTBUILD_DEBIAN_SOURCES")" && echo "$PWD/${OPTBUILD_DEBIAN_SOURCES##*/}")
    set -- "$@" --volume "$sources:/optbuild/${sources##*/}:ro" \
      --env "OPTBUILD_DEBIAN_SOURCES=/optbuild/${sources##*/}"
    for key in $(keys "$sources"); do set -- "$@" --volume "$key:$key:ro"; done
  fi
  run "$here" "$docker" run --rm --init --name "$container" "$@" --env OPTBUILD_DEBS_IN_CONTAINER=1 \
    --env http_proxy --env https_proxy --env no_proxy "$image" /context/debs.sh || code=$?
  container=''
  case $code in
  0 | 4) exit "$code" ;;
  esac
  say "the container failed; if $image cannot be pulled here, name an apt sources file of $release with" \
    "OPTBUILD_DEBIAN_SOURCES on a machine that has apt-get"
  exit 3
}

# Prints the key files that an apt sources file names.
keys() {
  sed -n 's/^Signed-By:[ ]*//p; s/^deb .*signed-by=\([^] ]*\).*/\1/p' "$1" | sort -u | while read -r key; do
    [ ! -f "$key" ] || echo "$key"
  done
}

check_named_sources
clean_up_at_the_end
folder=$(mktemp -d)
write_settings "$folder"
lacks=''
write_sources "$folder/sources" || lacks="has no apt source of $release"
command -v apt-get >/dev/null || lacks='has no apt-get'
if [ ! -s "$here/runtime.packages" ] && [ ! -s "$here/builder.packages" ]; then
  mkdir -p "$here/debs" "$here/builder-debs"
  say "done: the image needs no package that its base lacks"
elif [ -z "$lacks" ]; then
  run_here
elif [ -n "${OPTBUILD_DEBS_IN_CONTAINER:-}" ]; then
  say "the container $lacks"
  exit 3
else
  run_in_container "$lacks"
fi
