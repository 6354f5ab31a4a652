#!/usr/bin/env bash
# Builds the Debian package, for Debian 12 on it: the program with its page, the detector, the service and the settings.
#
#   scripts/deb.sh              target/debian/louver_*.deb out of the release build
#   scripts/deb.sh --debug      out of the debug build and hardly compressed, which tests of the package itself are quicker with
#
#   LOUVER_DEB_REVISION=2       the package's revision (1)
#   LOUVER_DEB_NO_BUILD=1       take the program and the page as they were built
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=release build=(--release)
case ${1:-} in
  '') ;;
  --debug) profile=debug build=() ;;
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) echo "deb: unknown option $1 (--debug or nothing)" >&2; exit 2 ;;
esac
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target

scripts/setup.sh --deb
if [[ -z ${LOUVER_DEB_NO_BUILD:-} ]]; then
  scripts/build_ui.sh
  cargo build -p louver --locked "${build[@]}"
fi

# The example with the one decision that a package makes: where everything lies.
made=$target/$profile/louver.deb.toml
sed 's|^data = "data"$|data = "/var/lib/louver"|' louver.toml.example >"$made"
grep -q '^data = "/var/lib/louver"$' "$made" || { echo "deb: louver.toml.example names no data directory" >&2; exit 1; }

options=(--no-build --locked -p louver --deb-revision "${LOUVER_DEB_REVISION:-1}" --output "$target/debian/")
[[ $profile == release ]] || options+=(--profile dev --fast)
mkdir -p "$target/debian"
PATH=$PWD/.deps/deb/bin:$PATH cargo deb "${options[@]}"
