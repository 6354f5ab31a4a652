#!/usr/bin/env bash
# What `kill -9` costs while cameras are recorded; bench/README.md says how to read it.
#
#   bench/kill9.sh [--times 10] [--json] [--keep DIR]
#   bench/kill9.sh --kills 1000 [--cameras 8] [--seen 1] [--json] [--keep DIR]
#
# LOUVER_BIN names a binary to kill; without it target/release/louver is built.
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=bench/binary.sh
source "$bench/binary.sh"
exec /usr/bin/python3 "$bench/kill9.py" --louver "$louver" "$@"
