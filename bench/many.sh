#!/usr/bin/env bash
# Many cameras on this machine: what recording costs beside `ffmpeg -c copy`, and what gives first when they are too many;
# bench/README.md says how to read it.
#
#   bench/many.sh [--cameras 32] [--seen] [--busy-of 5] [--idle-noise 7] [--seconds 60] [--warm-up 30] [--no-ffmpeg] [--json] [--keep DIR]
#
# The cameras are played by the rtsp_farm in the folder that LOUVER_SHARED names (../shared if it names none). LOUVER_BIN names a
# binary to measure; without it target/release/louver is built.
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=bench/binary.sh
source "$bench/binary.sh"
exec /usr/bin/python3 "$bench/many.py" --louver "$louver" "$@"
