"""A client of docs/protocol.md, with nothing but Python's standard library.

It was written from that page alone, to show that the page is enough: NATS's
text protocol over a socket, Protocol Buffers by hand, and on top of both what
the page says of sessions, operation numbers and repetitions.
"""

import json
import os
import socket
import struct
import time
from urllib.parse import urlsplit

# Bounds of the protocol.
MOST_CONTENT = 512 << 10

# Fault
UNSUPPORTED, NO_SESSION, OVERLOADED, ENDING = 2, 3, 4, 5

# error
NO_ENTRY = 21

# Open.flags, Open.access
CREATE, DIRECTORY, EXCLUSIVE, TRUNCATE = 1, 2, 4, 8
READ, WRITE = 1, 2

REGULAR_FILE, IS_DIRECTORY, SYMBOLIC_LINK = 1, 2, 3


class Failed(Exception):
    """The call was carried out and failed with this code."""

    def __init__(self, code):
        super().__init__(f"error {code}")
        self.code = code


class Refused(Exception):
    """The request was not carried out."""

    def __init__(self, fault, message):
        super().__init__(f"fault {fault}: {message}")
        self.fault = fault


# Protocol Buffers: numbers, bytes and messages of bytes.


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(int(value)) if value else b""


def fixed64(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", value) if value else b""


def block(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def parse(data):
    """The fields of a message: a list of values for each number."""
    fields, at = {}, 0

    def next_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = next_varint()
        kind = key & 7
        if kind == 0:
            value = next_varint()
        elif kind == 1:
            value = struct.unpack_from("<Q", data, at)[0]
            at += 8
        elif kind == 2:
            length = next_varint()
            value = data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {kind}")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def one(fields, field, default=0):
    return fields.get(field, [default])[-1]


# NATS, as much of it as requests need.


class Nats:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port))
        self.incoming = self.socket.makefile("rb")
        self.info = json.loads(self.incoming.readline().removeprefix(b"INFO "))
        options = {"verbose": False, "headers": True, "no_responders": True, "name": "foreign", "lang": "python"}
        self.inbox = f"_INBOX.{os.urandom(12).hex()}"
        self.asked = 0
        self.send(f"CONNECT {json.dumps(options)}\r\nSUB {self.inbox}.* 1\r\n".encode())

    def send(self, data):
        self.socket.sendall(data)

    def request(self, subject, payload, seconds):
        """The reply; none where it does not come in time."""
        self.asked += 1
        inbox = f"{self.inbox}.{self.asked}"
        self.send(f"PUB {subject} {inbox} {len(payload)}\r\n".encode() + payload + b"\r\n")
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                line = self.incoming.readline().decode().split()
            except TimeoutError:
                return None
            if line[0] == "PING":
                self.send(b"PONG\r\n")
            elif line[0] == "-ERR":
                raise ConnectionError(" ".join(line))
            elif line[0] in ("MSG", "HMSG"):
                message = self.incoming.read(int(line[-1]))
                self.incoming.read(2)
                if line[1] != inbox:
                    # The answer to a request that was repeated since.
                    continue
                if line[0] == "HMSG":
                    headers, message = message[: int(line[-2])], message[int(line[-2]) :]
                    if headers.startswith(b"NATS/1.0 503"):
                        raise ConnectionError(f"nobody serves {subject}")
                return message
        return None


# Larder.


class Attributes:
    def __init__(self, data):
        fields = parse(data)
        self.node = one(fields, 1, b"")
        self.type = one(fields, 2)
        self.size = one(fields, 6)


