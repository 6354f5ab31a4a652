#!/usr/bin/env bash
# Two demo cameras and Louver recording them; see README. Ctrl-C ends everything that this starts.
#
# Everything it keeps is in .demo/ (settings, the holder's key, recordings): `make clean-demo` forgets it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly ROOT=$PWD DEMO=$PWD/.demo PORT=${DEMO_PORT:-8470} RTSP_PORT=8554
readonly SETTINGS=$DEMO/louver.toml HOLDER=$DEMO/holder.txt

say() { printf 'demo: %s\n' "$*"; }
fail() { printf 'demo: %s\n' "$@" >&2; exit 1; }
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# --- what was started ends with this -------------------------------------------------------------------------

started=()
end_all() {
  trap '' INT TERM HUP
  local pid
  # Last started first: the recorder closes its files before its cameras go away.
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    pid=${started[i]}
    kill -TERM -- "-$pid" 2>/dev/null || continue
    for ((n = 0; n < 100; n++)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    if kill -KILL -- "-$pid" 2>/dev/null; then say "process $pid did not end within 10 s and was killed"; fi
  done
  wait 2>/dev/null || true
}
trap end_all EXIT
trap 'echo; say "ending"; exit 0' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Each in a process group of its own, so that Ctrl-C reaches this script alone and things end in order; each told to
# end should this script be killed without a chance to say so.
start() {
  set -m
  setpriv --pdeathsig TERM -- "$@" </dev/null &
  started+=($!)
  set +m
}

# --- settings, written once --------------------------------------------------------------------------------------

camera() {
  local id=$1 name=$2 sees=$3 address=rtsp://demo:$password@127.0.0.1:$rtsp_port
  cat <<TOML

[[camera]]
id = "$id"
name = "$name"
main = "$address/$id/main"
sub = "$address/$id/sub"
purpose = "Demonstration: recorded footage of $sees, played as if it were live"
owner = "Whoever runs this demonstration"
contact = "demo@example.org"
retention_hours = 72
TOML
}

write_settings() {
  local recipient rtsp_port=$1 password
  mkdir -p "$DEMO"
  chmod 700 "$DEMO"
  if [[ ! -s $HOLDER ]]; then
    "$louver" holder new -o "$HOLDER" >"$DEMO/holder.log" 2>&1 || {
      cat "$DEMO/holder.log" >&2
      fail "\`louver holder new\` failed"
    }
  fi
  recipient=$(cat "$DEMO/holder.log" "$HOLDER" 2>/dev/null | grep -om1 'holder1[0-9a-z]*') ||
    fail "$HOLDER does not say who it belongs to; \`make clean-demo\` starts anew (and forgets its recordings)"
  password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
  (
    umask 077
    {
      cat <<TOML
# Written by scripts/demo.sh on its first run; yours to change from then on.
data = "data"
listen = "127.0.0.1:$PORT"

[holders]
# Originals are sealed for the holder of holder.txt, and open with that file and the recorder's key ring.
needed = 1
list = [{ name = "Demo", public = "$recipient" }]

[detector]
model = "../.deps/models/ssd_mobilenetv2_oidv4.onnx"
kind = "ssd-mobilenet-v2"
library = "../.deps/lib/libonnxruntime.so"
TOML
      camera forecourt Forecourt "a forecourt"
      camera yard Yard "a yard"
    } >"$SETTINGS.part"
  )
  mv "$SETTINGS.part" "$SETTINGS"
}

# The port in the settings is kept while it is free; otherwise another goes into both.
rtsp_port_of_settings() { grep -om1 'rtsp://demo:[^@]*@127.0.0.1:[0-9]*' "$SETTINGS" | grep -o '[0-9]*$'; }
password_of_settings() { grep -om1 'rtsp://demo:[^@]*@' "$SETTINGS" | sed 's,.*demo:,,; s,@,,'; }

# --- go ------------------------------------------------------------------------------------------------------------

! taken "$PORT" || fail "port $PORT is taken: is another Louver (or demo) running on this machine? End it first." \
  "Or use another port: DEMO_PORT=8471 make demo"

scripts/setup.sh --demo
scripts/build_ui.sh
say "building louver"
cargo build --release --quiet -p louver
readonly louver=${CARGO_TARGET_DIR:-$ROOT/target}/release/louver

port=$RTSP_PORT
[[ ! -s $SETTINGS ]] || port=$(rtsp_port_of_settings || echo "$RTSP_PORT")
if taken "$port"; then
  old=$port port=$(free_port)
  say "port $old is taken, the cameras use $port"
  [[ ! -s $SETTINGS ]] || sed -i "s,@127\.0\.0\.1:$old/,@127.0.0.1:$port/,g" "$SETTINGS"
fi
if [[ -s $SETTINGS ]]; then
  sed -i "s,^listen = \"127\.0\.0\.1:[0-9]*\"$,listen = \"127.0.0.1:$PORT\"," "$SETTINGS"
else
  write_settings "$port"
fi

rm -f "$DEMO/cameras.ready"
footage=$ROOT/.deps/footage
start scripts/rtsp_server.py --port "$port" --user demo --password "$(password_of_settings)" --auth digest \
  --ready-file "$DEMO/cameras.ready" \
  --mount "/forecourt/main=$footage/forecourt_main.mp4" --mount "/forecourt/sub=$footage/forecourt_sub.mp4" \
  --mount "/yard/main=$footage/yard_main.mp4" --mount "/yard/sub=$footage/yard_sub.mp4" >/dev/null
for ((n = 0; n < 300; n++)); do
  [[ ! -s $DEMO/cameras.ready ]] || break
  kill -0 "${started[0]}" 2>/dev/null || fail "the demo cameras did not start"
  sleep 0.1
done
[[ -s $DEMO/cameras.ready ]] || fail "the demo cameras gave no picture within 30 s"
say "two cameras play at rtsp://127.0.0.1:$port"

start "$louver" serve --settings "$SETTINGS"
code=0
wait -n "${started[@]}" || code=$?
if kill -0 "${started[1]}" 2>/dev/null; then fail "the demo cameras ended by themselves"; fi
[[ $code -eq 0 ]] || fail "louver ended with status $code"
