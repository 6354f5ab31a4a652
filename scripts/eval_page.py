"""Reports of `louver eval mask --json` to EVALUATION.md."""
import json
import platform
import subprocess
import sys

ROWS = [
    ("head leak", lambda r: r["shown"]["head"], "≤ 2 % (DEIMv2-Femto), ≤ 5 % (default)"),
    ("body leak", lambda r: r["shown"]["body"], ""),
    ("head leak of the backdrop alone", lambda r: r["backdrop_alone"]["head"], ""),
    ("body leak of the backdrop alone", lambda r: r["backdrop_alone"]["body"], ""),
    ("over-mask", lambda r: r["over_mask"], "≤ 25 %"),
    ("over-mask that can be seen", lambda r: r["over_mask_visible"], ""),
    ("detector on output", lambda r: r["detector_on_output"], "0"),
    ("tracks followed", lambda r: r["tracks_followed"], ""),
    ("*head leak if nothing were masked*", lambda r: r["unmasked"]["head"], ""),
    ("*detector on input*", lambda r: r["detector_on_input"], ""),
]


def processor():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {len(names) or '?'} cores"


reports = [json.load(open(path))["figures"] for path in sys.argv[1:]]
version = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
share = lambda s: f"{s['percent']:.2f} % ({s['count']:,} of {s['of']:,})"
print(f"""# How well people are masked

Made by `make eval` at {version} on {processor()}. Do not edit.

Footage: `{reports[0]['footage']}` (PETS 2009 S2.L1, view 001; Debian's package `opencv-doc`), {reports[0]['frames']}
pictures at about 10 a second, 1 to 9 people walking; ground truth by A. Milan. One clip is not the world: outdoors, by
day, people 40 to 130 pixels high. Other footage gives other figures.

| measure | {' | '.join('`' + r['model'] + '`' for r in reports)} | mark |
|---|{'---|' * len(reports)}---|""")
for name, value, mark in ROWS:
    print(f"| {name} | {' | '.join(share(value(r)) for r in reports)} | {mark} |")
speed = lambda key: " | ".join(f"{r['speed'][key]:.2f}" for r in reports)
print(f"| pictures a second | {speed('frames_per_second')} | |")
for key, name in [("decode_ms", "decode"), ("see_ms", "see, without the detector"), ("detect_ms", "detect")]:
    print(f"| ms a picture: {name} | {speed(key)} | |")
print(f"| detector sweeps a second of video | {speed('sweeps_per_second')} | |")
print("""
## What the measures mean

Every picture is measured at its own time against the ground-truth boxes, from the first picture on.

- **Head leak**: share of person-frames where more than 10 % of the head zone (top 18 % by middle 50 % of the box) shows
  pixels that came from the camera and are not the empty place. The empty place is not the product's own backdrop but the
  median of what each pixel showed while no annotated person was near, over the whole clip; a pixel differs from it by
  more than 25 levels of luma or 12 of chroma. Somebody who was learned into the backdrop leaks for as long as he is in it.
- **Body leak**: likewise, more than 25 % of the box.
- **Of the backdrop alone**: the same without the boxes drawn over it; stricter than what anyone is shown.
- **Over-mask**: share of pixels outside all person boxes (widened by 15 %) that are masked: unknown or occupied cells and
  whatever lies under a figure, whether or not it looks different from the clip. **That can be seen**: of all those pixels, the
  share that looks different (as above) from the clip.
- **Detector on output**: share of ground-truth boxes, in every fifth picture, that the same detector finds (IoU 0.5, at
  the score that makes events) on the masked picture. A face detector is not run yet.
- **Tracks followed**: ground-truth tracks with a figure over at least half of their box for at least 80 % of their time.

Speed is that of the machine while it also did other things: compare rows, not pages.""")
