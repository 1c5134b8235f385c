# Sourced by the other scripts: makes .venv from the lock files. Only Python with pip is needed.

find_python() {
  # The machine's own python3 first; `venv` and `ensurepip` are packages of their own on Debian.
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (4,))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer with venv is needed (Debian, Ubuntu: apt install python3-venv), or name one: PYTHON=/path/to/python3.12 $0" >&2
  return 2
}

fingerprint() { # FILES...: changes when one of them does, or the place or Python of the environment
  { pwd; .venv/bin/python -VV; cat "$@"; } | cksum
}

install() { # FILES...: exactly what they lock, checked by hash
  local file
  for file in "$@"; do
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r "$file"
  done
}

# Makes .venv hold what the lock file NAME (runtime or dev) says, and the project itself. Repeated, it takes no time.
make_environment() {
  local lock=requirements/$1.lock stamp=.venv/installed-$1 now
  if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    local python
    python=$(find_python) || exit 2
    echo "Making .venv with $("$python" --version) …" >&2
    rm -rf .venv
    "$python" -m venv .venv
  fi
  now=$(fingerprint "$lock" requirements/build.lock pyproject.toml)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
    return
  fi
  # dev holds all of runtime, at the same versions.
  if [ "$1" = runtime ] && [ "$(cat .venv/installed-dev 2>/dev/null)" = "$(fingerprint requirements/dev.lock requirements/build.lock pyproject.toml)" ]; then
    return
  fi
  echo "Installing what $lock lists …" >&2
  install "$lock" requirements/build.lock
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --editable .
  echo "$now" >"$stamp"
}
