#!/usr/bin/env python3
"""A second reading of the ledger's format, with nothing of Louver in it.

Written from the public specifications alone (c2sp.org: tlog-tiles, tlog-checkpoint, signed-note, tlog-proof; RFC 6962
section 2.1), with Python's standard library and the package `cryptography`, so that the Rust code is not the only judge of
its own files.

    verify.py log DIR VKEY            checks every tile and leaf of a log in a folder
    verify.py proof FILE LEAF VKEY    checks that the leaf in the file LEAF is in the log

Prints one line. Exit code 0: it holds; 1: it does not, and the line says what; 2: wrong use.
"""

import base64
import hashlib
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256


class Refused(Exception):
    """What does not fit."""


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(hashes):
    """RFC 6962 section 2.1, as it is written there."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(tree_hash(hashes[:k]), tree_hash(hashes[k:]))


class Key:
    """A verifier key of signed-note: NAME+ID+BASE64."""

    def __init__(self, text):
        self.name, key_id, data = text.strip().split("+", 2)
        raw = base64.b64decode(data, validate=True)
        if raw[0] != 1 or len(raw) != 33:
            raise Refused("the key is not an Ed25519 key")
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != key_id:
            raise Refused("the key's id is not its own")
        self.key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note):
        """The text of a note that this key signed."""
        text, found, lines = note.rpartition("\n\n")
        if not found or not lines.endswith("\n"):
            raise Refused("not a signed note")
        text += "\n"
        signed = False
        for line in lines[:-1].split("\n"):
            dash, name, data = line.split(" ", 2)
            if dash != "\u2014":
                raise Refused("not a signature line")
            raw = base64.b64decode(data, validate=True)
            if name != self.name or raw[:4] != self.id:
                continue
            try:
                self.key.verify(raw[4:], text.encode())
            except InvalidSignature:
                raise Refused("the checkpoint's signature is wrong") from None
            signed = True
        if not signed:
            raise Refused("the checkpoint is not signed by this key")
        return text

    def checkpoint(self, note):
        """Size and root of a checkpoint of this key's log."""
        lines = self.open(note).split("\n")
        if len(lines) < 4 or lines[0] != self.name:
            raise Refused("the checkpoint is not of this log")
        size = int(lines[1])
        if str(size) != lines[1]:
            raise Refused("the size is not a plain number")
        return size, base64.b64decode(lines[2], validate=True)


def tile_path(kind, index, width):
    parts = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        parts.insert(0, "x%03d" % (index % 1000))
    return "tile/%s/%s%s" % (kind, "/".join(parts), "" if width == WIDTH else ".p/%d" % width)


def read(folder, path):
    try:
        with open(os.path.join(folder, path), "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise Refused("truncated: %s is missing" % path) from None


def bundle(data, width, path):
    """The leaves of an entry bundle: each a big-endian uint16 length and so many bytes."""
    leaves, at = [], 0
    for _ in range(width):
        length = int.from_bytes(data[at:at + 2], "big")
        if at + 2 + length > len(data):
            raise Refused("malformed: %s is cut short" % path)
        leaves.append(data[at + 2:at + 2 + length])
        at += 2 + length
    if at != len(data):
        raise Refused("malformed: %s has more than %d leaves" % (path, width))
    return leaves


def tiles(count):
    """Index and width of each tile of a level with so many hashes."""
    for index in range((count + WIDTH - 1) // WIDTH):
        yield index, min(WIDTH, count - index * WIDTH)


def check_log(folder, key):
    with open(os.path.join(folder, "checkpoint"), encoding="utf-8", newline="") as file:
        size, root = key.checkpoint(file.read())
    hashes = []
    for index, width in tiles(size):
        path = tile_path("entries", index, width)
        hashes += [leaf_hash(leaf) for leaf in bundle(read(folder, path), width, path)]
    if tree_hash(hashes) != root:
        # Which leaf it was, the tiles tell, if they were left alone.
        for index, width in tiles(size):
            stated = read(folder, tile_path(0, index, width))
            for at in range(width):
                if stated[32 * at:32 * at + 32] != hashes[index * WIDTH + at]:
                    raise Refused("changed: leaf %d is not the one that was hashed" % (index * WIDTH + at))
        raise Refused("changed: the leaves do not give the root that was signed")
    level, row = 0, hashes
    while row:
        for index, width in tiles(len(row)):
            path = tile_path(level, index, width)
            if read(folder, path) != b"".join(row[index * WIDTH:index * WIDTH + width]):
                raise Refused("changed: %s is not what its leaves give" % path)
        whole = len(row) // WIDTH
        row = [tree_hash(row[n * WIDTH:(n + 1) * WIDTH]) for n in range(whole)]
        level += 1
    return "the log has %d leaves and root %s" % (size, base64.b64encode(root).decode())


def root_from(path, index, size, leaf):
    """The root that an audit path leads to: RFC 6962 section 2.1.1, walked from the root down."""
    if size == 1:
        if path:
            raise Refused("the proof is too long")
        return leaf
    if not path:
        raise Refused("the proof is too short")
    k = 1
    while k * 2 < size:
        k *= 2
    if index < k:
        return node_hash(root_from(path[:-1], index, k, leaf), path[-1])
    return node_hash(path[-1], root_from(path[:-1], index - k, size - k, leaf))


def check_proof(text, leaf, key):
    head, found, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not found or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Refused("not a tlog-proof")
    if lines[0].startswith("extra "):
        lines.pop(0)
    index = int(lines.pop(0).removeprefix("index "))
    path = [base64.b64decode(line, validate=True) for line in lines]
    size, root = key.checkpoint(checkpoint)
    if index >= size or root_from(path, index, size, leaf_hash(leaf)) != root:
        raise Refused("the leaf is not number %d of that log" % index)
    return "the leaf is number %d of %d" % (index, size)


def main(args):
    try:
        if len(args) == 3 and args[0] == "log":
            said = check_log(args[1], Key(args[2]))
        elif len(args) == 4 and args[0] == "proof":
            with open(args[1], encoding="utf-8", newline="") as file:
                text = file.read()
            with open(args[2], "rb") as file:
                said = check_proof(text, file.read(), Key(args[3]))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (Refused, ValueError, IndexError) as why:
        print("refused: %s" % why)
        return 1
    print("holds: %s" % said)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
