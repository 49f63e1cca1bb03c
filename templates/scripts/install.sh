#!/bin/bash
# Runs in the builder stage, each distribution checked by its hash:
#   install.sh tools                  the pinned uv, and wheels of what has only an sdist
#   install.sh packages OUT EPOCH     the locked distributions as a virtual environment, finished and moved below OUT
# What is downloaded stays in cache mounts; the package index and its credentials come from the secrets, if any.
set -o pipefail -o errexit -o nounset

readonly target=/home/airflow/.local
readonly requirements=/requirements
readonly tools=/opt/optbuild     # pip's uv and the environment that makes wheels; stays in this stage
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

pip_run() { # pip_run PYTHON ARGUMENT...: Debian's pip, straight from its wheel
  local wheel=(/usr/share/python-wheels/pip-*.whl)
  "$1" "${wheel[0]}/pip" "${@:2}"
}

make_environment() { # make_environment FOLDER: a virtual environment without pip
  python3 -m venv --without-pip --symlinks "$1"
  rm -f "$1"/bin/[Aa]ctivate*
}

build_wheels() { # from sdists, with their own pinned build requirements and nothing from elsewhere
  make_environment "$tools/build"
  "$tools/uv/bin/uv" pip install --quiet --python "$tools/build/bin/python" --no-deps --require-hashes \
    --only-binary :all: --requirements "$requirements/build-requires.txt"
  pip_run "$tools/build/bin/python" wheel --quiet --quiet --no-deps --no-build-isolation --require-hashes --no-binary :all: \
    --requirement "$requirements/sdists.txt" --wheel-dir "$wheels"
  cut -d ' ' -f 1 "$requirements/sdists.txt" >"$tools/pins.txt"
}

# Every process that follows reads the standard library's bytecode; the builder comes without. Nobody needs what fails.
compile_stdlib() { python3 -m compileall -qq /usr/lib/python3.* || :; }

install_tools() {
  compile_stdlib
  pip_run python3 install --quiet --no-deps --require-hashes --only-binary :all: --target "$tools/uv" \
    --requirement "$requirements/uv.txt"
  [ ! -s "$requirements/sdists.txt" ] || build_wheels
}

install_packages() {
  make_environment "$target"
  "$tools/uv/bin/uv" pip install --quiet --python "$target/bin/python" --no-deps --require-hashes \
    --only-binary :all: --requirements "$requirements/requirements.txt"
  if [ -d "$wheels" ]; then
    # by name, not by path: uv would note the path in the installed metadata (direct_url.json)
    "$tools/uv/bin/uv" pip install --quiet --python "$target/bin/python" --no-deps --no-index --find-links "$wheels" \
      --requirements "$tools/pins.txt"
  fi
  python3 /scripts/finish.py packages "$target" "$1"
  python3 /scripts/finish.py stamp "$1" "$2"
}

read_secret uv_default_index UV_DEFAULT_INDEX PIP_INDEX_URL
read_secret uv_index UV_INDEX PIP_EXTRA_INDEX_URL
"install_$1" "${@:2}"
