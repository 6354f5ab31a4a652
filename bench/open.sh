#!/usr/bin/env bash
# What opening takes: an hour of one camera at 4 Mbit/s (twelve segments, 1.8 GB), sealed for 5 of 9 holders, from posting the fifth approval
# until the first picture is decrypted and until the whole hour is, over HTTP from a real server; beside it the bare primitives over the
# same bytes. Three rounds, a JSON line each. The mark is 2 s from the last approval until it is open: the slowest first picture.
# Usage: bench/open.sh [FOLDER]   a folder on the disk to be measured (1.8 GB are written there and removed); the current one if none.
set -euo pipefail
folder=$(realpath "${1:-.}")
cd "$(dirname "$0")/.."
cargo build --quiet --release --package louver-server --example open_speed
target=${CARGO_TARGET_DIR:-target}
"$target/release/examples/open_speed" "$folder" | tee /dev/stderr | python3 -c '
import json, sys
rounds = [json.loads(line) for line in sys.stdin]
first = max(r["first_picture_ms"] for r in rounds) / 1e3
whole = max(r["whole_hour_ms"] for r in rounds) / 1e3
bare = max(r["bare_aes_ms"] + r["bare_sha256_ms"] + r["bare_age_6_files_ms"] + r["bare_join_ms"] for r in rounds) / 1e3
print(f"open {first:.3f} s after the last approval, in the slowest round; the mark is 2: " + ("kept" if first <= 2 else "MISSED"))
print(f"the whole hour is decrypted after {whole:.2f} s; the bare primitives take {bare:.2f} s")
sys.exit(first > 2)'
