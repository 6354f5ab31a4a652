#!/usr/bin/env bash
# Installs and prepares what Louver needs and does not have yet.
#
#   scripts/setup.sh            everything
#   scripts/setup.sh --demo     what `make demo` needs
#   scripts/setup.sh --test     what `make test` needs (adds Chromium, cargo-nextest and a virtual camera)
#   scripts/setup.sh --deb      what scripts/deb.sh and scripts/test_deb.sh need (adds cargo-deb and debootstrap)
#
# Safe to repeat; says nothing much and takes a second or two when nothing is missing; needs the network only
# for what is missing. Debian packages go into the system, Node packages into ui/node_modules, everything
# else into .deps/ (ignored by git: no weights and no footage are ever committed).
#
#   LOUVER_NO_APT=1             never install Debian packages: name what is missing and stop
set -euo pipefail
# The wheel's library reports to its makers unless it is told not to.
export ORT_DISABLE_TELEMETRY=1

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly ROOT=$PWD DEPS=$PWD/.deps
readonly PYTHON=/usr/bin/python3          # Debian's: the one that its python3-gi and python3-venv belong to
readonly RUST_MIN=94 NODE_MIN=20
readonly NEXTEST_VERSION=0.9.151          # builds with Rust 1.91 and later
readonly CARGO_DEB_VERSION=3.8.0          # builds with Rust 1.85 and later

readonly ORT_VERSION=1.32.0
readonly OBJECTRON=@mediapipe/objectron@0.4.1675468480
readonly DETECTOR_SHA256=5cb06a3ad108b6d75b72b15550a47608d40712bd5bb88494affc4df319cc60e9
readonly LABELS_SHA256=c148336a65f673013609a923fdcbdeec0f49df935045029c3746a3828a0e80e0
readonly VTEST_SHA256=45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf
readonly FOOTAGE_RECIPE=1                 # raise when prepare_footage makes something else than before

readonly PACKAGES_BUILD=(pkg-config nasm libclang-dev libavcodec-dev libavformat-dev libavutil-dev libswscale-dev gcc g++)
# The RTSP server: tsdemux, the H.264/H.265 parsers, x265enc, openh264enc and voaacenc are in -bad, the RTP payloaders, jpegenc and
# G.711 in -good, appsrc and opusenc in -base.
readonly PACKAGES_PLAY=(ffmpeg python3-gi gir1.2-gst-rtsp-server-1.0
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad)
# python3-cryptography: the foreign verifier of the ledger (crates/louver-ledger/tests/foreign). iproute2: networks of a test's own.
# openssl: certificates of cameras.
readonly PACKAGES_TEST=(chromium fonts-dejavu-core python3-cryptography iproute2 openssl)
# dpkg-dev: which packages the program's libraries come from.
readonly PACKAGES_DEB=(dpkg-dev debootstrap)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# --- tools that have to be there already -----------------------------------------------------------------

need_tools() {
  local rust node
  [[ -n $(command -v cargo) && -n $(command -v rustc) ]] ||
    fail "Rust is missing: install Rust 1.$RUST_MIN or later with rustup, then run this again"
  rust=$(rustc --version)                               # rustc 1.95.0 (…)
  [[ $rust =~ ^rustc\ 1\.([0-9]+)\. && ${BASH_REMATCH[1]} -ge $RUST_MIN ]] ||
    fail "Rust 1.$RUST_MIN or later is needed, found: $rust" "\`rustup update stable\` brings it"
  [[ -n $(command -v node) && -n $(command -v npm) ]] ||
    fail "Node is missing: install Node $NODE_MIN or later with npm, then run this again"
  node=$(node --version)                                # v20.20.2
  [[ $node =~ ^v([0-9]+)\. && ${BASH_REMATCH[1]} -ge $NODE_MIN ]] ||
    fail "Node $NODE_MIN or later is needed, found $node"
}

# --- Debian packages --------------------------------------------------------------------------------------

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

apt_lists_fresh=no
apt_update() {
  [[ $apt_lists_fresh == no ]] || return 0
  say "fetching Debian's package lists"
  local try
  for try in 1 2 3 4 5 6; do                            # another apt may hold the lists: it is not waited for by apt itself
    if as_root apt-get -q=2 update; then apt_lists_fresh=yes; return 0; fi
    say "apt-get update failed (try $try of 6), waiting 10 s"
    sleep 10
  done
  fail "apt-get update does not work: is the network there, and /etc/apt/sources.list right?"
}

packages_missing() {
  local have
  have=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
  local package
  for package in "$@"; do
    [[ $have == *" installed:$package "* ]] || printf '%s ' "$package"
  done
}

