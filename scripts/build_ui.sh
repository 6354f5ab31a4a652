#!/usr/bin/env bash
# Builds the page into ui/dist, which the server carries inside its binary; nothing happens when it is fresh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../ui"

built=dist/index.html
inputs=()
for input in src public index.html verify.html package.json package-lock.json openapi.json ./*.config.* tsconfig.json; do
  [[ ! -e $input ]] || inputs+=("$input")
done
if [[ -f $built && -z $(find "${inputs[@]}" -type f -newer "$built" -print -quit) ]]; then
  echo "page: ui/dist is fresh"
  exit 0
fi
[[ -d node_modules ]] || { echo "page: ui/node_modules is missing, run scripts/setup.sh" >&2; exit 1; }
npm run --silent build
# Also when the page came out the same: it is the newest file the next time.
touch "$built"
