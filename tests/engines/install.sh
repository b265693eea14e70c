#!/bin/sh
# Installs by apt the engines that the shared suite drives besides the bundled Chromium (make engines).
set -eu
# chromium keeps pages in its back/forward cache, which the bundled one does not.
packages="firefox-esr webkit2gtk-driver xvfb chromium"

fail() {
  echo "engines: $1" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "expected root, got $(id -un). Run 'sudo make engines', or have $packages installed."
command -v apt-get >/dev/null || fail "expected apt-get (Debian, Ubuntu), got none. Install what $packages hold by other means."

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo "engines: the package lists stay as old as they are." >&2

offered=""
missing=""
for package in $packages; do
  if apt-cache show "$package" >/dev/null 2>&1; then offered="$offered $package"; else missing="$missing $package"; fi
done
# shellcheck disable=SC2086 # a list of words
[ -z "$offered" ] || apt-get install -y -qq --no-install-recommends $offered >/dev/null || fail "apt-get could not install$offered."
[ -z "$missing" ] || fail "expected the registries of this machine to have$missing, they do not. The suite runs without."