install_packages() {
  local missing
  command -v dpkg-query >/dev/null || {
    say "this is no Debian: its packages are not looked for; you need what these hold: $*"
    return 0
  }
  missing=$(packages_missing "$@")
  [[ -n $missing ]] || return 0
  [[ -z ${LOUVER_NO_APT:-} ]] || fail "missing Debian packages: $missing"
  [[ $EUID -eq 0 ]] || command -v sudo >/dev/null ||
    fail "missing Debian packages, and no sudo to install them with; as root:" \
      "  apt-get update && apt-get install --no-install-recommends $missing"
  apt_update
  say "installing Debian packages: $missing"
  # shellcheck disable=SC2086  # a list of names
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q=2 -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends -y $missing >"$DEPS/apt.log" 2>&1 || {
    tail -n 20 "$DEPS/apt.log" >&2
    fail "apt-get install failed (all of it: $DEPS/apt.log)"
  }
}

# --- ONNX Runtime and the detector ---------------------------------------------------------------------------

matches() { [[ -s $2 ]] && [[ $(sha256sum <"$2") == "$1  -" ]]; }

# A Python environment in $scratch/venv that is thrown away with it.
make_venv() {
  [[ -x $scratch/venv/bin/pip ]] && return 0
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
  "$PYTHON" -m venv "$scratch/venv" || fail "cannot make a Python environment: is python3-venv whole?"
}
pip() { "$scratch/venv/bin/pip" --disable-pip-version-check --no-input --quiet "$@"; }

get_onnxruntime() {
  local lib=$DEPS/lib arch wheel_sha256
  [[ -s $lib/libonnxruntime.so && $(cat "$lib/VERSION" 2>/dev/null) == "$ORT_VERSION" ]] && return 0
  arch=$(uname -m)
  case $arch in
    x86_64) wheel_sha256=5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d ;;
    aarch64) wheel_sha256=2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c ;;
    *) fail "there is no ONNX Runtime wheel for $arch: put libonnxruntime.so $ORT_VERSION into $lib" \
      "and \`echo $ORT_VERSION > $lib/VERSION\`" ;;
  esac
  say "fetching ONNX Runtime $ORT_VERSION (27 MB)"
  make_venv
  # The library does not depend on Python: one wheel is named, whatever Python is here, so that its hash can be.
  printf 'onnxruntime==%s --hash=sha256:%s\n' "$ORT_VERSION" "$wheel_sha256" >"$scratch/ort.txt"
  pip download --no-deps --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform "manylinux_2_28_$arch" --require-hashes --dest "$scratch/ort" -r "$scratch/ort.txt" ||
    fail "cannot get the PyPI package onnxruntime $ORT_VERSION: is the network there?"
  "$PYTHON" - "$scratch/ort" <<'PY'
import pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[1])
wheel, = folder.glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith("onnxruntime/capi/libonnxruntime.so"):
            (folder / "libonnxruntime.so").write_bytes(archive.read(name))
        elif name in ("onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt"):
            (folder / f"onnxruntime-{pathlib.PurePath(name).name}").write_bytes(archive.read(name))
PY
  "$PYTHON" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1]).OrtGetApiBase' "$scratch/ort/libonnxruntime.so" ||
    fail "ONNX Runtime does not load on this system"
  mkdir -p "$lib"
  mv "$scratch/ort/onnxruntime-LICENSE" "$scratch/ort/onnxruntime-ThirdPartyNotices.txt" "$lib/"
  mv "$scratch/ort/libonnxruntime.so" "$lib/libonnxruntime.so"
  echo "$ORT_VERSION" >"$lib/VERSION"                     # last: it says that the others are whole
}

