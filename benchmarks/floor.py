"""The floor: a bare ASGI application that does only what a journey cannot do without.

Own profile is one verification and the same select; refresh is the same update and one signature. No framework, no
checks, no ids, no log. Served by the same uvicorn, on the same kind of pool, with the same PyJWT.
"""

import hashlib
import json
import os
import secrets
import time
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec

from infrastructure.ids import new_id
from infrastructure.postgres.sessions import LIVE, REFRESH

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = KEY.public_key()
JSON = [(b"content-type", b"application/json")]


class Floor:
    pool: "asyncpg.Pool[asyncpg.Record]"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
            return
        body = await getattr(self, scope["path"].strip("/"))(scope, receive)
        await send({"type": "http.response.start", "status": 200, "headers": JSON})
        await send({"type": "http.response.body", "body": body})

    async def lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        self.pool = await asyncpg.create_pool(os.environ["FLOOR_DATABASE_URL"], min_size=1, max_size=10, reset=_nothing)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def ready(self, scope: Any, receive: Any) -> bytes:
        return b"{}"

    async def mint(self, scope: Any, receive: Any) -> bytes:
        user_id, session_id = scope["query_string"].decode().split(",")
        return _token(user_id, session_id).encode()

    async def profile(self, scope: Any, receive: Any) -> bytes:
        token = next(value for name, value in scope["headers"] if name == b"authorization")[7:]
        claims = jwt.decode(token, PUBLIC_KEY, algorithms=["ES256"], audience="floor", issuer="floor")
        row = await self.pool.fetchrow(LIVE, UUID(claims["sid"]), UUID(claims["sub"]))
        return json.dumps({"id": str(row["user_id"]), "email": row["email"], "username": row["username"]}).encode()

    async def refresh(self, scope: Any, receive: Any) -> bytes:
        given = json.loads((await receive())["body"])["refresh_token"]
        session_id, generation, secret = given.split(".")
        successor = secrets.token_bytes(32)
        digests = (hashlib.sha256(bytes.fromhex(secret)).digest(), hashlib.sha256(successor).digest())
        origin = (new_id(), None, None, None, [])
        row = await self.pool.fetchrow(REFRESH, UUID(session_id), int(generation), *digests, successor, *origin)
        access_token = _token(str(row["user_id"]), session_id)
        token = f"{session_id}.{row['generation']}.{row['refresh_sealed'].hex()}"
        return json.dumps({"access_token": access_token, "refresh_token": token}).encode()


async def _nothing(_: object) -> None:
    pass


def _token(user_id: str, session_id: str) -> str:
    now = int(time.time())
    claims = {"sub": user_id, "sid": session_id, "iss": "floor", "aud": "floor", "iat": now, "exp": now + 300}
    return jwt.encode(claims, KEY, algorithm="ES256", headers={"typ": "at+jwt"})


if __name__ == "__main__":
    uvicorn.run(Floor(), port=int(os.environ["FLOOR_PORT"]), access_log=False, log_level="warning")
