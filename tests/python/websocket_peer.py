"""A server and a client of WebSocket.

websocket_peer.py serve [CERT KEY]   prints {"port": N}; sends each message back
websocket_peer.py call URL [CA]      prints one line of JSON: what came back
"""

import faulthandler
import json
import ssl
import sys
import threading

from websockets.sync.client import connect
from websockets.sync.server import serve as start


def say(value):
    print(json.dumps(value), flush=True)


def echo(socket):
    for message in socket:
        socket.send(message)


def serve(certificate=None, key=None):
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    with start(echo, "127.0.0.1", 0, ssl=context, subprotocols=["chat"], max_size=None) as server:
        say({"port": server.socket.getsockname()[1]})
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
        server.serve_forever()


def call(url, authority=None):
    # Whoever waits too long says where.
    faulthandler.dump_traceback_later(20, exit=True)
    options = {}
    if authority:
        options["ssl"] = ssl.create_default_context(cafile=authority)
        options["server_hostname"] = "shop.test"
    with connect(url, subprotocols=["chat"], max_size=None, **options) as socket:
        seen = {"subprotocol": socket.subprotocol, "compressed": bool(socket.protocol.extensions)}
        messages = ["hello", b"\x00\xff", "long " * 200_000, b"b" * 3_000_000, ""]
        for message in messages:
            socket.send(message)
        seen["echoed"] = [socket.recv(timeout=20) == message for message in messages]
        seen["pong"] = socket.ping().wait(timeout=10)
        socket.close(1000, "bye")
        seen["close"] = [socket.close_code, socket.close_reason]
    say(seen)


if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
else:
    call(*sys.argv[2:])
