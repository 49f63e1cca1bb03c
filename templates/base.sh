#!/bin/sh
# Makes base.tar (the final image's root file system) and builder.tar (what the builder stage has besides) beside this
# script, from Debian's packages, in exactly the versions of runtime.packages and builder.packages. Then `docker build`
# can run. Where added.packages names some of runtime.packages again, base.tar has only the others, and added.tar what
# these change: base.tar is then the same file whatever a project adds.
#
# Needs mmdebstrap; where the host has none, it runs in a container (DOCKER, default docker). The mirror is the
# machine's own: OPTBUILD_DEBIAN_SOURCES (an apt sources file), else what apt here uses for the release, else
# mmdebstrap's default. Its name stays in no file of the result.
#
# Exit codes: 0 done, 2 OPTBUILD_DEBIAN_SOURCES names no file, 3 no mmdebstrap and no container, 4 the mirror no longer
# has a locked version (each is named), 129/130/143 ended by a signal, another: mmdebstrap failed. However it ends,
# nothing that it started goes on, and nothing half made stays.
set -eu
umask 022
export LC_ALL=C TZ=UTC

here=$(cd "$(dirname "$0")" && pwd)
release=$(sed -n 's/^release=//p' "$here/base.env")
architecture=$(sed -n 's/^architecture=//p' "$here/base.env")
pruned=$(sed -n 's/^pruned=//p' "$here/base.env")
SOURCE_DATE_EPOCH=$(sed -n 's/^source_date_epoch=//p' "$here/base.env")
export SOURCE_DATE_EPOCH

say() { printf 'base.sh: %s\n' "$*" >&2; }

# Prints the apt sources file to use, as an absolute path; nothing means mmdebstrap's own default.
sources_file() {
  if [ -n "${OPTBUILD_DEBIAN_SOURCES:-}" ]; then
    if [ ! -f "$OPTBUILD_DEBIAN_SOURCES" ]; then
      say "OPTBUILD_DEBIAN_SOURCES names $OPTBUILD_DEBIAN_SOURCES, which is not a file; correct or unset it"
      exit 2
    fi
    (cd "$(dirname "$OPTBUILD_DEBIAN_SOURCES")" && echo "$PWD/${OPTBUILD_DEBIAN_SOURCES##*/}")
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

# pruned_files RULE: what a rule of the spec's [slim] takes, as paths below the root, the current folder.
pruned_files() {
  case $1 in
  dpkg-symbols) find var/lib/dpkg/info -name '*.symbols' ;;
  debconf-templates) find var/cache/debconf -name templates.dat ;;
  gconv) find usr/lib -path '*/gconv/*' -type f ;;
  leap-second-zones) find usr/share/zoneinfo/right ! -type d ;;
  perl) sed 's|^/||' var/lib/dpkg/info/perl-base.list | while read -r path; do
    [ ! -f "$path" ] || (cd "$(dirname "$path")" && echo "$(pwd -P)/${path##*/}")
  done | sed "s|^$(pwd -P)/||" ;;
  *)
    say "base.env names the rule $1, which this script does not know; render the context again"
    exit 2
    ;;
  esac
}

# prune_root ROOT RULE...: removes what each rule takes, and writes how much that was where `optbuild inspect` looks.
prune_root() {
  root=$1 separator='' ledger=
  shift
  cd "$root"
  for rule in "$@"; do
    list=$(pruned_files "$rule")
    [ -n "$list" ] || continue
    # a file with two names is one file
    sums=$(echo "$list" | xargs -d '\n' stat -c '%i %s' | sort -u | awk '{ sum += $2 } END { print NR, sum }')
    echo "$list" | xargs -d '\n' rm -f
    echo "$list" | sed 's|/[^/]*$||' | sort -ur | xargs -d '\n' rmdir -p --ignore-fail-on-non-empty 2>/dev/null || :
    ledger="$ledger$separator\"$rule\": {\"files\": ${sums% *}, \"bytes\": ${sums#* }}"
    separator=', '
  done
  [ -n "$ledger" ] || return 0
  mkdir -p usr/share/optbuild
  printf '{"schema_version": 1, "rules": {%s}}\n' "$ledger" >usr/share/optbuild/pruned.json
}

