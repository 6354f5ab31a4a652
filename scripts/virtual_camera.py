#!/usr/bin/python3
"""A virtual ONVIF camera: the PyPI package ipycam's discovery, device and media services, without its pictures.

    scripts/virtual_camera.py --address 127.0.0.1 --name "Front door" --stream-port 8554 --main /gate/main --sub /gate/sub

Its streams' addresses lead to a server that plays them (scripts/rtsp_server.py). Says "ready ADDRESS" on a line when it
answers, and ends when its standard input does. scripts/setup.sh --test installs what it needs into .deps/ipycam.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import threading

PACKAGES = pathlib.Path(os.environ.get("LOUVER_DEPS") or pathlib.Path(__file__).parent.parent / ".deps") / "ipycam"
sys.path.insert(0, str(PACKAGES.resolve()))
try:
    from ipycam.camera import IPCamera, ReusableThreadingTCPServer
    from ipycam.config import CameraConfig
    from ipycam.discovery import WSDiscoveryServer
    from ipycam.http import IPCameraHTTPHandler
except ImportError as missing:
    sys.exit(f"virtual_camera: {missing}; `scripts/setup.sh --test` installs what is missing")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1", help="address of this machine to be found at (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="of its ONVIF service; 0 for any free one (default %(default)s)")
    parser.add_argument("--name", default="Virtual Camera")
    parser.add_argument("--model", default="VirtualCam-1")
    parser.add_argument("--stream-port", type=int, default=8554)
    parser.add_argument("--main", default="/video_main", help="path of its main stream")
    parser.add_argument("--sub", default="/video_sub", help="path of its sub stream")
    parser.add_argument("--user", default="")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable that holds the password")
    return parser.parse_args()


def main():
    args = arguments()
    # What it writes (its settings, when they are changed) is gone with it.
    with tempfile.TemporaryDirectory(prefix="louver-virtual-camera.") as folder:
        os.chdir(folder)
        serve(args)
        os.chdir("/")


def serve(args):
    server = ReusableThreadingTCPServer((args.address, args.port), IPCameraHTTPHandler)
    camera = IPCamera(CameraConfig(
        name=args.name, manufacturer="ipycam", model=args.model, local_ip=args.address,
        onvif_port=server.server_address[1], rtsp_port=args.stream_port,
        main_stream_name=args.main.lstrip("/"), sub_stream_name=args.sub.lstrip("/"),
        username=args.user, password=os.environ.get(args.password_env or "", ""),
    ))
    IPCameraHTTPHandler.camera = camera
    threading.Thread(target=server.serve_forever, daemon=True).start()
    discovery = WSDiscoveryServer(camera.onvif)
    discovery.start()
    print(f"ready {camera.config.onvif_url}", flush=True)
    sys.stdin.read()
    discovery.stop()
    server.shutdown()


if __name__ == "__main__":
    main()
