#!/usr/bin/env bash
# make-venv.sh run|test: make or refresh .venv with what pyproject.toml asks for; never deletes a working one.
# PYTHON= names the interpreter (3.11 or 3.12); exit 3 with one clear line when there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1-}" in
  run) what=. ;;
  test) what='.[test]' ;;
  *) echo "usage: packaging/make-venv.sh run|test" >&2; exit 2 ;;
esac

# Running it is the only proof: pyenv's shims exist for versions that are not installed.
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }
serves() { case "$(version_of "$1")" in 3.11 | 3.12) return 0 ;; *) return 1 ;; esac; }

python=
if [ -n "${PYTHON-}" ]; then
  if ! serves "$PYTHON"; then
    echo "PYTHON=$PYTHON is $(version_of "$PYTHON" | grep . || echo 'not a Python that runs'); 3.11 or 3.12 is needed" >&2
    exit 3
  fi
  python=$PYTHON
else
  for candidate in python3.11 python3.12 python3; do
    if serves "$candidate"; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then
    echo "No Python 3.11 or 3.12 found (python3 is '$(version_of python3)'); name one: make PYTHON=/path/to/python3.11" >&2
    exit 3
  fi
fi

exec 9<pyproject.toml && flock 9  # two makes at once: one waits for the other
if ! serves .venv/bin/python || { [ -n "${PYTHON-}" ] && [ "$(version_of .venv/bin/python)" != "$(version_of "$python")" ]; }; then
  echo "Making .venv with $python ($(version_of "$python"))"
  if ! "$python" -m venv --clear .venv; then
    echo "$python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2
    exit 3
  fi
fi
echo "Installing what pyproject.toml asks for ($1)"
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 -e "$what"; then
  echo "pip could not install it all (see above); with the network back, run the same command again" >&2
  exit 3
fi
touch ".venv/ready-$1"
[ "$1" = run ] || touch .venv/ready-run
