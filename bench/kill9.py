#!/usr/bin/python3
"""What kill -9 costs: a recorder is killed at random moments, again and again, and then everything is looked through; see
bench/README.md."""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import rig

CAMERAS = 2
BOUND_S = 2.5  # the clips' groups of pictures last 2 s; a picture's step, and the time that signals and reading take


def now_us():
    return time.time_ns() // 1000


def kill_and_look(site, number, options, scratch):
    """Lets the recorder run for a while, kills it, and opens what it has left, before anything mends it."""
    began = time.time()
    site.start()
    site.wait_until_recording(began)
    recording_after = time.time() - began
    time.sleep(random.uniform(*options.between))
    killed = now_us()
    os.kill(site.process.pid, signal.SIGKILL)
    site.process.wait()
    kill = {"number": number, "ran_s": killed / 1e6 - began, "recording_after_s": recording_after, "killed_us": killed,
            "cameras": {}, "faults": []}
    for camera in site.cameras:
        out = os.path.join(scratch, f"{camera}-{number}.mp4")
        opened, why = site.open(camera, began, killed / 1e6 + 1, out)
        if opened is None:
            kill["faults"].append(f"{camera}: what was recorded before the kill does not open: {why}")
            continue
        os.unlink(out)
        kill["cameras"][camera] = {"last_us": opened["last_us"], "lost_s": (killed - opened["last_us"]) / 1e6}
    return kill


def decodes(path):
    """Decoded pictures of a video, and what was wrong with it."""
    done = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
                           "stream=nb_read_frames", "-of", "csv=p=0", path], capture_output=True, text=True, check=False)
    pictures = done.stdout.strip().strip(",")
    return int(pictures) if pictures.isdigit() else 0, done.stderr.strip()


