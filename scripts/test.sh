#!/usr/bin/env bash
# Every check and test, in the order in which they need each other; `make test` and CI run this and nothing else.
#
#   scripts/test.sh             everything
#   scripts/test.sh --lint      formatting and lints only
#
# A stage that fails does not keep the later ones from running; the last line says what failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lint_only=no
case ${1:-} in
  '') ;;
  --lint) lint_only=yes ;;
  *) echo "test: unknown option $1 (--lint or nothing)" >&2; exit 2 ;;
esac

export LOUVER_DEPS=$PWD/.deps
export ORT_DYLIB_PATH=$LOUVER_DEPS/lib/libonnxruntime.so
export PATH=$LOUVER_DEPS/cargo/bin:$PATH
target=${CARGO_TARGET_DIR:-$PWD/target}
[[ $target == /* ]] || target=$PWD/$target
export LOUVER_BIN=$target/debug/louver

passed=() failed=() began=$SECONDS
report() {
  printf '\n'
  ((${#passed[@]} == 0)) || printf '  ok      %s\n' "${passed[@]}"
  ((${#failed[@]} == 0)) || printf '  FAILED  %s\n' "${failed[@]}"
  if ((${#failed[@]} == 0)); then
    printf 'test: all %d stages passed in %d s\n' "${#passed[@]}" $((SECONDS - began))
  else
    printf 'test: %d of %d stages FAILED, in %d s\n' "${#failed[@]}" $((${#passed[@]} + ${#failed[@]})) $((SECONDS - began))
  fi
}
trap 'exit 130' INT
trap 'exit 143' TERM

stage() {
  local name=$1 from=$SECONDS line
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    line="$name ($((SECONDS - from)) s)"
    passed+=("$line")
  else
    line="$name ($((SECONDS - from)) s): $*"
    failed+=("$line")
  fi
  printf '== %s\n' "$line"
}

page() { npm --prefix ui run --silent --if-present "$@"; }

scripts_are_clean() {
  local script
  for script in scripts/*.sh bench/*.sh .ci/run; do bash -n "$script" || return 1; done
  for script in scripts/*.py bench/*.py crates/*/tests/*/*.py; do
    /usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$script" || return 1
  done
  if command -v shellcheck >/dev/null; then shellcheck -x scripts/*.sh bench/*.sh .ci/run; else echo "shellcheck is not here, skipped"; fi
}

stage 'setup' scripts/setup.sh --test
if ((${#failed[@]})); then report; exit 1; fi

stage 'format' cargo fmt --all --check
stage 'scripts' scripts_are_clean
stage 'threat model' scripts/threats.py
stage 'page: types' page check
[[ ! -f ui/openapi.json ]] || stage 'page: types follow openapi.json' page types:check
stage 'page: lint' page lint
# Before anything of Rust: the server carries ui/dist inside its binary.
stage 'page: build' scripts/build_ui.sh
stage 'clippy' cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
if [[ $lint_only == no ]]; then
  stage 'page: unit tests' page test
  stage 'Rust tests' cargo nextest run --workspace --locked
  stage 'Rust doc tests' cargo test --doc --workspace --locked --quiet
  stage 'louver for the browser tests' cargo build -p louver --locked --quiet
  stage 'browser tests' page e2e
fi

report
((${#failed[@]} == 0))
