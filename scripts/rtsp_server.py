#!/usr/bin/python3
"""A real RTSP server that plays clips as if they were cameras; used by the demo and by tests.

  scripts/rtsp_server.py --port 8554 --mount /gate/main=main.mp4 --mount /gate/sub=sub.mp4 \\
      [--user u --password p --auth digest|basic] [--ready-file FILE] [--host 127.0.0.1]

Each mount has one source that runs all the time, whether anyone watches or not, like a camera: ffmpeg
plays the clip at its own pace and in a loop (no re-encoding; time stamps go on rising over the loop
point), GStreamer takes its pictures apart, and every client of the mount gets the same pictures. A client
joins at the next picture, not at the next key frame, as with most cameras. H.264 and H.265 are told apart
by looking. RTP goes over TCP or UDP, as the client asks.

`--launch /path=PIPELINE` serves what a GStreamer pipeline makes instead (its payloaders are pay0, pay1, …): pictures and sound of
any coding, anew for each client that is the first.

Prints one line `ready rtsp://HOST:PORT /mount ...` (and writes the same address to --ready-file) once
every mount has pictures. `--port 0` takes a free port. Ends on SIGTERM or SIGINT, its ffmpeg children
with it, even when it is killed hard. `kill -STOP` makes a camera that goes silent without closing.

Needs Debian's python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-{base,good,bad} and ffmpeg;
scripts/setup.sh installs them. Run by /usr/bin/python3, which is the one that Debian's `gi` belongs to.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
except (ImportError, ValueError) as missing:
    sys.exit(f"rtsp_server: {missing}: run scripts/setup.sh, and start this with /usr/bin/python3")

READY_WITHIN_S = 20
# What a client may lag behind before the oldest pictures are dropped for its media.
QUEUE_PICTURES = 100
PR_SET_PDEATHSIG = 1
ROLE = "viewer"

CODECS = {
    "h264": ("h264parse", "video/x-h264,stream-format=avc,alignment=au", "rtph264pay"),
    "hevc": ("h265parse", "video/x-h265,stream-format=hvc1,alignment=au", "rtph265pay"),
}


def say(text):
    print(f"rtsp_server: {text}", file=sys.stderr, flush=True)


def codec_of(path):
    """`h264` or `hevc`, or ends the program with a sentence."""
    if not os.path.isfile(path):
        sys.exit(f"rtsp_server: {path}: no such file; scripts/setup.sh prepares the demo clips")
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=codec_name",
         "-of", "csv=p=0", path],
        capture_output=True, text=True, check=False)
    name = probe.stdout.strip().split(",")[0]
    if name not in CODECS:
        sys.exit(f"rtsp_server: {path}: H.264 or H.265 video is needed, found "
                 f"{name or probe.stderr.strip() or 'nothing'}")
    return name


def die_with_parent():
    """In the child, before exec: a killed server leaves no ffmpeg behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)  # Ctrl-C in a terminal reaches the server alone, which then ends its children


class Camera:
    """One mount: a clip played for ever, and the media (one a group of clients) that show it."""

    def __init__(self, mount, path, on_fault):
        self.mount, self.on_fault = mount, on_fault
        self.codec = codec_of(path)
        self.lock = threading.Lock()
        self.caps = None       # known from the first picture on
        self.outlets = {}      # appsrc -> offset from the source's clock to that media's, or None
        self.player = subprocess.Popen(
            ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", path,
             "-map", "0:v:0", "-c", "copy", "-f", "mpegts", "-flush_packets", "1", "-muxdelay", "0", "-muxpreload", "0",
             # A PES length lets the demuxer hand a picture on when it is complete, not when the next one starts.
             "-omit_video_pes_length", "0", "-"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        parse, caps, _ = CODECS[self.codec]
        # Not synchronised to GStreamer's clock: ffmpeg already keeps the pace. No `tsparse set-timestamps=true`:
        # it smooths the clock over arrival times, which made steps of 98 to 100.1 ms out of exact 100 ms.
        self.pipeline = Gst.parse_launch(
            f"fdsrc fd={self.player.stdout.fileno()} ! tsdemux latency=0 ! "
            f"{parse} config-interval=-1 ! {caps} ! appsink name=out sync=false emit-signals=true max-buffers=50")
        self.pipeline.get_by_name("out").connect("new-sample", self.on_picture)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, m: on_fault(f"{mount}: {m.parse_error()[0].message}"))
        bus.connect("message::eos", lambda _, m: on_fault(f"{mount}: ffmpeg stopped playing {path}"))

    def start(self):
        self.pipeline.set_state(Gst.State.PLAYING)

    def factory(self):
        _, _, pay = CODECS[self.codec]
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            f"( appsrc name=in is-live=true format=time max-bytes=0 max-buffers={QUEUE_PICTURES} leaky-type=downstream ! "
            f"{pay} name=pay0 pt=96 config-interval=-1 )")
        factory.set_shared(True)
        factory.set_latency(0)
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP)
        factory.connect("media-configure", self.on_media)
        return factory

    def on_media(self, _factory, media):
        outlet = media.get_element().get_by_name("in")
        with self.lock:
            outlet.set_property("caps", self.caps)
            self.outlets[outlet] = None
        media.connect("unprepared", lambda _: self.drop(outlet))

    def drop(self, outlet):
        with self.lock:
            self.outlets.pop(outlet, None)

    def on_picture(self, sink):
        """Called on the pipeline's own thread."""
        try:
            return self.hand_on(sink)
        except Exception as fault:  # otherwise PyGObject prints it and goes on, ten times a second
            GLib.idle_add(self.on_fault, f"{self.mount}: {fault!r}")
            return Gst.FlowReturn.ERROR

    def hand_on(self, sink):
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.EOS
        picture = sample.get_buffer()
        with self.lock:
            self.caps = sample.get_caps()
            outlets = list(self.outlets.items())
        for outlet, offset in outlets:
            if offset is None:
                offset = self.join(outlet, picture)
                if offset is None:
                    continue
            copy = picture.copy_region(
                Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.TIMESTAMPS | Gst.BufferCopyFlags.MEMORY, 0, picture.get_size())
            copy.pts = picture.pts + offset
            copy.dts = Gst.CLOCK_TIME_NONE if picture.dts == Gst.CLOCK_TIME_NONE else max(0, picture.dts + offset)
            outlet.emit("push-buffer", copy)
        return Gst.FlowReturn.OK

    def join(self, outlet, picture):
        """Where this media's clock stands when it gets its first picture."""
        if picture.pts == Gst.CLOCK_TIME_NONE:
            return None
        clock = outlet.get_clock()
        now = max(0, clock.get_time() - outlet.get_base_time()) if clock else 0
        offset = now - picture.pts
        with self.lock:
            if outlet in self.outlets:
                self.outlets[outlet] = offset
        return offset

    def stop(self):
        self.player.kill()
        self.player.wait()
        self.pipeline.set_state(Gst.State.NULL)


