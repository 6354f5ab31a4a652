# Sourced: sets `louver` to the release binary, built if there is none or its sources changed.
# shellcheck shell=bash
if [[ -n ${LOUVER_BIN:-} ]]; then
  louver=$LOUVER_BIN
  [[ -x $louver ]] || { echo "bench: LOUVER_BIN=$louver cannot be run" >&2; exit 1; }
else
  (
    cd "${bench:?}/.." || exit
    scripts/setup.sh --demo
    scripts/build_ui.sh
    cargo build --release --quiet -p louver
  ) >&2
  target=${CARGO_TARGET_DIR:-target}
  [[ $target == /* ]] || target=${bench%/*}/$target
  louver=$target/release/louver
fi
readonly louver
