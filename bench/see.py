#!/usr/bin/python3
"""What seeing and masking cost a picture, beside bare decoding and OpenCV's MOG2; see bench/README.md."""

import argparse
import json
import os
import statistics
import subprocess

import rig

SUB = os.path.join(rig.FOOTAGE, "forecourt_sub.mp4")
MODEL = os.path.join(rig.ROOT, ".deps", "models", "ssd_mobilenetv2_oidv4.onnx")
LIBRARY = os.path.join(rig.ROOT, ".deps", "lib", "libonnxruntime.so")
MARKS = {"foreground_ms": 0.10, "times_mog2": 5, "busy": 1.6}


def raw(folder, width, height):
    """The clip's pictures at a size, uncompressed."""
    out = os.path.join(folder, f"{width}x{height}.yuv")
    scale = f"scale={width}:{height}:flags=area"
    subprocess.run(rig.ffmpeg("-i", SUB, "-vf", scale, "-pix_fmt", "yuv420p", "-f", "rawvideo", out), check=True)
    return out


def median_of(rounds):
    """Each number's median over the rounds, in which the sides took turns."""
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]
            if isinstance(rounds[0][name], (int, float))}


def foreground(options, folder):
    """The foreground step at 320x180: Louver's whole seeing against MOG2's apply."""
    python, pictures = rig.python_of_others(), raw(folder, 320, 180)
    mine, theirs = [], []
    for _ in range(options.rounds):
        mine.append(json.loads(rig.Run([options.see, "320", "180", pictures], options.core).text))
        mog2 = [python, os.path.join(rig.ROOT, "bench", "mog2.py"), "320", "180", pictures]
        theirs.append(json.loads(rig.Run(mog2, options.core).text))
    return {"louver": median_of(mine), "mog2": median_of(theirs), "opencv": theirs[0]["opencv"]}


def sub_stream(options):
    """A busy 640x360 stream from the file to what may be shown, against decoding it and throwing it away."""
    bare, mine, pictures = [], [], rig.pictures_in(SUB)
    for _ in range(options.rounds):
        run = rig.Run(rig.ffmpeg("-i", SUB, "-f", "null", "-"), options.core)
        bare.append({"decode_ms": run.cpu_s * 1000 / pictures})
        mine.append(json.loads(rig.Run([options.whole, LIBRARY, MODEL, SUB], options.core).text))
    bare, mine = median_of(bare), median_of(mine)
    all_ms = mine["decode_ms"] + mine["see_ms"] + mine["render_ms"]
    return {"bare": bare, "louver": mine, "see_and_mask_ms": all_ms, "times_bare": all_ms / bare["decode_ms"]}


def as_text(found):
    step, busy, machine = found["foreground"], found["busy"], found["machine"]
    mine, mog2, whole = step["louver"], step["mog2"], busy["louver"]
    return "\n".join([
        f"CPU milliseconds a picture, on one core of {machine['cpu']} ({machine['cores']} cores, load {machine['load'][0]})", "",
        rig.table(["320x180, no decoding", "ms"], [
            ["louver, seeing whole (means, compare, decide, groups, tracks)", mine["see_ms"]],
            [f"OpenCV {step['opencv']} MOG2, colour", mog2["colour_ms"]],
            ["OpenCV MOG2, luma alone", mog2["luma_ms"]]]),
        f"MOG2 : louver  {mog2['colour_ms'] / mine['see_ms']:.1f} (luma alone {mog2['luma_ms'] / mine['see_ms']:.1f}; "
        f"marks: at least {MARKS['times_mog2']}, and {MARKS['foreground_ms']} ms at most)", "",
        rig.table(["640x360, busy", "ms"], [
            ["bare decoding (ffmpeg -threads 1 -f null)", busy["bare"]["decode_ms"]],
            ["louver, decoding", whole["decode_ms"]], ["louver, seeing", whole["see_ms"]],
            ["louver, drawing", whole["render_ms"]],
            [f"louver, detector ({whole['detector_runs']:.0f} runs in {whole['pictures']:.0f} pictures; not in the ratio)",
             whole["detect_ms"]]]),
        f"see + mask : bare decoding  {busy['times_bare']:.2f} (mark: {MARKS['busy']} at most)"])


def run():
    parser = argparse.ArgumentParser(prog="bench/see.sh", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="medians of so many (default %(default)s)")
    parser.add_argument("--core", type=int, default=0, help="the core that everything is pinned to (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--see", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pass", dest="whole", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not os.path.exists(SUB):
        raise rig.Trouble(f"{SUB} is missing: run scripts/setup.sh")
    with rig.work_dir(options.keep) as folder:
        found = {"foreground": foreground(options, folder), "busy": sub_stream(options), "machine": rig.machine()}
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    rig.main(run)
