#!/usr/bin/env bash
# Feeds the parsers of foreign bytes whatever a fuzzer thinks of; fuzz/checks says what must hold of any bytes.
#
#   scripts/fuzz.sh list                         which targets there are, and what each is given
#   scripts/fuzz.sh TARGET|all [--minutes 10]
#
# docs/fuzzing.md says what is run every night and what to do with what is found. Needs the nightly compiler (`rustup toolchain install nightly`) and cargo-fuzz
# (`cargo install cargo-fuzz --locked`). What it finds is kept in fuzz/artifacts, how far it came in fuzz/grown: neither
# belongs into the repository; fuzz/corpus, which it starts from and only reads, does. Something found goes there, small
# (`cargo +nightly fuzz tmin`), together with what mends it: `make test` runs every file of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../fuzz"

fail() { printf 'fuzz: %s\n' "$@" >&2; exit 1; }
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$script"; }
script=$PWD/../scripts/fuzz.sh

minutes=10 wanted=
while (($#)); do
  case $1 in
    --minutes) minutes=${2:-}; shift ;;
    -h | --help) usage; exit 0 ;;
    -*) fail "unknown option $1 (--minutes N)" ;;
    *) wanted=$1 ;;
  esac
  shift
done
[[ $minutes =~ ^[1-9][0-9]{0,4}$ ]] || fail "--minutes wants a whole number, 1 to 99999"
[[ -n $wanted ]] || { usage; exit 2; }

targets=()
for file in fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
if [[ $wanted == list ]]; then
  for target in "${targets[@]}"; do
    printf '%-16s%s\n' "$target" "$(sed -n "s/^| \`$target\` | \([^|]*\) |.*/\1/p" ../docs/fuzzing.md)"
  done
  exit 0
fi
if [[ $wanted != all ]]; then
  [[ -f fuzz_targets/$wanted.rs ]] || fail "there is no target $wanted: ${targets[*]} or all"
  targets=("$wanted")
fi
cargo +nightly --version >/dev/null 2>&1 || fail "the nightly compiler is missing: rustup toolchain install nightly"
cargo fuzz --version >/dev/null 2>&1 || fail "cargo-fuzz is missing: cargo install cargo-fuzz --locked"

# Servers that targets start keep their data here.
TMPDIR=$(mktemp -d) && export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

bad=()
for target in "${targets[@]}"; do
  mkdir -p "grown/$target"
  # One allocation of more than 256 MiB, and an input that takes half a minute, are failures too.
  cargo +nightly fuzz run "$target" "grown/$target" "corpus/$target" -- -max_total_time=$((minutes * 60)) \
    -timeout=30 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 || bad+=("$target")
done
((${#bad[@]} == 0)) || fail "something was found in: ${bad[*]} (fuzz/artifacts)"
