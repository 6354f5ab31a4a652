#!/usr/bin/python3
"""Many cameras on one machine, beside `ffmpeg -c copy`; see bench/README.md."""

import argparse
import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.request

import rig
from cost import SETTLE_S, Window, bytes_below, part_of

FPS = 10
LOOK_EVERY_S = 0.5  # where cameras are seen; else every fourth time, as asking costs something too
IDLE = {"main": ("1920:1080", 1500), "sub": ("640:360", 200)}


def idle_clip(stream, noise):
    """The place without people and with a sensor's noise, as a camera codes it at a variable rate; made once."""
    folder = os.path.join(rig.ROOT, ".deps", "bench", "farm")
    path = os.path.join(folder, f"idle_{stream}_{noise}.h264")
    if os.path.exists(path):
        return path
    rig.say(f"making {os.path.basename(path)} (once)")
    os.makedirs(folder, exist_ok=True)
    place, (size, rate) = os.path.join(folder, "place.png"), IDLE[stream]
    common = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    steps = [] if os.path.exists(place) else [
        [*common, "-i", rig.clip(0, "sub"), "-vf", "select='not(mod(n,10))',setpts=N/TB/10,tmedian=radius=26",
         "-frames:v", "1", place]]
    steps.append([*common, "-loop", "1", "-framerate", str(FPS), "-i", place, "-t", "40", "-vf",
                  f"scale={size},noise=alls={noise}:allf=t,format=yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0",
                  "-g", str(2 * FPS), "-x264-params", "scenecut=0:open-gop=0", "-b:v", f"{rate}k", "-maxrate",
                  f"{rate * 5 // 4}k", "-bufsize", f"{rate * 2}k", "-f", "h264", path + ".new"])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            raise rig.Trouble(f"ffmpeg: {done.stderr.strip()[-300:]}")
    os.rename(path + ".new", path)
    return path


class Farm:
    """The cameras: looping clips, of which `busy` show people."""

    def __init__(self, folder, options, busy):
        self.port, tool = rig.free_port(), rig.farm_tool()
        if tool is None:
            raise rig.Trouble("so many cameras need rtsp_farm: name the folder that tools/rtsp_farm lies in with LOUVER_SHARED")
        raw = os.path.join(rig.FOOTAGE, "forecourt_{}.h264").format
        args = ["--main", f"{raw('main')}@{FPS}"]
        if options.seen:
            args += ["--sub", f"{raw('sub')}@{FPS}", "--busy", str(busy), "--idle-main", f"{idle_clip('main', options.idle_noise)}@{FPS}",
                     "--idle-sub", f"{idle_clip('sub', options.idle_noise)}@{FPS}"]
        with open(os.path.join(folder, "farm.log"), "wb") as log:
            self.process = subprocess.Popen(
                [tool, "--foreground", "--port", str(self.port), "--cams", str(options.cameras), *args],
                stdout=log, stderr=log, preexec_fn=rig.die_with_parent)
        rig.wait_for("the cameras", lambda: self.stats() is not None, 60, self.process)

    def stats(self):
        with contextlib.suppress(OSError, ValueError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=5) as answer:
                return json.load(answer)
        return None

    @property
    def address(self):
        return f"rtsp://127.0.0.1:{self.port}"


# --- the sides ---------------------------------------------------------------------------------------------------------

def measure_ffmpeg(folder, farm, options):
    started, out = [], os.path.join(folder, "ffmpeg")
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(os.path.join(folder, "ffmpeg.log"), "ab"))
        for n in range(options.cameras):
            os.makedirs(os.path.join(out, f"cam{n}"), exist_ok=True)
            process = subprocess.Popen(
                ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-rtsp_transport", "tcp", "-i",
                 f"{farm.address}/cam{n}/main", "-map", "0:v", "-c", "copy", "-f", "segment", "-segment_time", "60",
                 os.path.join(out, f"cam{n}", "%05d.mp4")], stdout=subprocess.DEVNULL, stderr=log,
                preexec_fn=rig.die_with_parent)
            stack.callback(rig.end, process, 5)
            started.append(process)
        time.sleep(SETTLE_S)
        return Window({"copy": [p.pid for p in started]}).run(options.seconds)


