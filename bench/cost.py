#!/usr/bin/python3
"""What recording and masking cost, beside plain ffmpeg doing the part of it that ffmpeg can do; see bench/README.md."""

import argparse
import contextlib
import json
import os
import subprocess
import time

import rig

MEMORY_EVERY_S = 5
SETTLE_S = 5  # from ffmpeg's start to the first reading: connecting and looking at the streams is not counted


class Window:
    """Readings of some processes over a time: CPU-seconds and memory of each kind, and what the rest of the machine did."""

    def __init__(self, kinds):
        self.kinds = kinds  # name -> process ids
        self.cpu = {}
        self.memory = {kind: [] for kind in kinds}
        self.memory_is = "PSS"

    def run(self, seconds):
        before = self.read()
        machine, start = rig.machine_cpu(), time.monotonic()
        while (left := start + seconds - time.monotonic()) > 0:
            time.sleep(min(left, MEMORY_EVERY_S))
            for kind, pids in self.kinds.items():
                taken = [rig.memory_kb(pid) for pid in pids]
                self.memory[kind].append(sum(kb for kb, _ in taken))
                self.memory_is = "RSS" if any(how == "RSS" for _, how in taken) else self.memory_is
        self.seconds = time.monotonic() - start
        after = self.read()
        self.cpu = {kind: after[kind] - before[kind] for kind in after}
        self.machine = rig.machine_cpu() - machine
        return self

    def read(self):
        try:
            return {kind: sum(rig.cpu_seconds(pid) for pid in pids) for kind, pids in self.kinds.items()}
        except FileNotFoundError as e:
            raise rig.Trouble("a process ended while it was measured; --keep DIR keeps the logs") from e

    def memory_mb(self, kind):
        return sum(self.memory[kind]) / len(self.memory[kind]) / 1024


