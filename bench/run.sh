#!/usr/bin/env bash
# What recording and masking cost, beside plain ffmpeg in the same run; bench/README.md says how to read it.
#
#   bench/run.sh [--cameras 8] [--seconds 60] [--warm-up 30] [--json] [--keep DIR]
#
# LOUVER_BIN names a binary to measure; without it target/release/louver is built.
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=bench/binary.sh
source "$bench/binary.sh"
exec /usr/bin/python3 "$bench/cost.py" --louver "$louver" "$@"