class Watch(threading.Thread):
    """Looks at every camera's state now and then: what is behind, and for how long."""

    def __init__(self, site, busy, every):
        super().__init__(daemon=True)
        self.every = every
        self.site, self.busy, self.worst, self.looks, self.stopped = site, busy, {}, 0, threading.Event()

    def run(self):
        while not self.stopped.wait(self.every):
            with contextlib.suppress(OSError):
                states, now = self.site.states(), time.time()
                self.looks += 1
                for camera, state in states.items():
                    for what in ("last_sealed_ms", "last_masked_ms"):
                        behind = now - (state.get(what) or now * 1000) / 1000
                        self.worst[what, camera] = max(self.worst.get((what, camera), 0), behind)

    def behind(self, what, busy):
        of = [s for (w, camera), s in self.worst.items() if w == what and (int(camera[3:]) < self.busy) == busy]
        return max(of, default=None)


def measure_louver(folder, farm, options, busy):
    site = rig.Louver(options.louver, folder, farm.address, options.cameras,
                      seen=options.cameras if options.seen else 0, min_free=options.min_free)
    site.start()
    try:
        began = time.time()
        rig.wait_for("recording", lambda: all((s["last_sealed_ms"] or 0) >= began * 1000 for s in site.states().values()),
                     120, site.process)
        recording_after = time.time() - began
        time.sleep(max(0, options.warm_up - recording_after))
        pid, before, sent = site.process.pid, site.states(), farm.stats()
        processes = [pid, *rig.children(pid)]
        threads, written, received = rig.cpu_by_thread(pid), bytes_below(site.data), bytes_received(site)
        watch = Watch(site, busy, LOOK_EVERY_S if options.seen else 4 * LOOK_EVERY_S)
        watch.start()
        window = Window({"louver": processes}).run(options.seconds)
        watch.stopped.set()
        after, now_sent = site.states(), farm.stats()
        window.parts = {}
        for (task, name), seconds in rig.cpu_by_thread(pid).items():
            part = part_of(name)
            window.parts[part] = window.parts.get(part, 0) + seconds - threads.get((task, name), 0)
        window.written, window.received = bytes_below(site.data) - written, bytes_received(site) - received
        window.recording_after = recording_after
        window.skipped = sum(after[c]["skipped_frames"] - before[c]["skipped_frames"] for c in after)
        window.not_running = [c for c, s in after.items() if s["recording_problem"]]
        window.problems = sorted({s["recording_problem"] for s in after.values() if s["recording_problem"]})
        window.cut_off = now_sent["dropped"] - sent["dropped"]
        window.behind = {f"{what.split('_')[1]}, {'busy' if b else 'idle'}": watch.behind(what, b)
                         for what in ("last_sealed_ms", "last_masked_ms") for b in (True, False)}
        window.gaps = gaps(site, began + recording_after)
        window.files = site
        return window
    finally:
        rig.end(site.process)


def bytes_received(site):
    """Bytes of main streams that arrived."""
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines
               if line.startswith("louver_camera_received_bytes_total{") and 'stream="main"' in line)


def gaps(site, since):
    """Gaps of originals that began after `since`, over all cameras."""
    found = 0
    for camera in site.cameras:
        with contextlib.suppress(OSError, KeyError):
            line = site.ask("GET", f"/api/v1/cameras/{camera}/timeline?from={int(since * 1000)}&to={int(time.time() * 1000)}")
            found += sum(1 for gap in line["gaps"] if gap.get("stream") == "main" and gap["start_ms"] >= since * 1000)
    return found


# --- the answer --------------------------------------------------------------------------------------------------------

def figures(options, busy, louver, copy):
    def side(window, kind):
        return {"cpu_s_per_camera_minute": window.cpu[kind] / options.cameras / (window.seconds / 60),
                "cores": window.cpu[kind] / window.seconds,
                "memory_mib_per_camera": window.memory_mb(kind) / options.cameras,
                "memory_mib_first_and_last": [window.memory[kind][0] / 1024, window.memory[kind][-1] / 1024],
                "other_work_share_of_machine":
                    (window.machine - sum(window.cpu.values())) / window.seconds / (os.cpu_count() or 1)}

    found = {"cameras": options.cameras, "busy": busy if options.seen else None, "seconds": options.seconds,
             "memory_is": louver.memory_is, "machine": rig.machine(), "louver": side(louver, "louver")}
    found["louver"] |= {
        "received_mbit_s_per_camera": louver.received * 8 / 1e6 / louver.seconds / options.cameras,
        "written_mbit_s_per_camera": louver.written * 8 / 1e6 / louver.seconds / options.cameras,
        "parts_cpu_s_per_camera_minute": {part: s / options.cameras / (louver.seconds / 60)
                                          for part, s in sorted(louver.parts.items(), key=lambda p: -p[1])},
        "recording_after_s": louver.recording_after, "skipped_pictures": louver.skipped, "problems": louver.problems,
        "cut_off_by_cameras": louver.cut_off, "gaps": louver.gaps, "most_behind_s": louver.behind}
    if copy:
        found["ffmpeg_copy"] = side(copy, "copy")
        found["ratio"] = {name: found["louver"][of] / found["ffmpeg_copy"][of] for name, of in
                          (("cpu", "cpu_s_per_camera_minute"), ("memory", "memory_mib_per_camera"))}
    return found