get_detector() {
  local models=$DEPS/models name=ssd_mobilenetv2_oidv4
  matches "$DETECTOR_SHA256" "$models/$name.onnx" && matches "$LABELS_SHA256" "$models/$name.labels.txt" && return 0
  say "fetching the default detector (33 MB)"
  make_venv
  mkdir -p "$models" "$scratch/npm"
  npm pack --loglevel=error --pack-destination "$scratch/npm" "$OBJECTRON" >/dev/null ||
    fail "cannot get the npm package $OBJECTRON: is the network there?"
  tar -xzf "$scratch"/npm/*.tgz -C "$scratch/npm"
  say "converting it to ONNX"
  pip install --no-deps -r scripts/make_detector.requirements.txt ||
    fail "cannot install what scripts/make_detector.py needs (scripts/make_detector.requirements.txt)"
  "$scratch/venv/bin/python" scripts/make_detector.py \
    "$scratch/npm/package/objectron_solution_packed_assets.data" "$models" 2>"$scratch/convert.log" || {
    cat "$scratch/convert.log" >&2
    fail "converting the detector failed"
  }
  {
    echo "$name.onnx is object_detection_ssd_mobilenetv2_oidv4_fp16.tflite from the npm package $OBJECTRON"
    echo "(MediaPipe Objectron, Copyright The MediaPipe Authors), converted to ONNX by scripts/make_detector.py."
    echo "Licence: Apache-2.0."
    if [[ -r /usr/share/common-licenses/Apache-2.0 ]]; then echo; cat /usr/share/common-licenses/Apache-2.0; fi
  } >"$models/$name.LICENCE.txt"
  matches "$DETECTOR_SHA256" "$models/$name.onnx" ||
    fail "the converted detector is not the expected one (sha256 $(sha256sum <"$models/$name.onnx"))"
}

# --- a virtual camera ----------------------------------------------------------------------------------------------

# For scripts/virtual_camera.py: what tests find and ask by ONVIF.
get_virtual_camera() {
  local folder=$DEPS/ipycam list=scripts/virtual_camera.requirements.txt
  cmp -s "$list" "$folder/REQUIREMENTS" && return 0
  say "fetching a virtual ONVIF camera (90 MB)"
  make_venv
  pip install --no-deps --only-binary :all: --target "$scratch/ipycam" -r "$list" ||
    fail "cannot get the PyPI packages of $list: is the network there?"
  rm -rf "$folder"
  mv "$scratch/ipycam" "$folder"
  cp "$list" "$folder/REQUIREMENTS"                       # last: it says that the others are whole
}

# --- footage ------------------------------------------------------------------------------------------------

get_clip() {
  local footage=$DEPS/footage
  matches "$VTEST_SHA256" "$footage/vtest.avi" && return 0
  command -v dpkg-deb >/dev/null || fail "vtest.avi comes out of Debian's package opencv-doc: put it into $footage"
  say "fetching the demo clip out of Debian's package opencv-doc (96 MB)"
  mkdir -p "$footage" "$scratch/clip"
  ( cd "$scratch/clip" && apt-get -q=2 download opencv-doc 2>"$scratch/clip.log" ) || {
    apt_update
    ( cd "$scratch/clip" && apt-get -q=2 download opencv-doc ) || fail "cannot download Debian's package opencv-doc"
  }
  dpkg-deb --fsys-tarfile "$scratch"/clip/opencv-doc_*.deb | tar -x -C "$scratch/clip" \
    ./usr/share/doc/opencv-doc/copyright ./usr/share/doc/opencv-doc/examples/data/vtest.avi
  matches "$VTEST_SHA256" "$scratch/clip/usr/share/doc/opencv-doc/examples/data/vtest.avi" ||
    fail "opencv-doc holds another vtest.avi than the one known here"
  mv "$scratch/clip/usr/share/doc/opencv-doc/copyright" "$footage/vtest.copyright.txt"
  mv "$scratch/clip/usr/share/doc/opencv-doc/examples/data/vtest.avi" "$footage/vtest.avi"
}

ff() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }

# encode OUT CODEC FILTER KBPS INPUT: a loop without B-frames, closed GOPs of 2 s, a whole number of them.
encode() {
  local out=$1 codec=$2 filter=$3 kbps=$4 input=$5 keys=scenecut=0:open-gop=0:keyint=20:min-keyint=20
  local rate=(-b:v "${kbps}k" -maxrate "$((kbps * 5 / 4))k" -bufsize "$((kbps * 2))k")
  local coder=(-c:v libx264 -preset veryfast -x264-params "$keys")
  [[ $codec == h264 ]] ||
    coder=(-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params "log-level=error:bframes=0:$keys")
  ff -i "$input" -an -filter_complex "$filter" -map '[out]' "${coder[@]}" -bf 0 "${rate[@]}" \
    -movflags +faststart "$out"
}

# Two cameras out of one clip of 795 pictures at 10 a second. 78 s are 39 GOPs.
prepare_footage() {
  local footage=$DEPS/footage part=$scratch/footage
  [[ $(cat "$footage/RECIPE" 2>/dev/null) == "$FOOTAGE_RECIPE" ]] && return 0
  say "preparing the demo footage (about a minute)"
  mkdir -p "$part"
  # 4:3 to 16:9: these rows keep the parked cars at the top and all but the feet of the nearest people.
  local crop='crop=iw:iw*9/16:0:36,fps=10,trim=end=78,setpts=PTS-STARTPTS'
  # The other camera: mirrored, and half-way round, so that nobody walks through both pictures at once.
  local turn='hflip,split[x][y];[x]trim=start=39,setpts=PTS-STARTPTS[late];[y]trim=end=39[early];[late][early]concat'
  # The large picture gets some sensor noise: scaled up it would not need the bits that a real camera spends.
  local large='scale=1920:1080:flags=bicubic,noise=alls=6:allf=t,format=yuv420p[out]'
  local small='scale=640:360:flags=bicubic,format=yuv420p[out]'
  local clip=$footage/vtest.avi name
  encode "$part/forecourt_main.mp4" h264 "$crop,$large" 4000 "$clip"
  encode "$part/forecourt_sub.mp4" h264 "$crop,$small" 500 "$clip"
  encode "$part/yard_main.mp4" h264 "$crop,$turn,$large" 4000 "$clip"
  encode "$part/yard_sub.mp4" h264 "$crop,$turn,$small" 500 "$clip"
  encode "$part/forecourt_sub_h265.mp4" h265 "$crop,$small" 400 "$clip"
  for name in forecourt_main forecourt_sub yard_main yard_sub; do
    ff -i "$part/$name.mp4" -c copy -bsf:v h264_mp4toannexb -f h264 "$part/$name.h264"
  done
  ff -i "$part/forecourt_sub_h265.mp4" -c copy -bsf:v hevc_mp4toannexb -f hevc "$part/forecourt_sub.h265"
  mv "$part"/* "$footage/"
  echo "$FOOTAGE_RECIPE" >"$footage/RECIPE"                # last: it says that the others are whole
}

# --- Node and Rust ---------------------------------------------------------------------------------------------

install_ui() {
  local lock=ui/package-lock.json stamp=ui/node_modules/.package-lock.json
  [[ -f $lock ]] || return 0
  [[ -f $stamp && ! $lock -nt $stamp ]] && return 0
  say "installing the page's Node packages"
  # Playwright's own browsers stay away: the tests use the system's Chromium.
  ( cd ui && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-fund --no-audit --loglevel=error ) ||
    fail "npm ci failed in ui/: is the network there?"
  touch "$stamp"
}

fetch_crates() {
  local stamp=$DEPS/crates.sha256
  [[ -f Cargo.lock ]] || return 0
  sha256sum --status --check "$stamp" 2>/dev/null && return 0
  say "fetching the Rust crates"
  # Not an end: cargo's own message at the build says more about a lock file that needs an update.
  if cargo fetch --locked --quiet; then sha256sum Cargo.lock >"$stamp"; else say "cargo fetch failed, going on"; fi
}

install_nextest() {
  PATH=$DEPS/cargo/bin:$PATH cargo nextest --version >/dev/null 2>&1 && return 0
  say "building cargo-nextest $NEXTEST_VERSION into .deps/cargo (some minutes, once)"
  cargo install cargo-nextest --locked --version "$NEXTEST_VERSION" --root "$DEPS/cargo" --quiet \
    --no-default-features --features default-no-update ||
    fail "cannot build cargo-nextest: is the network there? \`cargo install cargo-nextest --locked\` does it by hand"
}

install_cargo_deb() {
  [[ -x $DEPS/deb/bin/cargo-deb ]] && return 0
  say "building cargo-deb $CARGO_DEB_VERSION into .deps/deb (a minute or two, once)"
  cargo install cargo-deb --locked --version "$CARGO_DEB_VERSION" --root "$DEPS/deb" --quiet --debug --no-default-features ||
    fail "cannot build cargo-deb: is the network there?"
}

# ------------------------------------------------------------------------------------------------------------------

main() {
  local for_demo=yes for_test=yes for_deb=no
  case ${1:-} in
    '') ;;
    --demo) for_test=no ;;
    --test) for_demo=no ;;
    --deb) for_test=no for_deb=yes ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; return 0 ;;
    *) fail "unknown option $1 (--demo, --test, --deb or nothing)" ;;
  esac
  need_tools
  mkdir -p "$DEPS"
  exec 9>"$DEPS/.lock"
  flock --nonblock 9 || { say "another setup is running, waiting for it"; flock 9; }
  scratch=$(mktemp -d "$DEPS/scratch.XXXXXX")             # on the same disk, so that mv is one step
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  # Both cameras and tests play clips through the RTSP server.
  local packages=("${PACKAGES_BUILD[@]}" "${PACKAGES_PLAY[@]}")
  [[ $for_test == no ]] || packages+=("${PACKAGES_TEST[@]}")
  [[ $for_deb == no ]] || packages+=("${PACKAGES_DEB[@]}")
  install_packages "${packages[@]}"
  get_onnxruntime
  get_detector
  [[ $for_test == no ]] || get_virtual_camera
  get_clip
  prepare_footage
  install_ui
  fetch_crates
  [[ $for_test == no ]] || install_nextest
  [[ $for_deb == no ]] || install_cargo_deb

  local purpose='everything'
  [[ $for_test == yes ]] || purpose='the demo'
  [[ $for_demo == yes ]] || purpose='the tests'
  cat <<SUMMARY
setup: ready for $purpose, in ${ROOT}/.deps:
         lib/libonnxruntime.so              ONNX Runtime $ORT_VERSION
         models/ssd_mobilenetv2_oidv4.onnx  default detector
         footage/vtest.avi                  the clip as it came
         footage/{forecourt,yard}_*         two cameras made of it
SUMMARY
}

main "$@"
