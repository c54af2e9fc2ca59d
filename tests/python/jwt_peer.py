"""Two other implementations of JSON Web Tokens.

`make` prints, for each of them, a set of keys, and the private key and a token of each algorithm, as one line of JSON.
`check` reads lines `{"key": <jwk>, "algorithm": <name>, "token": <token>}`, checks each token with both and prints the
subject that both agree on.
"""

import json
import sys
import time

import jwt as pyjwt
from jwcrypto import jwk, jwt

KEYS = {
    "rsa": {"kty": "RSA", "size": 2048},
    "p256": {"kty": "EC", "crv": "P-256"},
    "p384": {"kty": "EC", "crv": "P-384"},
    "p521": {"kty": "EC", "crv": "P-521"},
    "ed25519": {"kty": "OKP", "crv": "Ed25519"},
    "oct": {"kty": "oct", "size": 512},
}

ALGORITHMS = {
    "HS256": "oct", "HS384": "oct", "HS512": "oct",
    "RS256": "rsa", "RS384": "rsa", "RS512": "rsa",
    "PS256": "rsa", "PS384": "rsa", "PS512": "rsa",
    "ES256": "p256", "ES384": "p384", "ES512": "p521",
    "EdDSA": "ed25519",
}


def with_pyjwt(key, algorithm, claims):
    signer = pyjwt.PyJWK(json.loads(key.export(private_key=True)), algorithm=algorithm)
    return pyjwt.encode(claims, signer.key, algorithm=algorithm, headers={"kid": key.key_id})


def with_jwcrypto(key, algorithm, claims):
    token = jwt.JWT(header={"alg": algorithm, "kid": key.key_id}, claims=claims, algs=[algorithm])
    token.make_signed_token(key)
    return token.serialize()


def make():
    claims = {"sub": "alice", "aud": "shop", "exp": int(time.time()) + 3600}
    for maker in (with_pyjwt, with_jwcrypto):
        keys = {name: jwk.JWK.generate(kid=name, **kind) for name, kind in KEYS.items()}
        tokens = {name: maker(keys[key], name, claims) for name, key in ALGORITHMS.items()}
        public = [json.loads(key.export(private_key=name == "oct")) for name, key in keys.items()]
        private = {name: json.loads(keys[key].export()) for name, key in ALGORITHMS.items()}
        made = {"maker": maker.__name__, "keys": public, "private": private, "tokens": tokens}
        print(json.dumps(made), flush=True)


def check():
    for line in sys.stdin:
        asked = json.loads(line)
        algorithm = asked["algorithm"]
        key = jwk.JWK(**asked["key"])
        public = json.loads(key.export(private_key=algorithm.startswith("HS")))
        verifier = pyjwt.PyJWK(public, algorithm=algorithm)
        first = pyjwt.decode(asked["token"], verifier.key, [algorithm], audience="shop")
        second = jwt.JWT(jwt=asked["token"], key=key, algs=[algorithm])
        assert first == json.loads(second.claims)
        print(json.dumps({"sub": first["sub"]}), flush=True)


{"make": make, "check": check}[sys.argv[1]]()