def as_text(found):
    mine, copy = found["louver"], found.get("ffmpeg_copy")
    rows = [["louver serve", mine["cpu_s_per_camera_minute"], mine["cores"], mine["memory_mib_per_camera"]]]
    rows += [[f"  {part}", s, None, None] for part, s in mine["parts_cpu_s_per_camera_minute"].items()]
    if copy:
        rows.append(["ffmpeg -c copy -f segment", copy["cpu_s_per_camera_minute"], copy["cores"], copy["memory_mib_per_camera"]])
        rows.append(["louver : ffmpeg", found["ratio"]["cpu"], None, found["ratio"]["memory"]])
    seen = f", seen too, {found['busy']} of them busy" if found["busy"] is not None else ", sealed only"
    behind = ", ".join(f"{what} {s:.1f}" for what, s in mine["most_behind_s"].items() if s is not None)
    first, last = mine["memory_mib_first_and_last"]
    return "\n".join([
        f"{found['cameras']} cameras{seen}, {found['seconds']:.0f} s each side; {found['machine']['cores']} cores, "
        f"{found['machine']['cpu']}; load at the end {found['machine']['load'][0]}", "",
        rig.table(["", "CPU-s / camera-minute", "cores", f"MiB ({found['memory_is']}) / camera"], rows), "",
        f"Recording began on all of them after {mine['recording_after_s']:.1f} s; {mine['received_mbit_s_per_camera']:.2f} Mbit/s "
        f"a camera of main streams received, {mine['written_mbit_s_per_camera']:.2f} written less what was deleted for room; memory {first:.0f} MiB at the first look, {last:.0f} at the last.",
        f"Cut off by cameras because they were not read: {mine['cut_off_by_cameras']}; gaps: {mine['gaps']}; pictures skipped: "
        f"{mine['skipped_pictures']}.",
        f"Newest sealed and masked picture at the worst moment, seconds ago: {behind}.",
        f"Other work took {mine['other_work_share_of_machine'] * 100:.0f} % of the machine beside Louver (the cameras among it)."]
        + [f"Louver says: {text}" for text in mine["problems"]])


def run():
    parser = argparse.ArgumentParser(prog="bench/many.sh", description=__doc__)
    parser.add_argument("--cameras", type=int, default=32, metavar="N", help="default %(default)s")
    parser.add_argument("--seen", action="store_true", help="with a sub stream that is decoded, seen and masked")
    parser.add_argument("--busy-of", type=int, default=5, metavar="N", help="one in N is busy (default %(default)s)")
    parser.add_argument("--idle-noise", type=int, default=7, metavar="N",
                        help="strength of ffmpeg's noise over the idle places: 3 is a camera by day, 7 one by night (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="measured for each side (default %(default)s)")
    parser.add_argument("--warm-up", type=float, default=30, metavar="S", help="before that (default %(default)s)")
    parser.add_argument("--no-ffmpeg", action="store_true", help="Louver alone")
    parser.add_argument("--min-free", type=int, default=1, metavar="PERCENT",
                        help="of the disk that stay free: where less is, the oldest recordings are deleted while it is measured (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--louver", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cameras < 1 or options.seconds < 2 or options.busy_of < 1 or not 0 <= options.idle_noise <= 100:
        parser.error("at least 1 camera, 2 seconds and one busy camera of 1; noise of 0 to 100")
    busy = -(-options.cameras // options.busy_of) if options.seen else options.cameras
    with rig.work_dir(options.keep) as folder:
        farm = Farm(folder, options, busy)
        try:
            louver = measure_louver(folder, farm, options, busy)
            copy = None if options.no_ffmpeg else measure_ffmpeg(folder, farm, options)
        finally:
            rig.end(farm.process, 5)
    found = figures(options, busy, louver, copy)
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    rig.main(run)
