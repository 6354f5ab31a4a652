#!/usr/bin/env bash
# Measures how well Louver does what it promises and writes EVALUATION.md (`make eval`); about half an hour on two cores.
#
# The clip comes with `scripts/setup.sh`. Ground truth, further models and clips are data that cannot be installed: they are
# taken from the folder that LOUVER_SHARED names (models/*.onnx, footage/*), ../shared if it names none. LOUVER_EVAL_REPORTS names
# a folder that keeps the reports (JSON, docs/eval.schema.json); what lies in it already is not measured again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { printf 'eval: %s\n' "$@" >&2; exit 1; }
shared=${LOUVER_SHARED:-../shared}
clip=.deps/footage/vtest.avi
truth=$shared/footage/PETS2009-S2L1-gt.mot.txt
other=$shared/footage/car-park.mp4
faces=$shared/models/yunet_n_dynamic.onnx
out=${1:-EVALUATION.md}
[[ -f $truth ]] || fail "there is no ground truth at $truth" "name its folder: LOUVER_SHARED=DIR make eval"

scripts/setup.sh --demo
[[ -d ui/dist ]] || scripts/build_ui.sh
cargo build --release --quiet -p louver
louver=${CARGO_TARGET_DIR:-target}/release/louver
export LOUVER_DEPS=$PWD/.deps louver

if [[ -n ${LOUVER_EVAL_REPORTS:-} ]]; then
  reports=$LOUVER_EVAL_REPORTS
  mkdir -p "$reports"
else
  reports=$(mktemp -d)
  trap 'rm -rf "$reports"' EXIT
fi
export reports

models=(.deps/models/ssd_mobilenetv2_oidv4.onnx)
for more in deimv2_femto.onnx yolox_nano.onnx; do
  [[ ! -f $shared/models/$more ]] || models+=("$shared/models/$more")
done
look=()
[[ ! -f $faces ]] || look=(--faces "$faces")

# One report: its file's name, then what `louver eval` is given.
measure() {
  local name=$1
  shift
  [[ ! -s $reports/$name.json ]] || return 0
  printf 'eval: %s\n' "$name" >&2
  "$louver" eval "$@" --json > "$reports/$name.json.new"
  mv "$reports/$name.json.new" "$reports/$name.json"
}
export -f measure

# What does not depend on time is measured side by side ...
{
  for n in "${!models[@]}"; do
    on=(--video "$clip" --truth "$truth" --model "${models[n]}")
    printf '%q ' measure "$n.scenes" scenes "${on[@]}" && echo
    printf '%q ' measure "$n.mask" mask "${on[@]}" "${look[@]}" && echo
    printf '%q ' measure "$n.track" track "${on[@]}" && echo
    if "$louver" eval gate --help > /dev/null 2>&1; then
      printf '%q ' measure "$n.gate" gate --build "$clip" --truth "$truth" --model "${models[n]}" && echo
    fi
    if [[ -f $other ]]; then
      printf '%q ' measure "$n.other" mask --video "$other" --model "${models[n]}" "${look[@]}" && echo
    fi
  done
} | xargs -P "$(nproc)" -d '\n' -I{} bash -euo pipefail -c '{}'
# ... and what does, alone.
for n in "${!models[@]}"; do
  measure "$n.speed" speed --video "$clip" --truth "$truth" --model "${models[n]}"
done

/usr/bin/python3 scripts/eval_page.py "$reports" > "$out.new"
mv "$out.new" "$out"
printf 'eval: wrote %s\n' "$out"
