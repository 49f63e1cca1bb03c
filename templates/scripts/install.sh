#!/bin/bash
# Runs in the builder stage, each distribution checked by its hash:
#   install.sh tools                  the pinned uv
#   install.sh sdists                 wheels of what has only an sdist
#   install.sh packages OUT EPOCH     the distributions of /stage, finished, a folder below OUT for each layer
# What is downloaded stays in cache mounts; the package index and its credentials come from the secrets, if any.
set -o pipefail -o errexit -o nounset

readonly target=/home/airflow/.local
readonly requirements=/requirements
readonly tools=/opt/optbuild     # uv, and the environment that makes wheels; stays in its stages
readonly wheels=$tools/wheels
export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_WARN_SCRIPT_LOCATION=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1
export CFLAGS=-g0 CXXFLAGS=-g0   # debug information would carry the names of temporary folders

read_secret() { # read_secret ID NAME...: export the secret's value under each name
  local file=/run/secrets/$1 name
  shift
  [ -s "$file" ] || return 0
  for name in "$@"; do export "$name=$(cat "$file")"; done
}

pip_run() { # pip_run ARGUMENT...: Debian's pip, straight from its wheel
  local wheel=(/usr/share/python-wheels/pip-*.whl)
  python3 "${wheel[0]}/pip" "$@"
}

make_environment() { # make_environment FOLDER: a virtual environment without pip
  local python real
  hash -r   # bash remembers where it found python3: in the environment of the round before, which is gone
  python=$(command -v python3) real=$(readlink -f "$(command -v python3)")
  # By a link that lies in another folder than its interpreter (apache/airflow 3 has them in /usr/local/bin), the
  # environment would look for the standard library beside the link.
  [ "${real%/*}" = "${python%/*}" ] || python=$real
  "$python" -m venv --without-pip --symlinks "$1"
  rm -f "$1"/bin/[Aa]ctivate*
}

# Every process that follows reads the standard library's bytecode; the builder comes without. Another stage may have made
# it already. Nobody needs what fails.
add_bytecode() {
  if [ -d /stdlib ]; then cp --recursive /stdlib/. /usr/lib/; else python3 -m compileall -qq /usr/lib/python3.* || :; fi
}

install_tools() {
  add_bytecode
  python3 /scripts/fetch.py "$requirements/uv.txt" "$tools/uv" ||
    pip_run install --quiet --no-deps --require-hashes --only-binary :all: --target "$tools/uv" \
      --requirement "$requirements/uv.txt"
}

install_sdists() { # with their own pinned build requirements and nothing from elsewhere
  mkdir -p "$wheels"
  [ -s "$requirements/sdists.txt" ] || return 0
  make_environment "$tools/build"
  # with bytecode: each sdist's build starts several interpreters, and may not write any (it would get into the wheel)
  "$tools/uv/bin/uv" pip install --quiet --python "$tools/build/bin/python" --no-deps --require-hashes \
    --only-binary :all: --compile-bytecode --requirements "$requirements/build-requires.txt"
  # uv leaves the wheels that it makes in its cache. One of its own, empty: another would give wheels that were made
  # with other build requirements.
  UV_CACHE_DIR=$tools/cache "$tools/uv/bin/uv" pip install --quiet --python "$tools/build/bin/python" \
    --target "$tools/installed" --no-deps --require-hashes --no-build-isolation --no-binary :all: \
    --requirements "$requirements/sdists.txt"
  find "$tools/cache" -type f -name '*.whl' -exec mv --target-directory="$wheels" {} +
  check_wheels
  rm -rf "$tools/cache" "$tools/installed"
}

check_wheels() {
  local made wanted
  made=$(find "$wheels" -name '*.whl' | wc -l)
  wanted=$(wc -l <"$requirements/sdists.txt")
  [ "$made" = "$wanted" ] && return
  echo "install.sh: of $wanted sdists uv left $made wheels in its cache, where it kept them so far: install another version" \
    "of uv beside optbuild and lock again" >&2
  exit 1
}

install_distributions() { # install_distributions FOLDER: what is named there, into a new environment
  rm -rf "$target"
  make_environment "$target"
  if [ -s "$1/requirements.txt" ]; then
    "$tools/uv/bin/uv" pip install --quiet --python "$target/bin/python" --no-deps --require-hashes \
      --only-binary :all: --requirements "$1/requirements.txt"
  fi
  if [ -s "$1/sources.txt" ]; then
    # by name, not by path: uv would note the path in the installed metadata (direct_url.json)
    "$tools/uv/bin/uv" pip install --quiet --python "$target/bin/python" --no-deps --no-index --find-links "$wheels" \
      --requirements "$1/sources.txt"
  fi
  [ ! -e /scripts/start_script.py ] || python3 /scripts/start_script.py "$target"   # [build] pause-gc-at-start
}

install_packages() { # EPOCH is the time of folders: layers share them
  local round rounds=/tmp/rounds
  install_distributions /stage
  python3 /scripts/finish.py packages "$target" /stage "$rounds" "$1" "$2"
  [ -d "$rounds" ] || return 0
  for round in "$rounds"/*; do
    install_distributions "$round"
    python3 /scripts/finish.py packages "$target" /stage - "$1" "$2"
  done
}

read_secret uv_default_index UV_DEFAULT_INDEX PIP_INDEX_URL
read_secret uv_index UV_INDEX PIP_EXTRA_INDEX_URL
"install_$1" "${@:2}"
