#!/usr/bin/env bash
# Measures how well people are masked and writes EVALUATION.md (`make eval`).
#
# The clip comes with `scripts/setup.sh`. Ground truth and further models are data that cannot be installed: they are taken
# from the folder that LOUVER_SHARED names (models/*.onnx, footage/*-gt.mot.txt), ../shared if it names none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { printf 'eval: %s\n' "$@" >&2; exit 1; }
shared=${LOUVER_SHARED:-../shared}
clip=.deps/footage/vtest.avi
truth=$shared/footage/PETS2009-S2L1-gt.mot.txt
out=${1:-EVALUATION.md}
[[ -f $truth ]] || fail "there is no ground truth at $truth" "name its folder: LOUVER_SHARED=DIR make eval"

scripts/setup.sh --demo
[[ -d ui/dist ]] || scripts/build_ui.sh
cargo build --release --quiet -p louver
louver=${CARGO_TARGET_DIR:-target}/release/louver
export LOUVER_DEPS=$PWD/.deps

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
models=(.deps/models/ssd_mobilenetv2_oidv4.onnx)
for more in deimv2_femto.onnx yolox_nano.onnx; do
  [[ ! -f $shared/models/$more ]] || models+=("$shared/models/$more")
done
for n in "${!models[@]}"; do
  printf 'eval: %s\n' "$(basename "${models[n]}")"
  "$louver" eval mask --video "$clip" --truth "$truth" --model "${models[n]}" --json > "$reports/$n.json"
done
/usr/bin/python3 scripts/eval_page.py "$reports"/*.json > "$out.new"
mv "$out.new" "$out"
printf 'eval: wrote %s\n' "$out"
