#!/usr/bin/python3
"""Masking a 1080p file on one core, beside deface and bare ffmpeg; see bench/README.md."""

import argparse
import json
import os
import subprocess

import rig

CLIP = os.path.join(rig.FOOTAGE, "forecourt_main.mp4")
# How setup.sh made that clip of the one whose ground truth there is: 16:9 from this row on, scaled to 1920x1080.
CROP_TOP, SCALE, WIDTH, HEIGHT = 36, 2.5, 1920, 1080
LEAST_VISIBLE = 0.5  # boxes of which less is in the picture are left out
DEFAULT = os.path.join(rig.ROOT, ".deps", "models", "ssd_mobilenetv2_oidv4.onnx")
MARK_TIMES, MARK_LEAK = 15, {"default": 0.5, "deimv2_femto": 0.1}


def environment():
    return {"LOUVER_DEPS": os.path.join(rig.ROOT, ".deps")}


def cut(folder, seconds):
    """The first seconds of the clip, copied; all of it for 0."""
    if not os.path.exists(CLIP):
        raise rig.Trouble(f"{CLIP} is missing: run scripts/setup.sh")
    if not seconds:
        return CLIP
    out = os.path.join(folder, "in.mp4")
    subprocess.run(rig.ffmpeg("-i", CLIP, "-t", seconds, "-c", "copy", out), check=True)
    return out


def models(shared):
    found = {"default": DEFAULT}
    femto = os.path.join(shared, "models", "deimv2_femto.onnx")
    if os.path.exists(femto):
        found["deimv2_femto"] = femto
    return found


def measure_speed(options, folder, shared):
    """Every way through the same file on the same core, one after the other."""
    video = cut(folder, options.seconds)
    pictures = rig.pictures_in(video)
    python = rig.python_of_others()
    found = {}

    def take(name, command, stdin=None):
        rig.say(name)
        run = rig.Run(command, options.core, stdin, environment())
        found[name] = {"pictures_per_second": pictures / run.wall_s, "pictures_per_cpu_second": pictures / run.cpu_s,
                       "wall_s": run.wall_s, "cpu_s": run.cpu_s}
        return run

    take("decode alone (ffmpeg)", rig.ffmpeg("-i", video, "-f", "null", "-"))
    for model, path in models(shared).items():
        out = os.path.join(folder, f"{model}.mp4")
        take(f"louver redact, {model}", [options.louver, "redact", video, "-o", out, "--model", path])
    take("deface", [os.path.join(os.path.dirname(python), "deface"), video, "-o", os.path.join(folder, "deface.mp4")])
    # Half before, half after deface would be fairer still; the CPU-seconds are what is compared, and they move little.
    take("louver redact, default, again",
         [options.louver, "redact", video, "-o", os.path.join(folder, "again.mp4"), "--model", DEFAULT])
    take("transcode (ffmpeg, x264 medium)", rig.ffmpeg("-i", video, "-an", "-c:v", "libx264", "-preset", "medium",
                                                      "-threads", "1", os.path.join(folder, "medium.mp4")))
    found["encode alone (OpenH264)"] = encode_alone(options, os.path.join(folder, "default.mp4"))
    return {"pictures": pictures, "sides": found, "others": rig.versions(python, "deface", "onnxruntime")}


