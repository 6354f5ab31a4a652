"""What the benchmarks share: cameras to record, a Louver that records them, and readings from /proc.

Linux, standard library only. Everything that is started here ends with the program, however that ends.
"""

import contextlib
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOOTAGE = os.path.join(ROOT, ".deps", "footage")
CLIPS = ["forecourt", "yard"]
TICK = os.sysconf("SC_CLK_TCK")


class Trouble(Exception):
    """Something that keeps the benchmark from going on, in a sentence."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def clip(camera, stream):
    path = os.path.join(FOOTAGE, f"{CLIPS[camera % len(CLIPS)]}_{stream}.mp4")
    if not os.path.exists(path):
        raise Trouble(f"{path} is missing: run scripts/setup.sh")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ready, seconds, alive=None):
    """Asks `ready` until it gives something true, and gives that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        if alive is not None and alive.poll() is not None:
            raise Trouble(f"{what}: the process ended with status {alive.returncode}")
        time.sleep(0.05)
    raise Trouble(f"{what}: not within {seconds} s")


def end(process, seconds=30):
    """Asks a process to end, and makes it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            say(f"{process.args[0]} did not end within {seconds} s and was killed")


@contextlib.contextmanager
def work_dir(kept):
    """A scratch folder on the disk that is measured; `kept` is a folder that the caller wants to keep."""
    if kept:
        os.makedirs(kept)
        yield os.path.abspath(kept)
        return
    folder = tempfile.mkdtemp(prefix="louver-bench-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def rtsp_cameras(count, folder):
    """`count` cameras, each with a main and a sub stream, as RTSP mounts of one server. Gives the server's address."""
    ready = os.path.join(folder, "cameras.ready")
    args = ["/usr/bin/python3", os.path.join(ROOT, "scripts", "rtsp_server.py"), "--port", "0", "--ready-file", ready]
    for n in range(count):
        for stream in ("main", "sub"):
            args += ["--mount", f"/cam{n}/{stream}={clip(n, stream)}"]
    with open(os.path.join(folder, "cameras.log"), "wb") as log:
        server = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=log, preexec_fn=die_with_parent)
    try:
        wait_for("the cameras", lambda: os.path.exists(ready), 60, server)
        with open(ready, encoding="utf-8") as file:
            yield file.read().strip()
    finally:
        end(server, 5)


def farm_tool():
    """The program that plays many cameras for little work, in the folder that LOUVER_SHARED names; None where it is not there."""
    path = os.path.join(os.environ.get("LOUVER_SHARED", os.path.join(ROOT, "..", "shared")), "tools", "rtsp_farm")
    return path if os.path.exists(path) else None


@contextlib.contextmanager
def farm_cameras(count, folder, farm):
    """The same from a program that serves many cameras for little work (`rtsp_farm`). Gives the server's address."""
    port = free_port()
    raw = {stream: clip(0, stream).replace(".mp4", ".h264") + "@10" for stream in ("main", "sub")}
    args = [farm, "--port", str(port), "--cams", str(count), "--main", raw["main"], "--sub", raw["sub"],
            "--seconds", "86400", "--foreground"]
    with open(os.path.join(folder, "cameras.log"), "wb") as log:
        server = subprocess.Popen(args, stdout=log, stderr=log, preexec_fn=die_with_parent)

    def listens():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    try:
        wait_for("the cameras", listens, 60, server)
        yield f"rtsp://127.0.0.1:{port}"
    finally:
        end(server, 5)


