#!/usr/bin/env bash
# What decoding in a process without rights costs beside decoding in the server's own; bench/README.md says how to read it.
#
#   bench/apart.sh [--rounds 9] [FILE.mp4 ...]
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-$bench/../target}
footage=$bench/../.deps/footage
rounds=9
if [[ ${1:-} == --rounds ]]; then rounds=${2:?}; shift 2; fi
(($#)) || set -- "$footage/forecourt_sub.mp4" "$footage/yard_sub.mp4" "$footage/forecourt_main.mp4"
( cd "$bench/.." && cargo build --release --quiet -p louver-codec --example apart_speed )
for file in "$@"; do
  printf '%s ' "$(basename "$file")"
  "$target/release/examples/apart_speed" "$file" "$rounds"
done
