#!/usr/bin/env bash
# Cameras that are lost again and again for hours: memory that stays flat, and how soon they are recorded again; bench/README.md
# says how to read it.
#
#   bench/storm.sh [--cameras 8] [--seen 2] [--minutes 120] [--every 20] [--away 2] [--json] [--keep DIR]
#
# LOUVER_BIN names a binary to measure; without it target/release/louver is built.
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=bench/binary.sh
source "$bench/binary.sh"
exec /usr/bin/python3 "$bench/storm.py" --louver "$louver" "$@"
