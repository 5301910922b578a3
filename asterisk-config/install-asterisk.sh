#!/bin/sh
# Puts a real Asterisk 22 into a directory of its own, for the demo, the tests and CI.
#
#   asterisk-config/install-asterisk.sh [DIRECTORY]        (default: .cache/asterisk/root beside this repository)
#
# Debian's stable releases carry no Asterisk package; unstable does, as an LTS. debootstrap unpacks that one package and what it
# needs into DIRECTORY and leaves the rest of the machine alone. A production machine wants its distribution's package or the
# official image instead: this script is about having the same Asterisk everywhere within a minute.
#
# Needs: root (debootstrap's second stage runs the packages' own scripts inside the new tree), Debian or a relative of it, about
# 600 MB of disk. Running the result needs neither root nor chroot: bin/asterisk.ts starts the tree's own dynamic loader with the
# tree's own library directory and points Asterisk's directories into the tree, so that nothing has to be mounted, and nothing
# stays mounted when the process is killed.
set -eu

suite=sid
here=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$here/.cache/asterisk/root}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

say() { printf 'asterisk: %s\n' "$*"; }
fail() { printf 'asterisk: %s\n' "$*" >&2; exit 1; }

# The last thing a good installation does is to run: the same question decides whether there is anything to do.
version_of() {
  loader=$(find "$1"/usr/lib/*-linux-* -maxdepth 1 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
  [ -n "$loader" ] && "$loader" --library-path "$(dirname "$loader")" "$1/usr/sbin/asterisk" -V 2>/dev/null
}

if [ -x "$target/usr/sbin/asterisk" ] && version=$(version_of "$target"); then
  say "already there: $version in $target"
  exit 0
fi

[ "$(id -u)" = 0 ] || fail "needs root, because debootstrap does; without it the demo runs on the simulated line"

if ! command -v debootstrap >/dev/null; then
  command -v apt-get >/dev/null || fail "needs debootstrap, and there is no apt-get to install it with"
  say "installing debootstrap"
  # A fresh machine or image has no package lists yet.
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
fi

mkdir -p "$(dirname "$target")"
# Built beside its destination and renamed at the end, so that an interrupted run is never taken for a finished one.
building=$(mktemp -d "$target.building.XXXXXX")
trap 'rm -rf "$building"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A mirror that is a frozen copy has an expired release file. debootstrap checks no expiry itself, but apt inside the tree would:
# the second attempt tells it not to.
bootstrap() {
  rm -rf "$building"
  mkdir -p "$building/etc/apt/apt.conf.d"
  chmod 755 "$building"
  if [ "$1" = stale-mirror ]; then
    echo 'Acquire::Check-Valid-Until "false";' >"$building/etc/apt/apt.conf.d/90-stale-mirror"
  fi
  debootstrap --variant=minbase --include=asterisk,ca-certificates "$suite" "$building" "$mirror" >"$target.log" 2>&1 &
  bootstrapping=$!
  while kill -0 "$bootstrapping" 2>/dev/null; do
    sleep 5
    tail -n 1 "$target.log" | cut -c 1-100 | sed 's/^/asterisk:   /'
  done
  wait "$bootstrapping"
}

say "unpacking Debian $suite with Asterisk from $mirror (about a minute, 600 MB)"
bootstrap fresh-mirror || {
  say "that failed (log: $target.log); once more, for a mirror that is a frozen copy"
  bootstrap stale-mirror || fail "failed twice; the end of $target.log: $(tail -n 5 "$target.log")"
}

# The package lists and archives are a third of the tree and never read again.
rm -rf "$building"/var/cache/apt/archives/*.deb "$building"/var/lib/apt/lists/*
version=$(version_of "$building") || fail "was unpacked but does not run; see $target.log"
rm -rf "$target"
mv "$building" "$target"
rm -f "$target.log"
say "ready: $version in $target"
