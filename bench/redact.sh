#!/usr/bin/env bash
# Masking a 1080p file on one core, beside deface and bare ffmpeg in the same run; bench/README.md says how to read it.
#
#   bench/redact.sh [--seconds 20] [--core 0] [--no-leak] [--json] [--keep DIR]
#
# LOUVER_BIN names a binary to measure; without it target/release/louver is built. The ground truth for the leak and further
# models are taken from the folder that LOUVER_SHARED names, ../shared if it names none, and left out where there are none.
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=bench/binary.sh
source "$bench/binary.sh"
encode=$(example louver-codec encode_speed)
exec /usr/bin/python3 "$bench/redact.py" --louver "$louver" --encode "$encode" "$@"
