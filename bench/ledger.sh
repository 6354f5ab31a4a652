#!/usr/bin/env bash
# What the ledger costs: leaves a second in batches, and the time of a durable append at 500 a second, alone, right after those, and
# beside bursts of 8192 leaves a second, beside a bare write-and-fsync loop on the same disk before and after.
#
#   bench/ledger.sh [FOLDER] [SECONDS]     FOLDER: where to write (a scratch folder in it is removed again); 10 s each
#
# Marks: at least 20,000 leaves a second; 99 of 100 durable appends within 50 ms.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/louver-ledger.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cargo build --release --quiet -p louver-ledger --example ledger_bench
"${CARGO_TARGET_DIR:-target}/release/examples/ledger_bench" "$scratch" "${2:-10}"
