# Sourced: sets `louver` to the release binary, built if there is none or its sources changed, and gives `example`.
# shellcheck shell=bash
target=${CARGO_TARGET_DIR:-target}
[[ $target == /* ]] || target=${bench:?}/../$target
if [[ -n ${LOUVER_BIN:-} ]]; then
  louver=$LOUVER_BIN
  [[ -x $louver ]] || { echo "bench: LOUVER_BIN=$louver cannot be run" >&2; exit 1; }
else
  (
    cd "$bench/.." || exit
    scripts/setup.sh --demo
    scripts/build_ui.sh
    cargo build --release --quiet -p louver
  ) >&2
  louver=$target/release/louver
fi
readonly louver target

# example CRATE NAME: builds an example and prints where it is.
example() {
  ( cd "$bench/.." && cargo build --release --quiet -p "$1" --example "$2" ) >&2 || exit
  echo "$target/release/examples/$2"
}
