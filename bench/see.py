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
    """640x360 streams from the packets to what may be shown, against decoding them and throwing the pictures away; and what a
    whole `ffmpeg` that does the same costs, its start included."""
    command = [options.louver, "eval", "speed", "--video", SUB, "--model", MODEL, "--rounds", str(options.rounds), "--json"]
    parts = {"LOUVER_DEPS": os.path.join(rig.ROOT, ".deps")}
    found = json.loads(rig.Run(command, options.core, environment=parts).text)["figures"]
    player = rig.Run(rig.ffmpeg("-i", SUB, "-f", "null", "-"), options.core)
    return {"streams": found["streams"], "ffmpeg_ms": player.cpu_s * 1000 / rig.pictures_in(SUB)}


def as_text(found):
    step, busy, machine = found["foreground"], found["busy"], found["machine"]
    mine, mog2 = step["louver"], step["mog2"]
    head = ["640x360", "kbit/s", "decode", "+ see", "times", "+ draw", "times", "detector"]
    rows = [[f"{s['name']}: {s['coded']}", f"{s['bits_per_second'] / 1000:.0f}", s["decode_ms"], s["decode_and_see_ms"],
             s["times_decode"], s["decode_and_see_ms"] + s["draw_ms"], s["times_decode_with_drawing"], s["detect_ms"]]
            for s in busy["streams"]]
    return "\n".join([
        f"CPU milliseconds a picture, on one core of {machine['cpu']} ({machine['cores']} cores, load {machine['load'][0]})", "",
        rig.table(["320x180, no decoding", "ms"], [
            ["louver, the foreground step (means, compare, decide)", mine["foreground_ms"]],
            ["louver, seeing whole (groups, tracks, events too)", mine["see_ms"]],
            [f"OpenCV {step['opencv']} MOG2, colour", mog2["colour_ms"]],
            ["OpenCV MOG2, luma alone", mog2["luma_ms"]]]),
        f"MOG2 : foreground step  {mog2['colour_ms'] / mine['foreground_ms']:.1f} (luma alone "
        f"{mog2['luma_ms'] / mine['foreground_ms']:.1f}; marks: at least {MARKS['times_mog2']}, and "
        f"{MARKS['foreground_ms']} ms at most)",
        f"MOG2 : seeing whole     {mog2['colour_ms'] / mine['see_ms']:.1f} (luma alone {mog2['luma_ms'] / mine['see_ms']:.1f})", "",
        rig.table(head, rows),
        f"a whole ffmpeg -threads 1 -f null on the first of them: {busy['ffmpeg_ms']:.2f} ms; mark of decode + see on the "
        f"busy stream: {MARKS['busy']} times at most"])


def run():
    parser = argparse.ArgumentParser(prog="bench/see.sh", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="medians of so many (default %(default)s)")
    parser.add_argument("--core", type=int, default=0, help="the core that everything is pinned to (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--see", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--louver", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not os.path.exists(SUB):
        raise rig.Trouble(f"{SUB} is missing: run scripts/setup.sh")
    with rig.work_dir(options.keep) as folder:
        found = {"foreground": foreground(options, folder), "busy": sub_stream(options), "machine": rig.machine()}
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    rig.main(run)