# finish_root ROOT WORK RULE...: what runs in the finished root, called by mmdebstrap. It is cleaned; in a copy of it
# added.packages and then builder.packages are installed, and what each changed there becomes a tar in WORK.
finish_root() {
  root=$1 work=$2 copy=$1/optbuild-copy
  shift 2
  check_names "$work"
  mkdir "$copy" "$copy/dev" "$copy/proc" "$copy/sys"
  find "$root" -mindepth 1 -maxdepth 1 ! -name dev ! -name proc ! -name sys ! -path "$copy" -exec cp -a {} "$copy" \;
  "$here/base.sh" --clean-root "$root" "$@"
  sed "s|$root|$copy|g" "$MMDEBSTRAP_APT_CONFIG" >"$work/apt.conf"
  if [ -f "$work/added.packages" ]; then
    make_added "$@"
  elif [ -s "$here/added.packages" ]; then
    echo ./usr | write_tar "$root" "$work/added.tar"
  fi
  make_builder "$@"
  rm -rf "$copy"
}

# make_added RULE...: added.tar has each entry that differs between ROOT and a clean copy that has added.packages too.
# What was written meanwhile differs, whatever is in it now.
make_added() {
  tree=$root/optbuild-added
  mark_time
  install_in_copy "$work/added.packages" || refuse_division "apt cannot add the packages of added.packages to the others"
  list_installed "$copy" >"$work/added/installed"
  (cd "$copy" && find . -mindepth 1 -cnewer "$work/copied" ! -type d) | sort >"$work/written"
  cp -al "$copy" "$tree"
  "$here/base.sh" --clean-root "$tree" "$@"
  list_entries "$root" >"$work/before"
  list_entries "$tree" >"$work/after"
  for name in before after; do cut -f 1 "$work/$name" | sort >"$work/$name.paths"; done
  gone=$(comm -23 "$work/before.paths" "$work/after.paths" | head -n 1)
  [ -z "$gone" ] || refuse_division "a package of added.packages removes $gone"
  {
    echo ./usr # a tar without entries is not known as one
    comm -13 "$work/before" "$work/after" | cut -f 1
    comm -12 "$work/written" "$work/after.paths"
  } | list_with_folders | write_tar "$tree" "$work/added.tar"
  rm -rf "$tree"
}

# Each later change has a greater time than WORK/copied: the kernel's clock of files has ticks of up to 10 ms, and what
# is installed in the same one would count as there before.
mark_time() {
  touch "$work/copied"
  sleep 0.02
}

# list_entries TREE: a sorted line for each entry, its path first, with all that a layer keeps of it but the content.
list_entries() {
  (cd "$1" && find . -mindepth 1 \( -path ./dev -o -path ./proc -o -path ./sys -o -path './optbuild-*' \) -prune -o \
    -printf '%p\t%T@\t%s\t%y %m %U %G %l\n') | awk -F '\t' -v OFS='\t' -v epoch="$SOURCE_DATE_EPOCH" '
      $2 > epoch + 0 { $2 = epoch }
      $4 ~ /^d/ { $3 = "" }
      { print }' | sort
}

# Adds to each path that it reads the folders above it: a layer that has an entry of them has their times too.
list_with_folders() {
  awk '{ print; path = $0; while (sub("/[^/]*$", "", path) && path != ".") print path }'
}

# refuse_division REASON: then base.tar gets all packages, in a second run.
refuse_division() {
  echo "$1" >"$work/undivided"
  exit 1
}

# Whether what mmdebstrap installed has only names of runtime.packages: apt may choose otherwise where it knows less.
check_names() {
  [ -f "$1/added.packages" ] || return 0
  cut -d ' ' -f 1 "$1/installed" | sort >"$1/names"
  other=$(cut -d ' ' -f 1 "$here/runtime.packages" | sort | comm -23 "$1/names" - | head -n 1)
  [ -z "$other" ] || refuse_division "without the packages of added.packages apt installs $other"
}

# make_builder RULE...: builder.tar has what builder.packages changed, and what the rules take from the base: the
# builder keeps what its packages' own programs may need.
make_builder() {
  mark_time
  install_in_copy "$here/builder.packages"
  list_installed "$copy" >"$work/builder/installed"
  clean_root "$copy"
  (cd "$copy" && list_builder "$work/copied" "$@") | write_tar "$copy" "$work/builder.tar"
}

