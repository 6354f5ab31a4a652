#!/usr/bin/env bash
# Installs, starts, renews, removes and purges the Debian package in a Debian 12 of its own (debootstrap), as root. No systemd runs there: the
# program is started as the unit says, by its user, without rights.
#
#   scripts/test_deb.sh           with the package of the release build
#   scripts/test_deb.sh --debug   with that of the debug build
#
#   LOUVER_DEB_NO_BUILD=1         take the program as it was built
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly DEPS=$PWD/.deps SUITE=bookworm
readonly MIRROR=${LOUVER_DEBIAN_MIRROR:-http://deb.debian.org/debian}

say() { printf 'test_deb: %s\n' "$*"; }
fail() { printf 'test_deb: FAILED: %s\n' "$*" >&2; exit 1; }
[[ $EUID -eq 0 ]] || fail "this needs root: it makes a Debian of its own and installs packages there"

mkdir -p "$DEPS"
scratch=$(mktemp -d "$DEPS/scratch.XXXXXX")
tree=$scratch/tree server=
clean() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $server ]] || wait "$server" 2>/dev/null || true
  umount "$tree/proc" 2>/dev/null || true
  # Never through a mount that is still there.
  mountpoint -q "$tree/proc" || rm -rf --one-file-system "$scratch"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- two packages, the second newer --------------------------------------------------------------------------

# Both are the same program; the first builds it. cargo-deb removes the older package when it has made the newer one.
package() {
  local log=$scratch/deb.$1.log
  LOUVER_DEB_REVISION=$1 scripts/deb.sh "${@:2}" >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "the package is not built"; }
  cp "$(tail -n 1 "$log")" "$scratch/"
  printf '%s/%s\n' "$scratch" "$(basename "$(tail -n 1 "$log")")"
}
say "building the packages"
old=$(package 1 "$@")
new=$(LOUVER_DEB_NO_BUILD=1 package 2 "$@")
[[ -s $old && -s $new && $old != "$new" ]] || fail "there are no two packages: $old $new"

# --- a Debian of its own ---------------------------------------------------------------------------------------

base=$DEPS/$SUITE.tar
if [[ ! -s $base ]]; then
  say "making a Debian of its own (some minutes, once)"
  debootstrap --variant=minbase "$SUITE" "$tree" "$MIRROR" >"$scratch/debootstrap.log" 2>&1 ||
    { tail -n 5 "$scratch/debootstrap.log" >&2; fail "debootstrap"; }
  tar -C "$tree" --one-file-system -cf "$base.part" .
  mv "$base.part" "$base"
else
  mkdir "$tree"
  tar -C "$tree" -xf "$base"
fi
cp /etc/resolv.conf "$tree/etc/resolv.conf"
mount -t proc proc "$tree/proc"
# Services are not to be started there, should anything try.
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"

within() { chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
install() {
  cp "$1" "$tree/root/louver.deb"
  within apt-get -q=2 -o Dpkg::Use-Pty=0 install --no-install-recommends -y --allow-downgrades /root/louver.deb \
    >"$scratch/apt.log" 2>&1 || { tail -n 20 "$scratch/apt.log" >&2; fail "apt-get install $1"; }
  rm "$tree/root/louver.deb"
}
# has PATTERN: reads everything, where grep -q would leave whoever still writes with a broken pipe.
has() { local all; all=$(cat); grep -q -- "$1" <<<"$all"; }
is() {
  local got
  got=$(within stat -c '%U:%G %a' "$1") || fail "$1 is missing"
  [[ $got == "$2" ]] || fail "$1 is $got, not $2"
}

# --- install -------------------------------------------------------------------------------------------------------

say "installing $(basename "$old")"
within apt-get -q=2 update >"$scratch/apt.log" 2>&1 || { tail -n 5 "$scratch/apt.log" >&2; fail "apt-get update"; }
install "$old"
is /usr/bin/louver 'root:root 755'
is /etc/louver 'root:louver 750'
is /etc/louver/louver.toml 'root:louver 640'
is /var/lib/louver 'louver:louver 700'
is /usr/lib/louver/lib/libonnxruntime.so 'root:root 644'
is /usr/lib/louver/models/ssd_mobilenetv2_oidv4.onnx 'root:root 644'
is /usr/lib/systemd/system/louver.service 'root:root 644'
within getent passwd louver | has '/usr/sbin/nologin$' || fail "somebody could sign in as louver"
grep -q '^data = "/var/lib/louver"$' "$tree/etc/louver/louver.toml" || fail "the settings name another data directory"
within louver --version | has '^louver ' || fail "the program does not run"
within ldd /usr/bin/louver | has 'not found' && fail "libraries are missing"

# --- start, as the unit does ---------------------------------------------------------------------------------------

port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s|^#listen = .*|listen = \"127.0.0.1:$port\"|" "$tree/etc/louver/louver.toml"
unit=$tree/usr/lib/systemd/system/louver.service
setting() { sed -n "s/^$1=//p" "$unit"; }
get() { /usr/bin/python3 - "http://127.0.0.1:$port$1" <<'PY'
import sys, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    print(opener.open(sys.argv[1], timeout=10).read().decode())
except urllib.error.HTTPError as refused:
    print(refused.read().decode())
except OSError as away:
    sys.exit(str(away))
PY
}
# A container may not raise limits; the server then runs with those that are here, and says where its memory is not locked.
limits=()
for limit in "--memlock=$(setting LimitMEMLOCK | sed s/infinity/unlimited/)" "--nofile=$(setting LimitNOFILE)" "--core=$(setting LimitCORE)"; do
  if prlimit "$limit" true 2>/dev/null; then limits+=("$limit"); else say "$limit is not allowed here and left out"; fi
done
# Its user and group, no capability, none to be got, memory that may be locked, nothing of our environment; a socket in place of systemd's.
start() {
  /usr/bin/python3 - "$tree/var/lib/notify" "$scratch/notify" <<'PY' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
s.settimeout(120)
with open(sys.argv[2], "ab", buffering=0) as out:
    while b"STOPPING=1" not in (news := s.recv(4096)):
        out.write(news)
PY
  local listener=$!
  for _ in {1..100}; do [[ -S $tree/var/lib/notify ]] && break; sleep 0.1; done
  # shellcheck disable=SC2046  # words of the unit
  chroot "$tree" prlimit "${limits[@]}" \
    setpriv --reuid "$(setting User)" --regid "$(setting Group)" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    env -i --chdir="$(setting WorkingDirectory)" PATH=/usr/bin:/bin HOME=/var/lib/louver NOTIFY_SOCKET=/var/lib/notify WATCHDOG_USEC=3000000 \
    $(setting ExecStart) >"$scratch/out" 2>"$scratch/log" &
  server=$!
  for _ in {1..300}; do
    grep -qs 'READY=1' "$scratch/notify" && grep -qs 'WATCHDOG=1' "$scratch/notify" && break
    kill -0 "$server" 2>/dev/null || { cat "$scratch/out" "$scratch/log" >&2; fail "the server ended"; }
    sleep 0.2
  done
  grep -qs 'WATCHDOG=1' "$scratch/notify" || { cat "$scratch/log" >&2; fail "systemd would not hear that it is ready and goes on"; }
  [[ $(get /healthz) == ok ]] || fail "it does not answer"
  disown "$listener"
}
stop() {
  kill -TERM "$server"
  wait "$server" || fail "it does not end well: $?"
  server=
  rm -f "$tree/var/lib/notify" "$scratch/notify"
}

say "starting it"
start
[[ $(get /readyz) == "There is no holder, and without one nothing is recorded: make the first one on the page."* ]] || fail "/readyz: $(get /readyz)"
get / | has '<div id="app"\|<!doctype html>' || fail "there is no page in it"
get /metrics | has '^louver_disk_up{disk="/var/lib/louver"} 1' || fail "/metrics: $(get /metrics | head -n 5)"
as_louver() { within setpriv --reuid louver --regid louver --clear-groups "$@" --settings /etc/louver/louver.toml; }
as_louver louver link 2>/dev/null | has "^http://127.0.0.1:$port/sign-in#token=" || fail "louver link"
as_louver louver top --once | has 'disk /var/lib/louver' || fail "louver top"
as_louver louver doctor >"$scratch/doctor" || true
grep -qi 'seccomp\|landlock\|shut in\|without rights' "$scratch/doctor" || fail "doctor does not say how decoding is shut in: $(cat "$scratch/doctor")"
site=$(sha256sum <"$tree/var/lib/louver/ledger/checkpoint") || fail "there is no ledger"
[[ -n $(find "$tree/var/lib/louver" -not -user "$(within id -u louver)" -print -quit) ]] && fail "somebody else owns a part of the data"
stop

# --- renew, remove, purge -----------------------------------------------------------------------------------------------

say "renewing it"
install "$new"
# shellcheck disable=SC2016  # dpkg-query's own
within dpkg-query -W -f '${Version}' louver | has '-2$' || fail "the version is $(within dpkg-query -W -f '${Version}' louver)"
grep -q "^listen = \"127.0.0.1:$port\"" "$tree/etc/louver/louver.toml" || fail "the settings were replaced"
is /etc/louver/louver.toml 'root:louver 640'
is /var/lib/louver 'louver:louver 700'
[[ -s $tree/var/lib/louver/ledger/checkpoint ]] || fail "the data is gone"
start
stop
[[ $(sha256sum <"$tree/var/lib/louver/ledger/checkpoint") != "$site" ]] || fail "the second start does not stand in the ledger"

say "removing it"
within apt-get -q=2 remove -y louver >"$scratch/apt.log" 2>&1 || fail "apt-get remove"
[[ ! -e $tree/usr/bin/louver && ! -e $tree/usr/lib/systemd/system/louver.service ]] || fail "the program is still there"
[[ -s $tree/etc/louver/louver.toml && -s $tree/var/lib/louver/louver.db && -d $tree/var/lib/louver/keyring ]] ||
  fail "settings or data went with the program"

say "purging it"
within apt-get -q=2 purge -y louver >"$scratch/apt.log" 2>&1 || fail "apt-get purge"
[[ ! -e $tree/etc/louver && ! -e $tree/var/lib/louver ]] || fail "settings or data are still there"
within getent passwd louver >/dev/null || fail "the user is gone: another could get its number"

say "passed: installed, started as the unit says, renewed, removed, purged"
