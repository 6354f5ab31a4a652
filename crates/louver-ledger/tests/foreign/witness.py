#!/usr/bin/env python3
"""A witness with nothing of Louver in it, for tests: it signs a checkpoint when it continues the last one that it signed.

Written from the public specifications alone (c2sp.org: tlog-witness, tlog-cosignature; RFC 6962 section 2.1.2), with Python's standard
library and the package `cryptography`; notes and keys are read by verify.py beside it.

    witness.py NAME LOG_VKEY

Prints its port and its verifier key on one line, and signs until its standard input ends.
"""

import base64
import hashlib
import http.server
import sys
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import verify

EMPTY = hashlib.sha256(b"").digest()


def check_consistency(old_size, old_root, size, root, path):
    """RFC 6962 section 2.1.2 backwards: what SUBPROOF put there is taken off again from its end."""
    if old_size == 0 or old_size == size:
        fits = old_root == (EMPTY if old_size == 0 else root)
        if path or not fits:
            raise verify.Refused("the proof does not fit")
        return

    def walk(m, n, whole):
        if m == n:
            if whole:
                return old_root, old_root
            if not path:
                raise verify.Refused("the proof is too short")
            there = path.pop()
            return there, there
        if not path:
            raise verify.Refused("the proof is too short")
        k = 1
        while k * 2 < n:
            k *= 2
        beside = path.pop()
        if m <= k:
            was, now = walk(m, k, whole)
            return was, verify.node_hash(now, beside)
        was, now = walk(m - k, n - k, False)
        return verify.node_hash(beside, was), verify.node_hash(beside, now)

    path = list(path)
    was, now = walk(old_size, size, True)
    if path or was != old_root or now != root:
        raise verify.Refused("the proof does not fit")


class Witness:
    def __init__(self, name, log):
        self.name, self.log = name, verify.Key(log)
        self.key = Ed25519PrivateKey.generate()
        public = b"\x04" + self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        self.vkey = "%s+%s+%s" % (name, self.id.hex(), base64.b64encode(public).decode())
        self.last = (0, EMPTY)

    def add_checkpoint(self, body):
        """Status and body of the answer, as tlog-witness has them."""
        head, found, checkpoint = body.partition("\n\n")
        lines = head.split("\n")
        if not found or not lines[0].startswith("old "):
            return 400, ""
        if checkpoint.split("\n")[0] != self.log.name:
            return 404, ""
        try:
            size, root = self.log.checkpoint(checkpoint)
        except verify.Refused:
            return 403, ""
        old, path = int(lines[0][4:]), [base64.b64decode(line, validate=True) for line in lines[1:]]
        if old > size or len(path) > 63:
            return 400, ""
        if old != self.last[0] or (old == size and root != self.last[1]):
            return 409, "%d\n" % self.last[0]
        try:
            check_consistency(*self.last, size, root, path)
        except verify.Refused:
            return 422, ""
        self.last = (size, root)
        text, now = checkpoint.rpartition("\n\n")[0] + "\n", int(time.time())
        signature = self.key.sign(("cosignature/v1\ntime %d\n%s" % (now, text)).encode())
        line = base64.b64encode(self.id + now.to_bytes(8, "big") + signature).decode()
        return 200, "\u2014 %s %s\n" % (self.name, line)


def main(name, log):
    witness, lock = Witness(name, log), threading.Lock()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            with lock:
                status, text = witness.add_checkpoint(body) if self.path == "/add-checkpoint" else (404, "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], witness.vkey, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