class Volume:
    """A session with a volume. Paths are below the session's directory."""

    def __init__(self, url, directory="", write=True, seconds=10):
        address = urlsplit(url)
        self.nats = Nats(address.hostname, address.port or 4222)
        self.subject = f"larder.v1.{address.path.strip('/')}.{'write' if write else 'read'}"
        self.seconds = seconds
        self.operation = 0
        self.closed = []
        begin = number(1, 1) + block(2, directory) + block(3, "a foreign client")
        # Of two sessions that a repeated begin makes, one is not used.
        session = parse(self.repeat(block(2, begin), 3))
        self.id = one(session, 1)
        self.lease = one(session, 3) / 1000
        mount = parse(one(session, 2, b""))
        self.root = Attributes(one(mount, 2, b"")).node

    def repeat(self, payload, field):
        """Sends a request until it is answered. The field of the reply that is
        wanted."""
        until, patience, pause = time.monotonic() + self.seconds, 1, 0.01
        while (left := until - time.monotonic()) > 0:
            reply = self.nats.request(self.subject, payload, min(left, patience))
            if reply is None:
                patience *= 2
                continue
            fields = parse(reply)
            if 2 in fields:
                refusal = parse(one(fields, 2))
                if one(refusal, 1) in (OVERLOADED, ENDING):
                    time.sleep(pause)
                    pause = min(pause * 2, 0.5)
                    continue
                raise Refused(one(refusal, 1), one(refusal, 2, b"").decode())
            if 1 in fields:
                raise Failed(one(fields, 1))
            return one(fields, field, b"")
        raise TimeoutError(self.subject)

    def call(self, operation, field):
        self.operation += 1
        notes = b"".join(block(3, block(1, node) + number(3, True)) for node in self.closed)
        self.closed.clear()
        identity = fixed64(1, self.id) + number(2, self.operation)
        return self.repeat(block(1, identity + notes) + operation, field)

    def place(self, path):
        return block(1, self.root) + block(2, path)

    # Queries

    def stat(self, path):
        return Attributes(self.call(block(7, block(1, self.place(path)) + number(2, True)), 6))

    def open(self, path, flags=0, access=READ, want=0):
        how = block(1, self.place(path)) + number(2, True) + number(3, flags) + number(4, access) + number(5, want)
        opened = parse(self.call(block(3, how), 4))
        content = parse(one(opened, 3)) if 3 in opened else None
        return Attributes(one(opened, 1)), content

    def read(self, path):
        attributes, content = self.open(path, want=MOST_CONTENT)
        data = bytearray()
        while True:
            if content is None:
                where = block(1, attributes.node) + number(2, len(data)) + number(3, MOST_CONTENT)
                content = parse(self.call(block(4, where), 5))
            data += one(content, 1, b"")
            if one(content, 2) or not one(content, 1, b""):
                break
            content = None
        self.closed.append(attributes.node)
        return bytes(data)

    def list(self, path, most=1024):
        """Names with their attributes."""
        node = self.root
        if path:
            node = self.open(path, DIRECTORY)[0].node
        entries, after = [], 0
        while True:
            page = parse(self.call(block(9, block(1, node) + number(2, after) + number(3, most)), 7)).get(1, [])
            if not page:
                break
            for entry in map(parse, page):
                entries.append((one(entry, 2, b"").decode(), Attributes(one(entry, 1))))
                after = one(entry, 3)
        if path:
            self.closed.append(node)
        return entries

    # Changes

    def write(self, path, data, sync=False):
        """Creates or replaces a file."""
        first = data[:MOST_CONTENT]
        change = block(2, self.place(path)) + varint(3 << 3) + varint(0)
        change += self.pieces(0, first)
        rest = range(len(first), len(data), MOST_CONTENT)
        if rest:
            change += number(8, True)
        elif sync:
            change += number(7, True)
        node = Attributes(self.call(block(5, change), 6)).node
        for offset in rest:
            change = block(1, node) + self.pieces(offset, data[offset : offset + MOST_CONTENT])
            if sync and offset == rest[-1]:
                change += number(7, True)
            self.call(block(5, change), 6)
        if rest:
            self.closed.append(node)

    @staticmethod
    def pieces(offset, data):
        # Position 0 is written out: without it there is no position.
        return block(4, varint(1 << 3) + varint(offset) + block(3, data)) if data else b""

    def append(self, path, data):
        write = number(2, True) + block(3, data)
        return Attributes(self.call(block(5, block(2, self.place(path)) + block(4, write)), 6))

    def make_directory(self, path):
        self.call(block(10, block(1, self.place(path))), 6)

    def rename(self, old, new):
        self.call(block(13, block(1, self.place(old)) + block(2, self.place(new))), 9)

    def remove(self, path, directory=False):
        self.call(block(12, block(1, self.place(path)) + number(2, directory)), 9)

    def sync(self):
        self.call(block(15, number(1, True)), 9)

    def stay(self):
        """Keeps the session; to be called before the lease runs out."""
        self.repeat(block(1, fixed64(1, self.id)) + block(15, b""), 9)

    def end(self):
        self.repeat(block(1, fixed64(1, self.id)) + block(15, number(2, True)), 9)
