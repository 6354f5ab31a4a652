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
BOUND_S = 2.0  # originals are written by the second; reading, writing and signals take the rest
MASKED_BOUND_S = 2.5  # parts of masked scenes last two seconds


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
            for what, bound in (("lost_s", BOUND_S), ("masked_lost_s", MASKED_BOUND_S)):
                if found[what] is None or found[what] > bound:
                    kill["faults"].append(f"{camera}: {what} is {found[what]}, more than {bound}")


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


SILENT_S = 1.0  # between a group's last picture and the next one's first lies one picture's time


def silent(site, catalogue):
    """Times of which the catalogue tells neither a recording nor a gap."""
    faults = []
    for camera in site.cameras:
        known = [(start * 1000, end) for c, kind, start, end in catalogue.recordings if c == camera and kind == 0]
        known += [(start, end) for c, start, end, _ in catalogue.gaps if c == camera]
        until = None
        for start, end in sorted(known):
            if until is not None and start - until > SILENT_S * 1e6:
                faults.append(f"{camera}: nothing is said of {(start - until) / 1e6:.2f} s from {until}")
            until = max(until or end, end)
    return faults


def unlike(site, before_us):
    """Entries without a file and files without an entry, of what began before then; read while a server runs."""
    catalogue = Catalogue(site)
    old = {(c, kind, start) for c, kind, start, _ in catalogue.recordings if start * 1000 < before_us}
    kinds = [(0, "sealed", ".lvs"), (2, "masked", ".lvc")]
    files = {(c, kind, int(os.path.basename(path).rsplit(".", 1)[0]))
             for c in site.cameras for kind, folder, ending in kinds for path in site.files(folder, c, ending)}
    files = {f for f in files if f[2] * 1000 < before_us}
    return [f"entry without file: {e}" for e in sorted(old - files)] + [f"file without entry: {f}" for f in sorted(files - old)]


def kill_many(site, options, scratch):
    """Kills in quick succession: most while cameras are recorded, one in five while it starts. After each, the next start's catalogue is
    compared with the files; after every tenth all originals of that run are opened."""
    kills, faults, began = [], [], time.time()
    dice = random.Random(options.seed)
    for number in range(1, options.kills + 1):
        started = time.time()
        early = dice.random() < 0.2
        site.start_only()
        if not early:
            site.greeted()
            if kills:
                faults += [f"after kill {kills[-1]['number']}: {f}" for f in unlike(site, kills[-1]["killed_us"])]
            site.wait_until_sealing(started)
        time.sleep(dice.uniform(*options.between) if not early else dice.uniform(0, 2))
        killed = now_us()
        os.kill(site.process.pid, signal.SIGKILL)
        site.process.wait()
        kills.append({"number": number, "ran_s": killed / 1e6 - started, "early": early, "killed_us": killed})
        if number % 10 == 0 and not early:
            for camera in site.cameras:
                out = os.path.join(scratch, "opened.mp4")
                opened, why = site.open(camera, started, killed / 1e6 + 1, out)
                if opened is None:
                    faults.append(f"kill {number}, {camera}: what was recorded before the kill does not open: {why}")
                else:
                    kills[-1].setdefault("opened_until", {})[camera] = opened["last_us"]
                    os.unlink(out)
        if number % 10 == 0:
            rig.say(f"{number} of {options.kills} kills, {len(faults)} faults, {time.time() - began:.0f} s")
    restarted = time.time()
    site.start()
    site.wait_until_sealing(restarted)
    rig.end(site.process)
    catalogue = Catalogue(site)
    faults += catalogue.against_files(site) + silent(site, catalogue)
    lost = []
    for kill in kills:
        for camera in site.cameras:
            ends = [end for c, kind, start, end in catalogue.recordings
                    if c == camera and kind == 0 and start * 1000 < kill["killed_us"]]
            last = max(ends, default=None)
            opened = kill.get("opened_until", {}).get(camera)
            if opened is not None and opened != last:
                faults.append(f"kill {kill['number']}, {camera}: opens until {opened}, the catalogue says {last}")
            if last is not None and last > kill["killed_us"]:
                faults.append(f"kill {kill['number']}, {camera}: recorded until after the kill")
            if kill["early"] or last is None:
                continue
            lost.append((kill["killed_us"] - last) / 1e6)
            if lost[-1] > options.bound:
                faults.append(f"kill {kill['number']}, {camera}: {lost[-1]:.2f} s are lost, more than {options.bound}")
            if not any(c == camera and start == last and end > kill["killed_us"] for c, start, end, _ in catalogue.gaps):
                faults.append(f"kill {kill['number']}, {camera}: no gap was recorded that begins with its last picture")
    lost.sort()
    found = {"cameras": len(site.cameras), "machine": rig.machine(), "kills": len(kills), "early": sum(k["early"] for k in kills),
             "seconds": time.time() - began, "files": len(catalogue.recordings), "gaps": len(catalogue.gaps),
             "lost_s": {"median": lost[len(lost) // 2], "p99": lost[int(len(lost) * 0.99)], "worst": lost[-1]} if lost else {},
             "faults": faults, "ok": not faults}
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print(f"{found['kills']} kills ({found['early']} while it started) of a recorder with {found['cameras']} cameras in {found['seconds']:.0f} s.")
        if lost:
            print("Lost, from a camera's last picture that is there to the kill: median {median:.2f} s, p99 {p99:.2f} s, worst {worst:.2f} s "
                  "(the groups of pictures last 2 s).".format(**found["lost_s"]))
        print(f"Afterwards: {found['files']} recordings in the catalogue, {found['gaps']} gaps.")
        for fault in faults[:50]:
            print(f"FAULT: {fault}")
        print("Nothing is wrong: files and catalogue agree, every gap is recorded." if found["ok"] else f"There are {len(faults)} faults.")
    return 0 if found["ok"] else 1


def run_many(options):
    served = rig.farm_tool()
    with rig.work_dir(options.keep) as folder:
        cameras = rig.farm_cameras(options.cameras, folder, served) if served else rig.rtsp_cameras(options.cameras, folder)
        with cameras as rtsp:
            scratch = os.path.join(folder, "opened")
            os.mkdir(scratch)
            return kill_many(rig.Louver(options.louver, folder, rtsp, options.cameras, options.seen), options, scratch)


def run():
    parser = argparse.ArgumentParser(prog="bench/kill9.sh", description=__doc__)
    parser.add_argument("--times", type=int, default=10, metavar="N", help="kills (default %(default)s)")
    parser.add_argument("--between", type=float, nargs=2, metavar=("MIN", "MAX"),
                        help="seconds of recording before a kill, by chance between these (default 3 15; with --kills 0 2)")
    parser.add_argument("--kills", type=int, metavar="N", help="so many kills in quick succession, checked as told in bench/README.md")
    parser.add_argument("--cameras", type=int, default=8, metavar="N", help="with --kills: cameras (default %(default)s)")
    parser.add_argument("--seen", type=int, default=1, metavar="N", help="with --kills: how many of them are looked at, not only sealed (default %(default)s)")
    parser.add_argument("--bound", type=float, default=BOUND_S, metavar="S", help="with --kills: seconds that may be lost (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="with --kills: of what is left to chance (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--louver", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kills:
        options.between = options.between or (0, 2)
        return run_many(options)
    options.between = options.between or (3, 15)
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
