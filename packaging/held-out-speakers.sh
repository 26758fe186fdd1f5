#!/bin/bash
# held-out-speakers.sh DIR: recordings of speakers on whom nothing was tuned, for bench-speech, unpacked below DIR.
# Not installed: Asterisk's folder for Spanish would take the place of the prompts that the center plays.
set -euo pipefail
command -v sox > /dev/null || apt-get -q install -y sox
dir=$(realpath -m "$1")
[ -e "$dir/complete" ] && exit 0
mkdir -p "$dir"
cd "$dir"
apt-get -q download asterisk-prompt-es-co ktuberling-data
for package in ./*.deb; do dpkg -x "$package" .; done
rm ./*.deb
touch complete