def encode_alone(options, masked):
    """The masked pictures coded once more: nothing else is counted."""
    rig.say("encode alone (OpenH264)")
    decode = subprocess.Popen(rig.ffmpeg("-i", masked, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"),
                              stdout=subprocess.PIPE, preexec_fn=rig.die_with_parent)
    with decode:
        run = rig.Run([options.encode, str(WIDTH), str(HEIGHT), "10"], options.core, decode.stdout)
    return {"pictures_per_second": None, "pictures_per_cpu_second": 1000 / json.loads(run.text)["encode_ms"],
            "wall_s": None, "cpu_s": None}


def scaled_truth(truth, out):
    """Ground truth for the clip: boxes moved and scaled as the pictures were, cut at the picture's edge."""
    with open(truth, encoding="utf-8") as lines, open(out, "w", encoding="utf-8") as to:
        for line in filter(str.strip, lines):
            frame, number, left, top, width, height = (float(n) for n in line.split(",")[:6])
            box = [left * SCALE, (top - CROP_TOP) * SCALE, (left + width) * SCALE, (top + height - CROP_TOP) * SCALE]
            seen = [max(0, box[0]), max(0, box[1]), min(WIDTH, box[2]), min(HEIGHT, box[3])]
            wide, high = seen[2] - seen[0], seen[3] - seen[1]
            if wide > 0 and high > 0 and wide * high >= LEAST_VISIBLE * width * height * SCALE ** 2:
                to.write(f"{frame:.0f},{number:.0f},{seen[0]:.1f},{seen[1]:.1f},{wide:.1f},{high:.1f}\n")
    return out


def measure_leak(options, folder, shared):
    """`louver eval mask` over the whole clip at 1080p, with each model."""
    truth = os.path.join(shared, "footage", "PETS2009-S2L1-gt.mot.txt")
    if options.no_leak or not os.path.exists(truth):
        rig.say(f"the leak is not measured: {'--no-leak' if options.no_leak else 'no ground truth at ' + truth}")
        return {}
    truth, found = scaled_truth(truth, os.path.join(folder, "truth.txt")), {}
    for model, path in models(shared).items():
        rig.say(f"leak, {model} (minutes)")
        command = [options.louver, "eval", "mask", "--video", CLIP, "--truth", truth, "--model", path, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment()})
        if done.returncode:
            raise rig.Trouble(f"louver eval mask: {done.stderr.strip()[-300:]}")
        report = json.loads(done.stdout)
        report = report.get("figures", report)
        found[model] = {name: report[name] for name in ("shown", "over_mask", "unmasked")}
    return found


def as_text(figures):
    sides, machine = figures["sides"], figures["machine"]
    rows = [[name, s["pictures_per_second"], s["pictures_per_cpu_second"]] for name, s in sides.items()]
    lines = [
        f"{figures['pictures']} pictures of 1920x1080 at 10 a second, everything on one core of {machine['cpu']} "
        f"({machine['cores']} cores, load {machine['load'][0]}); {figures['others']}", "",
        rig.table(["", "pictures a second", "pictures a CPU-second"], rows), ""]
    for model, times in figures["times_deface"].items():
        lines.append(f"louver redact, {model}: {times['cpu']:.1f} times deface by CPU time, {times['wall']:.1f} by the clock "
                     f"(mark: {MARK_TIMES})")
    for model, leak in figures["leak"].items():
        head, body = leak["shown"]["head"], leak["shown"]["body"]
        lines.append(f"head leak at 1080p, {model}: {head['percent']:.2f} % ({head['count']} of {head['of']}; mark "
                     f"{MARK_LEAK[model]} %), body {body['percent']:.2f} %, over-mask {leak['over_mask']['percent']:.1f} %, "
                     f"unmasked clip {leak['unmasked']['head']['percent']:.1f} %")
    return "\n".join(lines)


def run():
    parser = argparse.ArgumentParser(prog="bench/redact.sh", description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, metavar="S",
                        help="of the clip, 0 for all 78 (default %(default)s; deface takes about ten times as long)")
    parser.add_argument("--core", type=int, default=0, help="the core that everything is pinned to (default %(default)s)")
    parser.add_argument("--no-leak", action="store_true", help="speed alone")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--louver", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--encode", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    shared = os.environ.get("LOUVER_SHARED") or os.path.join(rig.ROOT, "..", "shared")
    with rig.work_dir(options.keep) as folder:
        figures = measure_speed(options, folder, shared)
        figures["leak"] = measure_leak(options, folder, shared)
    deface = figures["sides"]["deface"]
    figures["times_deface"] = {
        model: {kind: figures["sides"][f"louver redact, {model}"][name] / deface[name]
                for kind, name in (("cpu", "pictures_per_cpu_second"), ("wall", "pictures_per_second"))}
        for model in models(shared)}
    figures["machine"] = rig.machine()
    print(json.dumps(figures, indent=2) if options.json else as_text(figures))


if __name__ == "__main__":
    rig.main(run)
