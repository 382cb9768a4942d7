"""Many people sign up, every third with a photo, and sign in: ``python -m benchmarks.load [PEOPLE]``.

Against a real server on all its defaults but for the limits by source, as all come from here. A 503 is what a busy
server says to more than it can do: it is counted, and sent again after ``Retry-After``, a sign-up under its
``Idempotency-Key``.
"""

import asyncio
import statistics
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from io import BytesIO

import httpx
from PIL import Image

from benchmarks.servers import Server, crm_auth
from tests.support.database import data_folder, running_server
from tests.support.server import settings_on

PEOPLE = 100
AT_ONCE = 8
MOST_REPEATS = 20
PASSWORD = "tundra oboe lantern marzipan"
EXPECTED = {"sign-up": 201, "sign-up with photo": 201, "sign-in": 201, "profile": 200}
SIDES = ((320, 240), (800, 600), (1600, 1200), (3000, 2000))

Send = Callable[[], Awaitable[httpx.Response]]


class Tally:
    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    async def ask(self, name: str, send: Send) -> httpx.Response | None:
        """The last answer; its time has the waits for repeats in it, as a person finds it."""
        began = time.perf_counter()
        for _ in range(MOST_REPEATS):
            try:
                answer = await send()
            except httpx.TransportError as failure:
                self.errors[f"{name}: {type(failure).__name__}"] += 1
                return None
            self.statuses[f"{name} {answer.status_code}"] += 1
            if answer.status_code != 503:
                break
            await asyncio.sleep(int(answer.headers.get("retry-after", "1")))
        self.seconds[name].append(time.perf_counter() - began)
        if answer.status_code != EXPECTED[name]:
            self.errors[f"{name}: {answer.status_code} {answer.text[:100]}"] += 1
        return answer


def pictures() -> list[bytes]:
    """Noise over a gradient: JPEGs with as much detail as a camera's, of 20 kB to a few MB."""
    return [_jpeg(*side) for side in SIDES]


def _jpeg(width: int, height: int) -> bytes:
    gradient = Image.linear_gradient("L").resize((width, height))
    image = Image.blend(Image.effect_noise((width, height), 60), gradient, 0.6)
    file = BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=85)
    return file.getvalue()


async def person(http: httpx.AsyncClient, number: int, tally: Tally, photos: list[bytes]) -> None:
    name = f"person-{number}"
    fields = {"email": f"{name}@example.test", "username": name, "password": PASSWORD}
    key = {"Idempotency-Key": str(uuid.uuid4())}  # noqa: TID251 - a client's, which nothing sorts by
    if number % 3:
        await tally.ask("sign-up", lambda: http.post("/v1/users", json=fields, headers=key))
    else:
        file = {"photo": ("me.jpg", photos[number // 3 % len(photos)], "image/jpeg")}
        await tally.ask("sign-up with photo", lambda: http.post("/v1/users", data=fields, files=file, headers=key))
    body = {"identifier": name if number % 2 else fields["email"], "password": PASSWORD}
    answer = await tally.ask("sign-in", lambda: http.post("/v1/sessions", json=body))
    if answer is not None and answer.is_success:
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        await tally.ask("profile", lambda: http.get("/v1/users/me", headers=bearer))


async def load(server: Server, people: int) -> Tally:
    tally, photos, numbers = Tally(), pictures(), iter(range(people))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60, trust_env=False) as http:

        async def client() -> None:
            for number in numbers:
                await person(http, number, tally, photos)

        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return tally


def report(tally: Tally, took: float, people: int, server: Server) -> None:
    print(f"{people} people in {took:.1f} s, {people / took:.1f} a second, {AT_ONCE} at once")
    for name, seconds in tally.seconds.items():
        cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
        print(f"{name:18} {len(seconds):6}  p50 {cuts[49]:.3f}  p95 {cuts[94]:.3f}  p99 {cuts[98]:.3f}  s")
    print("statuses:", dict(sorted(tally.statuses.items())))
    print(f"server memory afterwards: {server.resident_mib:.0f} MiB")
    print(f"errors: {tally.errors.total()}", dict(tally.errors))


def main() -> int:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    with running_server() as database, data_folder() as folder:
        url = asyncio.run(database.create())
        settings = settings_on(url, rate_limits="off", hash_wait="1", data_dir=str(folder), log_level="warning")
        with crm_auth(settings) as server:
            began = time.perf_counter()
            tally = asyncio.run(load(server, people))
            report(tally, time.perf_counter() - began, people, server)
        asyncio.run(database.drop(url))
    return 1 if tally.errors else 0


if __name__ == "__main__":
    sys.exit(main())
