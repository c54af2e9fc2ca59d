"""A server and a client of gRPC, without generated code: messages are bare bytes.

grpc_peer.py serve [CERT KEY]      prints {"port": N}, then one line for each call that ended early
grpc_peer.py call TARGET CASE [CA] prints one line of JSON: what the call gave
"""

import json
import sys
import threading
import time
from concurrent import futures

import grpc

SERVICE = "shop.Shop"


def unary(request, context):
    sent = dict(context.invocation_metadata())
    context.send_initial_metadata((("x-initial", sent.get("x-told", "")),))
    context.set_trailing_metadata((("x-trailing", "1"), ("x-bytes-bin", b"\x00\xff")))
    return request[::-1]


def server_stream(request, context):
    for at in range(int(request)):
        yield b"%d" % at


def client_stream(requests, context):
    return b"%d" % sum(len(request) for request in requests)


def bidi(requests, context):
    for request in requests:
        yield b"re: " + request


def fail(request, context):
    context.set_trailing_metadata((("x-why", "told"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: 100 % \u00e4")


def fail_late(request, context):
    yield b"first"
    context.abort(grpc.StatusCode.DATA_LOSS, "the rest is gone")


def slow(request, context):
    """Waits until the caller is gone, and says so."""
    gone = threading.Event()
    context.add_callback(gone.set)
    remaining = context.time_remaining()
    gone.wait(20)
    say({"gone": gone.is_set(), "remaining": remaining})
    return b"late"


tries = {}
tries_lock = threading.Lock()


def unavailable_twice(request, context):
    with tries_lock:
        tries[request] = tries.get(request, 0) + 1
        count = tries[request]
    if count <= 2:
        context.abort(grpc.StatusCode.UNAVAILABLE, "try again")
    return b"%d" % count


health = {"status": 1, "checks": 0}


def check(request, context):
    """grpc.health.v1.Health/Check: SERVING is 1, NOT_SERVING is 2."""
    health["checks"] += 1
    return b"\x08" + bytes([health["status"]])


def say(value):
    print(json.dumps(value), flush=True)


def serve(certificate=None, key=None):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    methods = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
        "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
        "Bidi": grpc.stream_stream_rpc_method_handler(bidi),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "FailLate": grpc.unary_stream_rpc_method_handler(fail_late),
        "Slow": grpc.unary_unary_rpc_method_handler(slow),
        "UnavailableTwice": grpc.unary_unary_rpc_method_handler(unavailable_twice),
    }
    checks = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(SERVICE, methods),
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", checks),
        )
    )
    if certificate:
        with open(certificate, "rb") as chain, open(key, "rb") as secret:
            credentials = grpc.ssl_server_credentials([(secret.read(), chain.read())])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    say({"port": port})
    for line in sys.stdin:
        health["status"] = int(line)
        say({"checks": health["checks"]})
    server.stop(None)


def metadata(pairs):
    return {key: value if isinstance(value, str) else value.hex() for key, value in pairs or ()}


def outcome(call, value):
    return {
        "value": value,
        "initial": metadata(call.initial_metadata()),
        "trailing": metadata(call.trailing_metadata()),
        "code": call.code().name,
    }


def call_unary(channel):
    method = channel.unary_unary(f"/{SERVICE}/Unary")
    value, call = method.with_call(b"abc", metadata=(("x-told", "hello"),), timeout=10)
    return outcome(call, value.decode())


def call_large(channel):
    method = channel.unary_unary(f"/{SERVICE}/Unary")
    value, call = method.with_call(b"ab" * 1_500_000, timeout=20)
    return outcome(call, [len(value), value == b"ba" * 1_500_000])


def call_server_stream(channel):
    call = channel.unary_stream(f"/{SERVICE}/ServerStream")(b"1000", timeout=20)
    values = [int(value) for value in call]
    return outcome(call, values == list(range(1000)))


def call_client_stream(channel):
    method = channel.stream_unary(f"/{SERVICE}/ClientStream")
    value, call = method.with_call(iter([b"a" * 1000] * 500), timeout=20)
    return outcome(call, value.decode())


def call_bidi(channel):
    """Each question is asked when the answer to the one before it has come."""
    questions, answers, come = 20, [], threading.Semaphore(1)

    def ask():
        for at in range(questions):
            come.acquire()
            yield b"%d" % at

    call = channel.stream_stream(f"/{SERVICE}/Bidi")(ask(), timeout=20)
    for answer in call:
        answers.append(answer.decode())
        come.release()
    return outcome(call, answers == [f"re: {at}" for at in range(questions)])


def call_parallel(channel):
    method = channel.unary_unary(f"/{SERVICE}/Unary")
    calls = [method.future(b"%d" % at, timeout=20) for at in range(200)]
    return {"value": all(call.result() == (b"%d" % at)[::-1] for at, call in enumerate(calls))}


def call_fail(channel):
    channel.unary_unary(f"/{SERVICE}/Fail")(b"", timeout=10)


def call_fail_late(channel):
    values = []
    try:
        for value in channel.unary_stream(f"/{SERVICE}/FailLate")(b"", timeout=10):
            values.append(value.decode())
    except grpc.RpcError as error:
        return {"value": values, "code": error.code().name, "details": error.details()}


def call_unknown(channel):
    channel.unary_unary("/shop.Nowhere/Unary")(b"", timeout=10)


def call_deadline(channel):
    channel.unary_unary(f"/{SERVICE}/Slow")(b"", timeout=1)


def call_cancel(channel):
    call = channel.unary_unary(f"/{SERVICE}/Slow").future(b"", timeout=20)
    time.sleep(0.3)
    call.cancel()
    return {"code": call.code().name}


def call_retry(channel):
    method = channel.unary_unary(f"/{SERVICE}/UnavailableTwice")
    value, call = method.with_call(sys.argv[3].encode() + b"%d" % time.time_ns(), timeout=10)
    return outcome(call, value.decode())


def call_health(channel):
    value, call = channel.unary_unary("/grpc.health.v1.Health/Check").with_call(b"", timeout=10)
    return outcome(call, value.hex())


def call(target, case, authority=None):
    # Retries of the library's own would hide what Portunus does.
    options = [("grpc.enable_retries", 0), ("grpc.max_receive_message_length", -1)]
    if authority:
        with open(authority, "rb") as pem:
            credentials = grpc.ssl_channel_credentials(pem.read())
        options.append(("grpc.ssl_target_name_override", "shop.test"))
        channel = grpc.secure_channel(target, credentials, options)
    else:
        channel = grpc.insecure_channel(target, options)
    try:
        say(globals()[f"call_{case}"](channel))
    except grpc.RpcError as error:
        trailing = metadata(error.trailing_metadata())
        say({"code": error.code().name, "details": error.details(), "trailing": trailing})


if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
else:
    call(*sys.argv[2:])