def guard(server, options):
    """Sign-in for everything: without it 401, with it as --auth says."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth.set_realm("camera")
    if options.auth == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options.user, options.password, token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
    server.set_auth(auth)


def write_whole(path, text):
    """Whoever waits for the file never reads half of it."""
    part = f"{path}.{os.getpid()}"
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, path)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8554, help="0 for any free one (default %(default)s)")
    parser.add_argument("--mount", action="append", default=[], metavar="/PATH=FILE", help="may be repeated")
    parser.add_argument("--launch", action="append", default=[], metavar="/PATH=PIPELINE", help="may be repeated")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--auth", choices=["digest", "basic"], default="digest")
    parser.add_argument("--ready-file", help="written when ready, removed at the end")
    options = parser.parse_args()
    if (options.user is None) != (options.password is None):
        parser.error("--user and --password go together")
    mounts = {}
    for mount in options.mount:
        path, _, file = mount.partition("=")
        if not path.startswith("/") or not file:
            parser.error(f"--mount {mount}: write it as /path=FILE")
        if path in mounts:
            parser.error(f"--mount {path} is given twice")
        mounts[path] = file
    launches = {}
    for launch in options.launch:
        path, _, pipeline = launch.partition("=")
        if not path.startswith("/") or not pipeline or path in mounts or path in launches:
            parser.error(f"--launch {path}: write it as /path=PIPELINE, once")
        launches[path] = pipeline
    if not mounts and not launches:
        parser.error("--mount or --launch is needed")
    return options, mounts, launches


def main():
    options, mounts, launches = parse_options()
    Gst.init(None)
    loop = GLib.MainLoop()
    ending = {"code": 0}

    def end(code=0, why=None):
        if why:
            say(why)
        ending["code"] = ending["code"] or code
        loop.quit()
        return GLib.SOURCE_REMOVE

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, name, end)

    server = GstRtspServer.RTSPServer()
    server.set_address(options.host)
    server.set_service(str(options.port))
    if options.user is not None:
        guard(server, options)

    cameras = [Camera(mount, file, lambda why: end(1, why)) for mount, file in mounts.items()]
    try:
        for camera in cameras:
            factory = camera.factory()
            if options.user is not None:
                # From text: a structure's fields cannot be set to booleans from Python one by one.
                role, _ = Gst.Structure.from_string(
                    f"{ROLE}, media.factory.access=(boolean)true, media.factory.construct=(boolean)true")
                factory.add_role_from_structure(role)
            server.get_mount_points().add_factory(camera.mount, factory)
            camera.start()
        for mount, pipeline in launches.items():
            factory = GstRtspServer.RTSPMediaFactory()
            factory.set_launch(f"( {pipeline} )")
            factory.set_shared(True)
            factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP)
            server.get_mount_points().add_factory(mount, factory)

        def announce(waited_ms=[0]):
            waited_ms[0] += 20
            silent = [camera.mount for camera in cameras if camera.caps is None]
            if silent and waited_ms[0] > READY_WITHIN_S * 1000:
                return end(1, f"no pictures from {', '.join(silent)} within {READY_WITHIN_S} s")
            if silent:
                return GLib.SOURCE_CONTINUE
            # Listening only now: whoever gets a connection gets pictures.
            if not server.attach(None):
                return end(1, f"cannot listen on {options.host}:{options.port}: is the port taken? "
                              "Choose another with --port")
            address = f"rtsp://{options.host}:{server.get_bound_port()}"
            print("ready", address, *mounts, *launches, flush=True)
            if options.ready_file:
                write_whole(options.ready_file, address + "\n")
            return GLib.SOURCE_REMOVE

        def forget_gone_clients():
            server.get_session_pool().cleanup()
            return GLib.SOURCE_CONTINUE

        GLib.timeout_add(20, announce)
        GLib.timeout_add_seconds(5, forget_gone_clients)
        loop.run()
    finally:
        for camera in cameras:
            camera.stop()
        if options.ready_file and os.path.exists(options.ready_file):
            os.unlink(options.ready_file)
    # GStreamer's threads may still be serving clients; there is nothing left worth waiting for.
    os._exit(ending["code"])


if __name__ == "__main__":
    main()
