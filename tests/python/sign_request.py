"""A client that signs its requests (RFC 9421) with a library that is not ours.

sign_request.py ADDRESS ALGORITHM KEY_ID KEY CASE

KEY is a secret, or a private key in PEM. CASE says what is sent: `get`, `post`, and a `post` whose body is
`changed` after it was signed. Prints one line of JSON: the status and the body of the answer.
"""

import http.client
import json
import sys
from datetime import datetime, timedelta, timezone

from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, key):
        self.key = key.encode()

    def resolve_private_key(self, key_id):
        return self.key

    def resolve_public_key(self, key_id):
        return self.key


class Request:
    def __init__(self, method, address, body):
        self.method = method
        self.url = f"http://{address}/orders/7?state=open&note=a%20b"
        self.headers = {"Host": address, "Date": "Tue, 20 Apr 2021 02:07:55 GMT"}
        self.body = body


COVERED = {
    "get": ("@method", "@authority", "@path", "@query", "date"),
    "post": ("@method", "@target-uri", '"@query-param";name="note"'),
}


def main(address, algorithm, key_id, key, case):
    body = None if case == "get" else b'{"hello": "world"}'
    request = Request("GET" if case == "get" else "POST", address, body)
    signer = HTTPMessageSigner(
        signature_algorithm=getattr(algorithms, algorithm), key_resolver=Keys(key)
    )
    now = datetime.now(timezone.utc)
    signer.sign(
        request,
        key_id=key_id,
        created=now,
        expires=now + timedelta(minutes=1),
        nonce=f"{key_id} {case}",
        covered_component_ids=COVERED["get" if case == "get" else "post"],
        **({"body": body} if body else {}),
    )
    if case == "changed":
        body = body.replace(b"world", b"w0rld")
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request(request.method, "/orders/7?state=open&note=a%20b", body, request.headers)
    answer = connection.getresponse()
    print(json.dumps({"status": answer.status, "body": answer.read().decode()}), flush=True)


main(*sys.argv[1:])
