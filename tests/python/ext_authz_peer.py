"""A service of Envoy's external authorisation over grpcio, without generated code.

Lets `authorization: Bearer good` pass as anna; fails for `Bearer broken`; refuses all others.
Prints {"port": N}, then one line of JSON for each request that it is asked about.
"""

import json
import sys
from concurrent import futures

import grpc


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """The fields of a message: number -> list of values."""
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length
        else:
            raise ValueError(f"wire type {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def message(field, value):
    assert len(value) < 128
    return bytes([field << 3 | 2, len(value)]) + value


def header(name, value):
    return message(1, message(1, name.encode()) + message(2, value.encode()))


def check(request, context):
    attributes = fields(fields(request)[1][0])
    source = fields(fields(fields(attributes[1][0])[1][0])[1][0])
    http = fields(fields(attributes[4][0])[2][0])
    headers = {}
    for entry in map(fields, http[3]):
        headers[entry[1][0].decode()] = entry[2][0].decode()
    told = {"method": http[2], "path": http[4], "host": http[5], "client": source[2]}
    say({name: value[0].decode() for name, value in told.items()} | {"headers": headers})
    if headers.get("authorization") == "Bearer broken":
        context.abort(grpc.StatusCode.INTERNAL, "out of order")
    if headers.get("authorization") == "Bearer good":
        allowed = message(2, header("x-user", "anna")) + message(5, b"authorization")
        return message(1, b"") + message(3, allowed + message(6, header("x-seen", "1")))
    denied = message(1, b"\x08\x91\x03") + message(2, header("www-authenticate", "Bearer"))
    return message(1, b"\x08\x10") + message(2, denied + message(3, b"who are you?"))


def say(value):
    print(json.dumps(value), flush=True)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}
service = "envoy.service.auth.v3.Authorization"
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
say({"port": server.add_insecure_port("127.0.0.1:0")})
server.start()
sys.stdin.read()
server.stop(None)
