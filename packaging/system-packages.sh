#!/usr/bin/env bash
# system-packages.sh run|test: name the Debian packages that are missing and install them in one go.
# Quick and offline when nothing is missing. Exit codes: 0 all there, 2 usage, 3 cannot install.
set -euo pipefail
cd "$(dirname "$0")"

case "${1-}" in
  run) lists=(apt-run.txt) ;;
  test) lists=(apt-run.txt apt-test.txt) ;;
  *) echo "usage: packaging/system-packages.sh run|test" >&2; exit 2 ;;
esac
mapfile -t wanted < <(sed 's/#.*//' "${lists[@]}" | tr -s '[:space:]' '\n' | sed '/^$/d')

if ! command -v dpkg-query >/dev/null; then
  echo "Not a Debian system: the equivalents of these must be there: ${wanted[*]}" >&2
  exit 0
fi

# One query for all names; an unknown name is only missing from the answer, hence the `|| true`.
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qx "ii  *$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "System packages missing: ${missing[*]}"

install=(apt-get install -y --no-install-recommends "${missing[@]}")
if [ "$(id -u)" -eq 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo)
  [ -t 0 ] || as_root+=(-n)  # nobody there to type a password
  as_root+=(env)
else
  echo "Neither root nor sudo. Type as root:  apt-get update && ${install[*]}" >&2
  exit 3
fi
as_root+=(DEBIAN_FRONTEND=noninteractive)
if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" "${install[@]}" -q </dev/null; }; then
  echo "Could not install them. Type as root:  apt-get update && ${install[*]}" >&2
  exit 3
fi