def bytes_below(folder):
    """Of all files; one that is deleted meanwhile counts nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.path.getsize(os.path.join(path, name))
    return total


# --- ffmpeg ------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def ffmpegs(folder, rtsp, cameras):
    """Main streams copied into files, sub streams decoded and thrown away: one process a stream, the leanest there is."""
    kinds, started = {"copy": [], "decode": []}, []
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(os.path.join(folder, "ffmpeg.log"), "ab"))
        common = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-rtsp_transport", "tcp"]
        for n in range(cameras):
            out = os.path.join(folder, "ffmpeg", f"cam{n}")
            os.makedirs(out, exist_ok=True)
            for kind, args in (
                ("copy", ["-i", f"{rtsp}/cam{n}/main", "-map", "0:v", "-c", "copy", "-f", "segment", "-segment_time", "60",
                          os.path.join(out, f"{time.time():.0f}-%03d.mkv")]),
                # One thread: frame threads would cost memory and gain nothing at ten pictures a second.
                ("decode", ["-threads", "1", "-i", f"{rtsp}/cam{n}/sub", "-map", "0:v", "-fps_mode", "passthrough",
                            "-f", "null", "-"])):
                process = subprocess.Popen(common + args, stdout=subprocess.DEVNULL, stderr=log,
                                           preexec_fn=rig.die_with_parent)
                stack.callback(rig.end, process, 5)
                started.append(process)
                kinds[kind].append(process.pid)
        time.sleep(SETTLE_S)
        for process in started:
            if process.poll() is not None:
                raise rig.Trouble(f"ffmpeg ended at once with status {process.returncode}; --keep DIR keeps its log")
        yield kinds


def measure_ffmpeg(folder, rtsp, options):
    before = bytes_below(os.path.join(folder, "ffmpeg"))
    with ffmpegs(folder, rtsp, options.cameras) as kinds:
        window = Window(kinds).run(options.seconds / 2)
    window.written = (bytes_below(os.path.join(folder, "ffmpeg")) - before) * window.seconds / (window.seconds + SETTLE_S)
    return window


# --- Louver ------------------------------------------------------------------------------------------------------------

def part_of(thread):
    """What a thread does, by its name."""
    if thread == "detector":
        return "detector"
    if thread.startswith("see-"):
        return "decode, see, mask, encode"
    if thread.startswith("tokio-"):
        return "receive, seal, write, serve"
    return "catalogue and the rest"


def measure_louver(folder, rtsp, options):
    site = rig.Louver(options.louver, folder, rtsp, options.cameras)
    site.start()
    try:
        began = time.time()
        site.wait_until_recording(began)
        time.sleep(max(0, options.warm_up - (time.time() - began)))
        pid = site.process.pid
        threads, skipped, written = rig.cpu_by_thread(pid), skips(site), bytes_below(site.data)
        window = Window({"louver": [pid]}).run(options.seconds)
        window.parts = {}
        for (task, name), seconds in rig.cpu_by_thread(pid).items():
            part = part_of(name)
            window.parts[part] = window.parts.get(part, 0) + seconds - threads.get((task, name), 0)
        window.written = bytes_below(site.data) - written
        states = site.states()
        window.skipped = skips(site) - skipped
        window.pictures_per_second = sum(s["fps"] for s in states.values()) / len(states)
        window.notices = sorted({s["notice"] for s in states.values() if s["notice"]})
        window.problems = sorted({s["recording_problem"] for s in states.values() if s["recording_problem"]})
        return window
    finally:
        rig.end(site.process)


def skips(site):
    return sum(state["skipped_frames"] for state in site.states().values())


# --- the answer --------------------------------------------------------------------------------------------------------

def figures(options, windows):
    """Everything as one object: per camera-minute and per camera."""
    first, louver, last = windows

    def per_camera_minute(amount, seconds):
        return amount / options.cameras / (seconds / 60)

    both_s = first.seconds + last.seconds
    ffmpeg = {}
    for kind in ("copy", "decode"):
        ffmpeg[kind] = {
            "cpu_s_per_camera_minute": per_camera_minute(first.cpu[kind] + last.cpu[kind], both_s),
            "memory_mb_per_camera": (first.memory_mb(kind) + last.memory_mb(kind)) / 2 / options.cameras,
            "halves_cpu_s_per_camera_minute": [per_camera_minute(w.cpu[kind], w.seconds) for w in (first, last)],
        }
    together = {name: ffmpeg["copy"][name] + ffmpeg["decode"][name]
                for name in ("cpu_s_per_camera_minute", "memory_mb_per_camera")}
    together["written_mb_per_camera_minute"] = per_camera_minute(first.written + last.written, both_s) / 1e6
    mine = {
        "cpu_s_per_camera_minute": per_camera_minute(louver.cpu["louver"], louver.seconds),
        "memory_mb_per_camera": louver.memory_mb("louver") / options.cameras,
        "written_mb_per_camera_minute": per_camera_minute(louver.written, louver.seconds) / 1e6,
        "parts_cpu_s_per_camera_minute": {
            part: per_camera_minute(seconds, louver.seconds)
            for part, seconds in sorted(louver.parts.items(), key=lambda p: -p[1])},
        "memory_mb": louver.memory_mb("louver"),
        "pictures_per_second": louver.pictures_per_second,
        "skipped_pictures": louver.skipped,
        "notices": louver.notices,
        "problems": louver.problems,
    }
    others = [(w.machine - sum(w.cpu.values())) / w.seconds / (os.cpu_count() or 1) for w in windows]
    return {
        "cameras": options.cameras, "seconds": options.seconds, "memory_is": louver.memory_is,
        "machine": rig.machine(),
        "other_work_share_of_machine": {"ffmpeg": (others[0] + others[2]) / 2, "louver": others[1]},
        "louver": mine, "ffmpeg": {**ffmpeg, "together": together},
        "ratio": {"cpu": mine["cpu_s_per_camera_minute"] / together["cpu_s_per_camera_minute"],
                  "memory": mine["memory_mb_per_camera"] / together["memory_mb_per_camera"]},
    }


def as_text(all_of_it):
    mine, ffmpeg, ratio = all_of_it["louver"], all_of_it["ffmpeg"], all_of_it["ratio"]
    together, machine = ffmpeg["together"], all_of_it["machine"]

    def row(name, of, written=None):
        return [name, of["cpu_s_per_camera_minute"], of["memory_mb_per_camera"], written]

    rows = [row("louver serve", mine, mine["written_mb_per_camera_minute"])]
    rows += [[f"  {part}", cpu, None, None] for part, cpu in mine["parts_cpu_s_per_camera_minute"].items()]
    rows += [row("ffmpeg", together, together["written_mb_per_camera_minute"]),
             row("  main stream, -c copy -f segment", ffmpeg["copy"]),
             row("  sub stream, decoded, -f null", ffmpeg["decode"]),
             ["louver : ffmpeg", ratio["cpu"], ratio["memory"], None]]
    other = all_of_it["other_work_share_of_machine"]
    lines = [
        f"{all_of_it['cameras']} cameras over RTSP, {all_of_it['seconds']:.0f} s each; {machine['cores']} cores, "
        f"{machine['cpu']}; load at the end {machine['load'][0]}",
        "",
        rig.table(["", "CPU-s / camera-minute", f"MB ({all_of_it['memory_is']}) / camera", "MB written / camera-minute"],
                  rows),
        "",
        f"Louver made {mine['pictures_per_second']:.1f} masked pictures a second and camera and skipped "
        f"{mine['skipped_pictures']} in all.",
        f"Other work took {other['louver'] * 100:.0f} % of the machine beside Louver and {other['ffmpeg'] * 100:.0f} % "
        "beside ffmpeg (the RTSP server among it).",
    ]
    lines += [f"Louver says: {text}" for text in mine["notices"] + mine["problems"]]
    if mine["skipped_pictures"]:
        lines.append("Pictures were skipped: the machine was too busy, and Louver's figures are too low.")
    return "\n".join(lines)


def run():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__)
    parser.add_argument("--cameras", type=int, default=8, metavar="N", help="default %(default)s")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="measured for each side (default %(default)s)")
    parser.add_argument("--warm-up", type=float, default=30, metavar="S",
                        help="Louver runs so long before it is measured (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--louver", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cameras < 1 or options.seconds < 2:
        parser.error("at least 1 camera and 2 seconds are needed")
    with rig.work_dir(options.keep) as folder, rig.rtsp_cameras(options.cameras, folder) as rtsp:
        took = options.seconds * 2 + options.warm_up + 2 * SETTLE_S
        rig.say(f"{options.cameras} cameras play; this takes {took:.0f} s or a little more")
        windows = [measure_ffmpeg(folder, rtsp, options), measure_louver(folder, rtsp, options),
                   measure_ffmpeg(folder, rtsp, options)]
    found = figures(options, windows)
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    rig.main(run)
