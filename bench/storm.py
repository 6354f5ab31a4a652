#!/usr/bin/python3
"""Every camera is lost every few seconds, for hours; see bench/README.md."""

import argparse
import asyncio
import json
import os
import statistics
import threading
import time

import rig

FIRST_S = 300  # the minutes that the end is compared with
LOOK_S = 5
FLOWS = 20_000  # bytes from a camera that are more than answers to requests: pictures come again


class Way:
    """A relay between the recorder and one camera, which is cut off and closed for a moment every now and then."""

    def __init__(self, camera, target, options):
        self.camera, self.target, self.options = camera, target, options
        self.writers, self.server, self.port = set(), None, rig.free_port()
        self.back_at, self.came_back, self.cuts, self.late = None, [], 0, 0

    async def storm(self):
        await self.open()
        # Not all at the same moment.
        await asyncio.sleep(self.options.settle + self.options.every * self.camera / self.options.cameras)
        while True:
            self.server.close()
            for writer in list(self.writers):
                writer.transport.abort()
            self.cuts += 1
            await asyncio.sleep(self.options.away)
            if self.back_at is not None:
                self.late += 1  # it had not come back since the last time
            self.back_at = time.monotonic()
            await self.open()
            await asyncio.sleep(self.options.every - self.options.away)

    async def open(self):
        self.server = await asyncio.start_server(self.pass_on, "127.0.0.1", self.port, limit=1 << 18)

    async def pass_on(self, reader, writer):
        """One connection of the recorder's; the main stream's is the one that is watched."""
        self.writers.add(writer)
        try:
            there, theirs = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 18)
        except OSError:
            writer.transport.abort()
            self.writers.discard(writer)
            return
        main = asyncio.get_running_loop().create_future()

        async def requests():
            while data := await reader.read(1 << 16):
                if not main.done() and b"/main" in data:
                    main.set_result(True)
                theirs.write(data)
                await theirs.drain()

        async def pictures():
            passed = 0
            while data := await there.read(1 << 18):
                passed += len(data)
                if self.back_at is not None and passed >= FLOWS and main.done():
                    self.came_back.append(time.monotonic() - self.back_at)
                    self.back_at = None
                writer.write(data)
                await writer.drain()

        both = [asyncio.ensure_future(requests()), asyncio.ensure_future(pictures())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            theirs.transport.abort()
            writer.transport.abort()
            self.writers.discard(writer)


class Ways(threading.Thread):
    """All relays, on a thread of their own."""

    def __init__(self, target, options):
        super().__init__(daemon=True)
        self.ways = [Way(n, target, options) for n in range(options.cameras)]

    def run(self):
        async def all_of_them():
            await asyncio.gather(*(way.storm() for way in self.ways))
        asyncio.run(all_of_them())


def memory_mib(process):
    """Of the server, and of all that it started."""
    pids = [process.pid, *rig.children(process.pid)]
    taken = []
    for pid in pids:
        try:
            taken.append(rig.memory_kb(pid)[0])
        except OSError:
            pass  # a decoding child that was replaced meanwhile
    return sum(taken) / 1024, len(pids)


def watch(site, options):
    """Memory every few seconds, with a line a minute for whoever waits."""
    looks, began, said = [], time.monotonic(), 0
    while (now := time.monotonic() - began) < options.minutes * 60:
        mib, processes = memory_mib(site.process)
        looks.append((now, mib, processes))
        if now - said >= 60:
            said = now
            rig.say(f"{now / 60:.0f} min: {mib:.0f} MiB in {processes} processes")
        time.sleep(LOOK_S)
        if site.process.poll() is not None:
            raise rig.Trouble(f"the server ended with status {site.process.returncode} after {now:.0f} s")
    return looks


def run():
    parser = argparse.ArgumentParser(prog="bench/storm.sh", description=__doc__)
    parser.add_argument("--cameras", type=int, default=8, metavar="N", help="default %(default)s")
    parser.add_argument("--seen", type=int, default=2, metavar="N", help="of them seen and masked (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=120, metavar="M", help="default %(default)s")
    parser.add_argument("--every", type=float, default=20, metavar="S", help="each is cut off so often (default %(default)s)")
    parser.add_argument("--away", type=float, default=2, metavar="S", help="and away for so long (default %(default)s)")
    parser.add_argument("--settle", type=float, default=20, metavar="S", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder and keep it")
    parser.add_argument("--louver", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cameras < 1 or options.every <= options.away or options.minutes * 60 < 2 * FIRST_S:
        parser.error(f"at least one camera, away for less than the time between, {2 * FIRST_S // 60} minutes")
    farm = rig.farm_tool()
    with rig.work_dir(options.keep) as folder:
        cameras = rig.farm_cameras(options.cameras, folder, farm) if farm else rig.rtsp_cameras(options.cameras, folder)
        with cameras as address:
            ways = Ways(int(address.rsplit(":", 1)[1]), options)
            site = rig.Louver(options.louver, folder, [f"rtsp://127.0.0.1:{w.port}" for w in ways.ways], options.cameras,
                              seen=options.seen, keep_hours=1)
            ways.start()
            try:
                began = time.time()
                site.start()
                site.wait_until_sealing(began)
                looks = watch(site, options)
                states = site.states()
            finally:
                rig.end(site.process)
    first = [mib for at, mib, _ in looks if at <= FIRST_S]
    last = [mib for at, mib, _ in looks if at >= looks[-1][0] - FIRST_S]
    came = sorted(s for way in ways.ways for s in way.came_back)
    found = {
        "cameras": options.cameras, "seen": options.seen, "minutes": options.minutes, "every_s": options.every,
        "away_s": options.away, "cuts": sum(w.cuts for w in ways.ways), "not_back_before_the_next": sum(w.late for w in ways.ways),
        "back_after_s": {"median": statistics.median(came), "p95": came[int(len(came) * 0.95)], "worst": came[-1]} if came else None,
        "memory_mib": {"first_5_min": statistics.mean(first), "last_5_min": statistics.mean(last), "most": max(m for _, m, _ in looks)},
        "last_by_first": statistics.mean(last) / statistics.mean(first), "problems": [s["recording_problem"] for s in states.values() if s["recording_problem"]],
        "machine": rig.machine(), "memory_by_ten_minutes": [statistics.mean(m for at, m, _ in looks if k * 600 <= at < k * 600 + 600)
                                                            for k in range(int(looks[-1][0] // 600) + 1)]}
    if options.json:
        print(json.dumps(found, indent=2))
        return
    memory, back = found["memory_mib"], found["back_after_s"]
    print(f"{options.cameras} cameras, {options.seen} of them seen, {options.minutes:.0f} minutes; each cut off every "
          f"{options.every:.0f} s for {options.away:.0f} s: {found['cuts']} cuts")
    print(f"Memory (MiB, all processes): {memory['first_5_min']:.1f} in the first five minutes, {memory['last_5_min']:.1f} in the last "
          f"five, {memory['most']:.1f} at most; last by first {found['last_by_first']:.3f}")
    print("By ten minutes: " + ", ".join(f"{m:.0f}" for m in found["memory_by_ten_minutes"]))
    if back:
        print(f"Pictures came again, after the camera was back: median {back['median']:.2f} s, 95 % {back['p95']:.2f} s, worst "
              f"{back['worst']:.2f} s; {found['not_back_before_the_next']} times not before the next cut")


if __name__ == "__main__":
    rig.main(run)