class Louver:
    """A site in a scratch folder: settings, a holder, and a server that can be started again and again."""

    def __init__(self, binary, folder, rtsp, cameras, seen=None, keep_hours=None, min_free=1):
        """`rtsp`: the address of all cameras, or a list of those of each. `seen`: how many are looked at; the others are sealed
        only. `keep_hours`: for how long recordings are kept. `min_free`: per cent of the disk that stay free."""
        self.binary, self.folder = binary, folder
        self.data = os.path.join(folder, "data")
        self.identity = os.path.join(folder, "holder.txt")
        self.cameras = [f"cam{n}" for n in range(cameras)]
        self.settings = os.path.join(folder, "louver.toml")
        self.port = free_port()
        self.process = self.cookie = None
        made = subprocess.run([binary, "holder", "new", "-o", self.identity],
                              capture_output=True, text=True, check=True, cwd=folder)
        recipient = re.search(r"holder1[0-9a-z]+", made.stdout + made.stderr).group()
        with open(os.open(self.settings, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
            out.write(f'data = "data"\nlisten = "127.0.0.1:{self.port}"\n[holders]\nneeded = 1\nlist = [{{ name = "Ada", public = "{recipient}" }}]\n')
            # A disk that is nearly full must not have what is measured deleted, unless that is to be measured.
            out.write(f'[storage]\nmin_free_percent = {min_free}\n')
            out.write(f'[detector]\nlibrary = "{ROOT}/.deps/lib/libonnxruntime.so"\n'
                      f'model = "{ROOT}/.deps/models/ssd_mobilenetv2_oidv4.onnx"\nkind = "ssd-mobilenet-v2"\n')
            for n, camera in enumerate(self.cameras):
                at = rtsp if isinstance(rtsp, str) else rtsp[n]
                out.write(f'[[camera]]\nid = "{camera}"\nmain = "{at}/{camera}/main"\nsub = "{at}/{camera}/sub"\n'
                          'purpose = "Benchmark with demo footage"\nowner = "Benchmark"\ncontact = "bench@example.org"\n')
                if keep_hours is not None:
                    out.write(f'retention_hours = {keep_hours}\n')
                if seen is not None and n >= seen:
                    out.write('analysis = "off"\n')

    def start(self):
        self.start_only()
        self.greeted()

    def start_only(self):
        out, log = (os.path.join(self.folder, name) for name in ("louver.out", "louver.log"))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LOUVER_")}
        with open(out, "wb") as stdout, open(log, "ab") as stderr:
            self.process = subprocess.Popen([self.binary, "serve", "--settings", self.settings], stdout=stdout,
                                            stderr=stderr, env=environment, preexec_fn=die_with_parent)

    def greeted(self):
        """Until the server says that it runs."""
        out, log = (os.path.join(self.folder, name) for name in ("louver.out", "louver.log"))

        def greeting():
            with open(out, encoding="utf-8") as file:
                text = file.read()
            return text if "Ctrl-C ends it." in text else None
        text = wait_for(f"louver serve (log: {log})", greeting, 60, self.process)
        if self.cookie is None and "#token=" in text:
            self.sign_in(text.split("#token=")[1].split()[0])

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **({"Cookie": self.cookie} if self.cookie else {})}
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=10) as answer:
            cookie = answer.headers.get("Set-Cookie")
            if cookie:
                self.cookie = cookie.split(";")[0]
            return json.load(answer)

    def sign_in(self, token):
        self.ask("POST", "/api/v1/session/link", {"token": token})
        self.ask("PUT", "/api/v1/session/password", {"password": "only for this benchmark"})

    def states(self):
        """What the server says of each camera, by id."""
        return {c["id"]: c["status"] for c in self.ask("GET", "/api/v1/cameras")}

    def wait_until_recording(self, since, seconds=60):
        """Until every camera has sealed and masked something later than `since` (seconds since 1970)."""
        def all_record():
            late = [s for s in self.states().values()
                    if min(s["last_sealed_ms"] or 0, s["last_masked_ms"] or 0) < since * 1000]
            return not late
        wait_for("recording", all_record, seconds, self.process)

    def wait_until_sealing(self, since, seconds=60):
        """Until every camera has sealed something later than `since` (seconds since 1970)."""
        def all_sealed():
            return all((s["last_sealed_ms"] or 0) >= since * 1000 for s in self.states().values())
        wait_for("sealing", all_sealed, seconds, self.process)

    def open(self, camera, since, until, out):
        """Opens what was recorded (seconds since 1970); gives what `louver open --json` says, or None and why."""
        moment = [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + f".{int(t % 1 * 1000):03}Z" for t in (since, until)]
        done = subprocess.run(
            [self.binary, "open", "--holder", self.identity, "--data", self.data, "--camera", camera,
             "--from", moment[0], "--to", moment[1], "-o", out, "--json"],
            capture_output=True, text=True, check=False)
        return (json.loads(done.stdout), None) if done.returncode == 0 else (None, done.stderr.strip())

    def files(self, kind, camera, ending):
        return sorted(glob.glob(os.path.join(self.data, kind, camera, "*", "*", "*" + ending)))


# --- one command after the other, on one core ---------------------------------------------------------------------------