list_installed() { dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${Package} ${Version}\n'; }

# write_tar TREE FILE: of the paths that it reads, a line each.
write_tar() {
  sort -u | tr '\n' '\0' |
    tar --directory="$1" --create --file="$2" --numeric-owner --xattrs --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime \
      --format=pax --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime \
      --no-recursion --null --files-from=-
}

# list_builder STAMP RULE...: below the current folder, what changed since, and what each rule takes.
list_builder() {
  find . -mindepth 1 -cnewer "$1"
  shift
  for rule in "$@"; do pruned_files "$rule" | sed 's|^|./|'; done
}

# Into the copy, from a list of packages.
install_in_copy() { unshare --mount "$here/base.sh" --install "$1" "$root" "$copy" "$work/apt.conf"; }

# In a mount namespace of its own, so that no mount outlives it. There the copy lies in the root's place: apt has the
# index of its lists in a file, which names them with their paths, and takes 2 s of CPU to make another. Some ways of
# mmdebstrap have no mounts: then there are none here either, and APT-CONFIG has the copy's paths. Nothing is removed:
# what a lower layer has stays.
install_packages() {
  for folder in dev proc sys; do mount --rbind "$2/$folder" "$3/$folder" || :; done
  if mount --rbind "$3" "$2"; then
    set -- "$1" "$2" "$2" "$MMDEBSTRAP_APT_CONFIG"
  fi
  cut -d ' ' -f 1 "$1" |
    APT_CONFIG="$4" xargs apt-get --yes --no-remove -oDPkg::Chroot-Directory="$3" install
}

# make_roots WORK ADDED: makes the tars; returns 4 when an installed set is not the locked one. ADDED: a list of packages
# that base.tar does not get, where it is not empty. WORK/undivided says why that cannot be.
make_roots() {
  work=$1
  mkdir "$work" "$work/builder" "$work/added"
  if [ -s "$2" ]; then
    cp "$2" "$work/added.packages"
    cp "$here/runtime.packages" "$work/added/packages"
    grep -vxF -f "$2" "$here/runtime.packages" >"$work/packages"
  else
    cp "$here/runtime.packages" "$work/packages"
  fi
  cat "$here/runtime.packages" "$here/builder.packages" >"$work/builder/packages"
  write_preferences "$work/builder/packages" >"$work/preferences"
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
    --customize-hook="'$here/base.sh' --finish-root \"\$1\" '$work' $pruned" \
    --skip=cleanup/apt --format=tar "$release" "$here/base.tar.part" ${sources:+"$sources"} >"$work/log" 2>&1 || failed=$?
  [ ! -f "$work/undivided" ] || return 1
  whole=$work
  [ ! -s "$2" ] || whole=$work/added
  check_versions "$whole" || failed=4
  check_versions "$work/builder" || failed=4
  if [ -n "${failed:-}" ]; then
    [ "$failed" = 4 ] || tail -n 30 "$work/log" >&2
    return "$failed"
  fi
  for tar in builder.tar added.tar; do
    [ ! -f "$work/$tar" ] || mv "$work/$tar" "$here/$tar.part"
  done
  for tar in builder.tar added.tar base.tar; do
    [ ! -f "$here/$tar.part" ] || mv "$here/$tar.part" "$here/$tar"
  done
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

# Prints the processes and all that they started, directly or not.
trees() {
  sed -n 's/^\([0-9]*\) (.*) [A-Za-z] \([0-9]*\) .*/\1 \2/p' /proc/[0-9]*/stat 2>/dev/null | awk -v processes="$*" '
    { children[$2] = children[$2] " " $1 }
    END {
      count = split(processes, all, " ")
      for (i = 1; i <= count; i++) {
        print all[i]
        more = split(children[all[i]], these, " ")
        for (j = 1; j <= more; j++) all[++count] = these[j]
      }
    }'
}

# Prints those of the processes that still run.
alive() {
  for process in "$@"; do
    ! kill -0 "$process" 2>/dev/null || echo "$process"
  done
}

# Ends the jobs and what they started: a shell's background jobs ignore Ctrl-C, and mmdebstrap's first process passes
# no signal on. They have 8 s to unmount what they mounted.
end_jobs() {
  [ -n "$jobs" ] || return 0
  # shellcheck disable=SC2086  # lists of numbers
  all=$(trees $jobs)
  # shellcheck disable=SC2086
  kill -TERM $all 2>/dev/null || :
  wait
  waited=0
  # shellcheck disable=SC2086
  while all=$(alive $all) && [ -n "$all" ]; do
    waited=$((waited + 1))
    [ "$waited" -le 40 ] || { kill -KILL $all 2>/dev/null || :; return 0; }
    sleep 0.2
  done
}

# Before its client is ended, which waits for it, and after: the client may have just made it.
remove_container() { [ -z "$container" ] || "$docker" rm --force "$container" >/dev/null 2>&1 || :; }

clean_up() {
  trap '' INT TERM HUP
  trap - EXIT
  remove_container
  end_jobs
  remove_container
  rm -rf ${folder:+"$folder"} "$here/base.tar.part" "$here/builder.tar.part" "$here/added.tar.part"
}

# Before anything is started: from here on whatever ends this script ends its work too.
clean_up_at_the_end() {
  jobs='' folder='' container=''
  trap 'clean_up; exit 129' HUP
  trap 'clean_up; exit 130' INT
  trap 'clean_up; exit 143' TERM
  trap clean_up EXIT
}

run_here() {
  sources=$(sources_file)
  clean_up_at_the_end
  folder=$(mktemp -d)
  mode=auto
  [ "${OPTBUILD_BASE_IN_CONTAINER:-}" != 1 ] || mode=root
  say "making base.tar and builder.tar for $release/$architecture with mmdebstrap"
  wait_for_roots "$folder/divided" "$here/added.packages"
  if [ -f "$folder/divided/undivided" ]; then
    say "$(cat "$folder/divided/undivided"): base.tar gets all packages, and added.tar next to nothing"
    wait_for_roots "$folder/whole" "$folder/none"
  fi
  [ "$code" = 0 ] || exit "$code"
  [ -s "$here/added.packages" ] || rm -f "$here/added.tar"
  for tar in base.tar added.tar builder.tar; do
    [ ! -f "$here/$tar" ] || sizes=${sizes:+$sizes, }"$(wc -c <"$here/$tar") bytes $tar"
  done
  say "done: $sizes"
}

# In the background, as run_in_container says.
wait_for_roots() {
  make_roots "$@" &
  jobs=$!
  code=0
  wait "$jobs" || code=$?
  jobs=''
}

run_in_container() {
  docker=${DOCKER:-docker}
  image=debian:$release-slim
  if ! command -v "$docker" >/dev/null; then
    say "neither mmdebstrap nor $docker is installed; install one (Debian, Ubuntu: apt-get install mmdebstrap)"
    exit 3
  fi
  sources=$(sources_file)
  clean_up_at_the_end
  container=optbuild-base-$(date +%s)-$$
  say "no mmdebstrap on this machine: using a container of $image"
  set -- --volume "$here:/context"
  [ -z "$sources" ] || set -- "$@" --volume "$sources:/optbuild/${sources##*/}:ro" \
    --env "OPTBUILD_DEBIAN_SOURCES=/optbuild/${sources##*/}"
  for key in $(keys "$sources"); do set -- "$@" --volume "$key:$key:ro"; done
  # privileged: mmdebstrap mounts /proc and /dev in the new root, which an ordinary container may not.
  # In the background: a shell hears signals while it waits, not while a program runs in the foreground.
  "$docker" run --rm --init --privileged --name "$container" "$@" --env OPTBUILD_BASE_IN_CONTAINER=1 \
    --env http_proxy --env https_proxy --env no_proxy "$image" sh -euc "$IN_CONTAINER" &
  jobs=$!
  code=0
  wait "$jobs" || code=$?
  jobs='' container=''
  case $code in
  0 | 4) exit "$code" ;;
  esac
  say "the container failed; if $image cannot be pulled here, install mmdebstrap on this machine instead"
  exit 3
}

# Prints the key files that an apt sources file names.
keys() {
  [ -n "$1" ] || return 0
  sed -n 's/^Signed-By:[ ]*//p; s/^deb .*signed-by=\([^] ]*\).*/\1/p' "$1" | sort -u | while read -r key; do
    [ ! -f "$key" ] || echo "$key"
  done
}

# The container's apt uses the machine's mirror too, where one is known.
# shellcheck disable=SC2016  # the variables are the container's
readonly IN_CONTAINER='
  export DEBIAN_FRONTEND=noninteractive
  file=${OPTBUILD_DEBIAN_SOURCES:-}
  if [ -n "$file" ]; then
    rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
    name=optbuild.list
    ! grep -q "^Types:" "$file" || name=optbuild.sources
    cp "$file" "/etc/apt/sources.list.d/$name"
  fi
  apt-get -qq update >&2
  apt-get -qq install --no-install-recommends mmdebstrap ca-certificates >/dev/null
  exec /context/base.sh'

case ${1:-} in
--clean-root)
  shift
  clean_root "$1"
  prune_root "$@"
  ;;
--finish-root)
  shift
  finish_root "$@"
  ;;
--install)
  shift
  install_packages "$@"
  ;;
*) if command -v mmdebstrap >/dev/null; then run_here; else run_in_container; fi ;;
esac
