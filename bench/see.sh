#!/usr/bin/env bash
# What seeing and masking cost a picture, beside bare decoding and OpenCV's background model; bench/README.md says how to read it.
#
#   bench/see.sh [--rounds 3] [--core 0] [--json] [--keep DIR]
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=bench/binary.sh
source "$bench/binary.sh"
see=$(example louver-see see_speed)
exec /usr/bin/python3 "$bench/see.py" --see "$see" --louver "${louver:?}" "$@"
