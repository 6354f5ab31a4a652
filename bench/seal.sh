#!/usr/bin/env bash
# What sealing costs: seal, hash and write with group fsync, in CPU-seconds per gigabyte, beside AES-256-GCM, SHA-256 and writing
# alone, in one run. Three rounds, a JSON line each. The mark is 2 CPU-seconds for all of it; the last line says whether it is kept.
# Usage: bench/seal.sh [FOLDER]   a folder on the disk to be measured (1 GB is written there and removed); the current one if none.
set -euo pipefail
folder=$(realpath "${1:-.}")
cd "$(dirname "$0")/.."
cargo build --quiet --release --package louver-vault --example seal_speed
target=${CARGO_TARGET_DIR:-target}
"$target/release/examples/seal_speed" "$folder" | tee /dev/stderr | python3 -c '
import json, sys
worst = max(json.loads(line)["seal_hash_write_fsync"] for line in sys.stdin)
print(f"{worst:.3f} CPU-seconds per GB in the slowest round; the mark is 2: " + ("kept" if worst <= 2 else "MISSED"))
sys.exit(worst > 2)'