class Run:
    """A command that ran on one core: what it printed, wall and CPU-seconds (those of its children among them)."""

    def __init__(self, command, core, stdin=None, environment=None):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            began = time.monotonic()
            process = subprocess.Popen(["taskset", "-c", str(core), *command], stdin=stdin or subprocess.DEVNULL,
                                       stdout=out, stderr=err, preexec_fn=die_with_parent,
                                       env={**os.environ, **(environment or {})})
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.wall_s = time.monotonic() - began
            self.cpu_s = usage.ru_utime + usage.ru_stime
            self.text, errors = ((f.seek(0), f.read().decode(errors="replace"))[1] for f in (out, err))
        if process.returncode:
            last = " | ".join(errors.strip().splitlines()[-3:])
            raise Trouble(f"{os.path.basename(command[0])} ended with status {process.returncode}: {last}")


def ffmpeg(*args):
    """A command that works on one thread and says nothing but its troubles."""
    return ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-threads", "1", *map(str, args)]


def pictures_in(path):
    """Pictures of a video file's first track."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
               "stream=nb_read_packets", "-of", "csv=p=0", path]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().strip(","))


def python_of_others():
    """Python with deface and OpenCV from PyPI, in .deps; nothing but benchmarks uses it."""
    venv = os.path.join(ROOT, ".deps", "bench", "venv")
    python, ready = os.path.join(venv, "bin", "python"), os.path.join(venv, "READY")
    if not os.path.exists(ready):
        say("fetching deface and OpenCV from PyPI (300 MB, once)")
        steps = [["/usr/bin/python3", "-m", "venv", "--clear", venv],
                 [python, "-m", "pip", "install", "--quiet", "deface", "onnxruntime"],
                 # deface asks for the OpenCV that needs a screen's libraries; the one without is laid over it.
                 [python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", "opencv-python-headless"]]
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Trouble(f"{' '.join(step[-3:])} failed: is the network there? {done.stderr.strip()[-300:]}")
        with open(ready, "w", encoding="utf-8"):
            pass
    return python


def versions(python, *packages):
    code = "import sys, importlib.metadata as m; print(*(f'{p} {m.version(p)}' for p in sys.argv[1:]), sep=', ')"
    return subprocess.run([python, "-c", code, *packages], capture_output=True, text=True, check=True).stdout.strip()


# --- readings from /proc -----------------------------------------------------------------------------------------------

def cpu_fields(path):
    """Name and CPU-seconds of a process (its ended threads included) or of a thread."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
    return name, (int(rest[11]) + int(rest[12])) / TICK


def cpu_seconds(pid):
    return cpu_fields(f"/proc/{pid}/stat")[1]


def cpu_by_thread(pid):
    """CPU-seconds of each thread that lives: (id, name) -> seconds."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            name, seconds = cpu_fields(f"/proc/{pid}/task/{task}/stat")
            found[task, name] = seconds
    return found


def children(pid):
    """Processes that a process started, and those that they started."""
    found = []
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        with contextlib.suppress(OSError):
            with open(task, encoding="utf-8") as file:
                for child in map(int, file.read().split()):
                    found += [child, *children(child)]
    return found


def memory_kb(pid):
    """Memory and how it was taken: PSS where the system lets us read it, the resident set otherwise."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
            return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1)), "PSS"
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M).group(1)), "RSS"


def machine_cpu():
    """CPU-seconds that the whole machine has worked since its start."""
    with open("/proc/stat", encoding="utf-8") as file:
        n = [int(x) for x in file.readline().split()[1:9]]
    return (sum(n) - n[3] - n[4] - n[7]) / TICK  # without idle, iowait and what the host took


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    return {"cpu": model.group(1) if model else "unknown", "cores": os.cpu_count(),
            "kernel": os.uname().release, "load": [round(x, 1) for x in os.getloadavg()]}


def table(head, rows):
    """Columns under their heads, the first to the left, numbers to the right."""
    rows = [[("-" if c is None else f"{c:.2f}" if isinstance(c, float) else str(c)) for c in row] for row in rows]
    wide = [max(len(r[n]) for r in [head, *rows]) for n in range(len(head))]
    lines = [head, ["-" * w for w in wide], *rows]
    return "\n".join("  ".join(c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(line, wide))).rstrip()
                     for line in lines)


def main(run):
    """Runs `run`, with one sentence for what went wrong and no traceback for Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(run())
    except Trouble as e:
        say(f"error: {e}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