def boxes(data):
    """The boxes of a file, type and body; what is cut off is of type "cut"."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        if size < 8 or at + size > len(data):
            yield "cut", b""
            return
        yield data[at + 4:at + 8].decode("ascii", "replace"), data[at + 8:at + size]
        at += size


def plays(path):
    """Records of a scene file (docs/format-scene.md), and what is wrong with it."""
    with open(path, "rb") as file:
        found = [(kind, body) for kind, body in boxes(file.read()) if kind != "uuid"]
    kinds = [kind for kind, _ in found]
    if kinds[:2] != ["lvsh", "lvsf"] or set(kinds[2:]) - {"lvsd", "lvsf"}:
        return len(found), f"it begins {kinds[:3]} and holds {sorted(set(kinds))}"
    numbers = [int.from_bytes(body[8:12], "big") for _, body in found[1:]]
    missing = [n for n, m in zip(numbers, numbers[1:]) if m != (n + 1) % 2 ** 32]
    return len(numbers), f"records are missing after {missing}" if missing else ""


def look_through(site, began, scratch):
    """Everything in the data directory, after a last clean end."""
    faults, counts = [], {"sealed_files": 0, "masked_files": 0, "opened_pictures": 0, "masked_pictures": 0}
    for camera in site.cameras:
        whole = os.path.join(scratch, f"{camera}.mp4")
        opened, why = site.open(camera, began - 1, time.time() + 1, whole)
        if opened is None:
            faults.append(f"{camera}: the whole time does not open: {why}")
        else:
            pictures, wrong = decodes(whole)
            if wrong or pictures != opened["pictures"]:
                faults.append(f"{camera}: of {opened['pictures']} opened pictures {pictures} decode: {wrong}")
            counts["opened_pictures"] += pictures
        sealed = site.files("sealed", camera, ".lvs")
        starts = [int(os.path.basename(path)[:-4]) / 1000 for path in sealed]
        for n, (path, start) in enumerate(zip(sealed, starts)):
            until = starts[n + 1] if n + 1 < len(starts) else time.time()
            out = os.path.join(scratch, f"{camera}-segment-{n}.mp4")
            opened, why = site.open(camera, start, until, out)
            if opened is None:
                faults.append(f"{path}: does not open: {why}")
            else:
                os.unlink(out)
        masked = site.files("masked", camera, ".lvc")
        for path in masked:
            pictures, wrong = plays(path)
            counts["masked_pictures"] += pictures
            if wrong or not pictures:
                faults.append(f"{path}: {pictures} pictures play: {wrong}")
        counts["sealed_files"] += len(sealed)
        counts["masked_files"] += len(masked)
    return faults, counts


class Catalogue:
    """What the catalogue says, read while no server runs."""

    def __init__(self, site):
        db = sqlite3.connect(f"file:{site.data}/louver.db?mode=ro", uri=True)
        self.recordings = db.execute("SELECT camera, kind, start_ms, end_us FROM recordings").fetchall()
        self.gaps = db.execute("SELECT camera, start_us, end_us, reason FROM gaps WHERE stream = 0").fetchall()
        self.stills = {row[0] for row in db.execute("SELECT id FROM events WHERE still")}
        db.close()

    def against_files(self, site):
        """Entries without a file and files without an entry."""
        entries = {(camera, kind, start) for camera, kind, start, _ in self.recordings}
        files = {(camera, kind, int(os.path.basename(path).rsplit(".", 1)[0]))
                 for camera in site.cameras
                 for kind, folder, ending in [(0, "sealed", ".lvs"), (2, "masked", ".lvc")]
                 for path in site.files(folder, camera, ending)}
        stills = {os.path.basename(path)[:-4] for camera in site.cameras for path in site.files("masked", camera, ".jpg")}
        return ([f"entry without file: {e}" for e in sorted(entries - files)]
                + [f"file without entry: {f}" for f in sorted(files - entries)]
                + [f"event without its still: {s}" for s in sorted(self.stills - stills)]
                + [f"still without its event: {s}" for s in sorted(stills - self.stills)])

    def complete(self, kill):
        """What only the catalogue tells about a kill: the gaps, and where scenes ended."""
        for camera, found in kill["cameras"].items():
            masked = [end for c, kind, start, end in self.recordings
                      if c == camera and kind == 2 and start * 1000 < kill["killed_us"]]
            found["masked_lost_s"] = (kill["killed_us"] - max(masked)) / 1e6 if masked else None
            covering = [(end, reason) for c, start, end, reason in self.gaps
                        if c == camera and start == found["last_us"] and end > kill["killed_us"]]
            if covering:
                found["gap_s"], found["gap_reason"] = (covering[0][0] - found["last_us"]) / 1e6, covering[0][1]
            else:
                kill["faults"].append(f"{camera}: no gap was recorded that begins with its last picture")
            for what in ("lost_s", "masked_lost_s"):
                if found[what] is None or found[what] > BOUND_S:
                    kill["faults"].append(f"{camera}: {what} is {found[what]}, more than {BOUND_S}")


def as_text(found):
    rows = []
    for kill in found["kills"]:
        cameras = list(kill["cameras"].values())
        rows.append([str(kill["number"]), kill["ran_s"], *[c["lost_s"] for c in cameras],
                     *[c.get("masked_lost_s") for c in cameras], kill["recording_after_s"],
                     *[c.get("gap_s") for c in cameras], "; ".join(kill["faults"]) or "none"])
    names = found["cameras"]
    head = ["kill", "ran s", *[f"{c} lost s" for c in names], *[f"{c} masked lost s" for c in names], "sealing after s",
            *[f"{c} gap s" for c in names], "faults"]
    counts = found["counts"]
    lines = [
        rig.table(head, rows), "",
        f"Lost: from the last picture that opens to the kill; longest {found['worst_lost_s']:.2f} s "
        "(the cameras' groups of pictures last 2 s).",
        f"Afterwards: {counts['sealed_files']} sealed files opened ({counts['opened_pictures']} pictures decode), "
        f"{counts['masked_files']} masked files play ({counts['masked_pictures']} pictures).",
        *[f"FAULT: {fault}" for fault in found["faults"]],
    ]
    lines.append("Nothing is wrong: files and catalogue agree, every gap is recorded." if found["ok"] else "There are faults.")
    return "\n".join(lines)


def run():
    parser = argparse.ArgumentParser(prog="bench/kill9.sh", description=__doc__)
    parser.add_argument("--times", type=int, default=10, metavar="N", help="kills (default %(default)s)")
    parser.add_argument("--between", type=float, nargs=2, default=(3, 15), metavar=("MIN", "MAX"),
                        help="seconds of recording before a kill, by chance between these (default 3 15)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--louver", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with rig.work_dir(options.keep) as folder, rig.rtsp_cameras(CAMERAS, folder) as rtsp:
        scratch = os.path.join(folder, "opened")
        os.mkdir(scratch)
        site = rig.Louver(options.louver, folder, rtsp, CAMERAS)
        began, kills = time.time(), []
        for number in range(1, options.times + 1):
            kills.append(kill_and_look(site, number, options, scratch))
            rig.say(f"kill {number} of {options.times}: lost "
                    + ", ".join(f"{c['lost_s']:.2f} s of {name}" for name, c in kills[-1]["cameras"].items()))
        restarted = time.time()
        site.start()
        site.wait_until_recording(restarted)
        rig.end(site.process)
        rig.say("looking everything through")
        faults, counts = look_through(site, began, scratch)
        catalogue = Catalogue(site)
        faults += catalogue.against_files(site)
        for kill in kills:
            catalogue.complete(kill)
    lost = [c["lost_s"] for kill in kills for c in kill["cameras"].values()]
    found = {"cameras": site.cameras, "machine": rig.machine(), "kills": kills, "counts": counts, "faults": faults,
             "worst_lost_s": max(lost, default=0.0), "ok": not faults and not any(kill["faults"] for kill in kills)}
    print(json.dumps(found, indent=2) if options.json else as_text(found))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    rig.main(run)
