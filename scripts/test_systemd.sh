#!/usr/bin/env bash
# Runs the service of the Debian package under a real systemd: a Debian 12 of its own (debootstrap), booted by systemd-nspawn, as root. Its
# camera is a file, and it has no network but its own.
#
#   scripts/test_systemd.sh             with the package of the release build
#   scripts/test_systemd.sh --debug     with that of the debug build
#
#   LOUVER_DEB_NO_BUILD=1               take the program as it was built
#   LOUVER_DEB=louver_1-1_amd64.deb     take this package and make none
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly DEPS=$PWD/.deps SUITE=bookworm
readonly MIRROR=${LOUVER_DEBIAN_MIRROR:-http://deb.debian.org/debian}

say() { printf 'test_systemd: %s\n' "$*"; }
fail() {
  printf 'test_systemd: FAILED: %s\n' "$*" >&2
  [[ -z ${leader:-} ]] || log -n 40 >&2 || true
  exit 1
}
[[ $EUID -eq 0 ]] || fail "this needs root: it makes a Debian of its own and boots it"
for tool in systemd-nspawn debootstrap pgrep; do
  command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install systemd-container debootstrap procps"
done

mkdir -p "$DEPS"
scratch=$(mktemp -d "$DEPS/scratch.XXXXXX")
tree=$scratch/tree machine=louver-test-$$ nspawn='' leader=''
# systemd-nspawn passes it on: the machine is shut down.
halt() {
  local pid=$nspawn
  nspawn='' leader=''
  kill "$pid" 2>/dev/null || return 0
  for _ in {1..90}; do kill -0 "$pid" 2>/dev/null || break; sleep 1; done
  ! kill -KILL "$pid" 2>/dev/null || say "it had to be killed"
  wait "$pid" 2>/dev/null || true
  rmdir "/run/systemd/nspawn/propagate/$machine" 2>/dev/null || true
}
clean() {
  [[ -z $nspawn ]] || halt
  rm -rf --one-file-system "$scratch"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- two packages, the second newer: the same program in another revision -----------------------------------------

old=${LOUVER_DEB:-}
if [[ -z $old ]]; then
  say "building the package"
  scripts/deb.sh "$@" >"$scratch/deb.log" 2>&1 || { tail -n 20 "$scratch/deb.log" >&2; fail "the package is not built"; }
  old=$(tail -n 1 "$scratch/deb.log")
fi
dpkg-deb -R "$old" "$scratch/newer"
sed -i '/^Version:/s/-[^-]*$/-999/' "$scratch/newer/DEBIAN/control"
dpkg-deb -Zgzip -z1 -b "$scratch/newer" "$scratch/newer.deb" >/dev/null

# --- a Debian of its own, with systemd and what the package needs --------------------------------------------------

base=$DEPS/$SUITE.tar
mkdir "$tree"
if [[ ! -s $base ]]; then
  say "making a Debian of its own (some minutes, once)"
  debootstrap --variant=minbase "$SUITE" "$tree" "$MIRROR" >"$scratch/debootstrap.log" 2>&1 ||
    { tail -n 5 "$scratch/debootstrap.log" >&2; fail "debootstrap"; }
  tar -C "$tree" --one-file-system -cf "$base.part" .
  mv "$base.part" "$base"
else
  tar -C "$tree" -xf "$base"
fi
say "adding systemd to it"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
plain() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
apt() { plain "${how[@]}" apt-get -q=2 -o Dpkg::Use-Pty=0 -y "$@" >"$scratch/apt.log" 2>&1 || { tail -n 20 "$scratch/apt.log" >&2; fail "apt-get $*"; }; }
how=(chroot "$tree")
apt update
# shellcheck disable=SC2046  # a list of names
apt install --no-install-recommends systemd systemd-sysv dbus $(dpkg-deb -f "$old" Depends | sed 's/([^)]*)//g; s/,/ /g')
cp "$old" "$tree/root/old.deb"
cp "$scratch/newer.deb" "$tree/root/newer.deb"
mkdir "$tree/srv/footage"
cp "$DEPS"/footage/forecourt_{main,sub}.mp4 "$tree/srv/footage/"

# --- boot ----------------------------------------------------------------------------------------------------------

# Landlock and memory that may be locked are refused in containers unless they are asked for. Where no systemd runs here there is none to
# give it a unit.
options=(--quiet --register=no --private-network --console=pipe --machine="$machine" --capability=CAP_IPC_LOCK
  --system-call-filter="seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self mlock mlock2 mlockall munlock munlockall")
[[ -d /run/systemd/system ]] || options+=(--keep-unit)
# soon SECONDS COMMAND...: repeats it until it is true.
soon() {
  local end=$((SECONDS + $1))
  until "${@:2}"; do ((SECONDS < end)) || return 1; sleep 0.5; done
}
within() { plain "${how[@]}" "$@"; }
up() {
  kill -0 "$nspawn" 2>/dev/null || return 0
  leader=$(pgrep -P "$nspawn" | head -n 1) || return 1
  how=(nsenter -t "$leader" -m -u -i -n -p -C --)
  [[ $(within systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]
}
boot() {
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn "${options[@]}" -D "$tree" --boot </dev/null >"$scratch/console" 2>&1 &
  nspawn=$!
  soon 120 up && kill -0 "$nspawn" 2>/dev/null
}
say "booting it"
boot || { tail -n 5 "$scratch/console"; say "skipped: no container with a systemd of its own boots here"; exit 0; }

# --- install and record ----------------------------------------------------------------------------------------------

log() { within journalctl --no-pager -u louver -o cat "$@"; }
of() { within systemctl show -P "$1" louver; }
is() { local got; got=$(of "$1"); [[ $got == "$2" ]] || fail "$1 is $got, not $2"; }
get() { nsenter -t "$leader" -n /usr/bin/python3 -c 'import sys, urllib.request as r
print(r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=10).read().decode())' "http://127.0.0.1:8470$1" 2>/dev/null; }
more() { local now; now=$(get /metrics | sed -n "s/^$1{camera=\"forecourt\"} \([0-9]*\).*/\1/p") && [[ -n $now ]] && ((now >= $2)); }
# Since it began: pictures come in, are sealed, and are decoded and looked at.
records() {
  is ActiveState active
  is StatusText "records 1 cameras, sealed for 1 holder"
  soon 60 more louver_camera_sealed_groups_total 2 || fail "nothing is sealed"
  soon 60 more louver_camera_seen_pictures_total 20 || fail "nothing is looked at"
}

say "installing $(basename "$old")"
apt install /root/old.deb
[[ $(within systemctl is-enabled louver) == enabled ]] || fail "it would not start with the machine"
is ActiveState active
is StatusText "records 0 cameras, sealed for nobody yet"
[[ $(get /healthz) == ok ]] || fail "it does not answer"
says=$(within systemd-analyze verify louver.service 2>&1) || says+=" (it fails)"
[[ -z $says ]] || fail "systemd-analyze verify: $says"
exposed=$(within systemd-analyze security --no-pager louver | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
say "systemd-analyze security: $exposed"
[[ $exposed == [01].* ]] || fail "it is exposed more than it has to be"

say "recording"
within louver holder new -o /root/holder.txt --add --settings /etc/louver/louver.toml >/dev/null 2>&1 || fail "louver holder new"
cat >>"$tree/etc/louver/louver.toml" <<'TOML'

[[camera]]
id = "forecourt"
main = "file:///srv/footage/forecourt_main.mp4"
sub = "file:///srv/footage/forecourt_sub.mp4"
purpose = "A test of the service"
owner = "Ada Example"
contact = "ada@example.org"
TOML
within systemctl restart louver || fail "it does not start with a camera"
records
[[ -n $(find "$tree/var/lib/louver/sealed/forecourt" -name '*.lvs' -size +100k) ]] || fail "there are no recordings"
main=$(of MainPID) decoding=0
status() { within sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
for process in $(within cat /sys/fs/cgroup/system.slice/louver.service/cgroup.procs); do
  [[ $(status "$process" CapBnd) =~ ^0+$ && $(status "$process" NoNewPrivs) == 1 ]] || fail "process $process could have rights"
  [[ $process != "$main" ]] || continue
  # The unit's filters, and its own behind them.
  (($(status "$process" Seccomp_filters) > $(status "$main" Seccomp_filters))) || fail "decoding is not shut in"
  decoding=$((decoding + 1))
done
((decoding > 0)) || fail "no process decodes"
# As well as outside the unit, on this kernel.
shut_in='seccomp alone' says=$(within louver doctor --settings /etc/louver/louver.toml) || true
[[ $says != *'shut in (seccomp, landlock)'* ]] || shut_in='seccomp and landlock'
[[ $(log) == *"decoding is shut in by $shut_in"* ]] || fail "decoding is not shut in by $shut_in"
say "decoding is shut in by $shut_in"
# As root: what is refused is refused by the mounts, not by whom the files belong to.
for path in /usr/x /etc/louver/x /srv/x /home/x /var/lib/x; do
  ! within nsenter -t "$main" -m -- touch "$path" 2>/dev/null || fail "the service could write $path"
done

say "starting the machine anew"
halt
boot || fail "it does not boot again: $(tail -n 5 "$scratch/console")"
records
[[ $(log -b) == *'ledger opened'*'clean=true'* ]] || fail "it was not ended well with the machine"

# --- it ends in ways nobody wants ------------------------------------------------------------------------------------------

restarted() { [[ $(of NRestarts) -ge $1 && $(of ActiveState) == active ]]; }
signal() { within sh -c "kill -$1 $(of MainPID)"; }
say "killing it"
signal KILL
soon 30 restarted 1 || fail "it is not started again after it was killed"
records
say "stopping its process, until the watchdog barks (a minute)"
signal STOP
soon 120 restarted 2 || fail "it is not started again when it hangs"
[[ $(log -b) == *'Watchdog timeout'* ]] || fail "it was not the watchdog"
records
say "giving it settings that cannot be used"
cp -a "$tree/etc/louver/louver.toml" "$scratch/louver.toml"
echo 'nonsense = 1' >>"$tree/etc/louver/louver.toml"
if within systemctl restart louver 2>/dev/null; then fail "it starts with settings that cannot be used"; fi
sleep 6                                                   # three times RestartSec=: for what must not happen
is ActiveState failed
is ExecMainStatus 3
cp -a "$scratch/louver.toml" "$tree/etc/louver/louver.toml"

# --- renew, stop, remove, purge ----------------------------------------------------------------------------------------------

say "renewing it"
within systemctl start louver || fail "it does not start with mended settings"
main=$(of MainPID)
apt install /root/newer.deb
[[ $(of MainPID) != "$main" ]] || fail "the old program still runs"
records
say "stopping it"
began=$SECONDS
within systemctl stop louver
((SECONDS - began <= 15)) || fail "it took $((SECONDS - began)) s to end"
is Result success
[[ $(log -n 3) == *'Deactivated successfully'* ]] || fail "it did not end well"
# A kernel before 6.12 knows less of landlock, which is said.
bad=$(log | grep -E ' (ERROR|WARN) |SIGSYS|31/SYS|Operation not permitted' | grep -v 'shut in by seccomp alone') || true
[[ -z $bad ]] || fail "the log is not clean: $bad"
say "removing it"
within systemctl start louver
apt remove louver
[[ $(within systemctl is-active louver) != active ]] || fail "it still runs"
[[ -s $tree/etc/louver/louver.toml && -s $tree/var/lib/louver/louver.db && -d $tree/var/lib/louver/keyring ]] ||
  fail "settings or data went with the program"
say "purging it"
apt purge louver
[[ ! -e $tree/etc/louver && ! -e $tree/var/lib/louver ]] || fail "settings or data are still there"
[[ -z $(find "$tree/etc/systemd" -name '*louver*') ]] || fail "systemd still knows of it"

say "passed: installed, recorded, booted, killed, hung, misconfigured, renewed, stopped, removed, purged"
