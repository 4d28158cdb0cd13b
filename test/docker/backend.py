"""A small real backend on SQLAlchemy's QueuePool, with the faults the tests need as switches.

GET  /metrics  the pool in Prometheus text        GET  /healthz  200 while the process serves
GET  /query?ms=  one statement of that length      POST /leak?n=  checks n connections out and keeps them
POST /release  gives them back                    POST /crash-on-next-start  the next start ends at once
POST /say?bytes=  logs one line of that length    POST /blab   logs its password and a statement, as many do

With CHECK_DATABASE_AT_START set it ends when its first connection is refused, and with LARGEST_POOL when its
pool is larger than that.
"""

import logging
import os
import pathlib
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

CRASH = pathlib.Path("/tmp/crash-on-next-start")

logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
log = logging.getLogger("backend")

time.sleep(float(os.environ.get("START_DELAY_SECONDS", "0")))
if CRASH.exists():
    log.error("cannot start: password=%s was refused", "hunter2-in-the-log")
    sys.exit(3)

if int(os.environ.get("DATABASE_POOL_SIZE", "5")) > int(os.environ.get("LARGEST_POOL", "1000")):
    log.error("cannot start: the pool is too large for %s", os.environ["DATABASE_URL"])
    sys.exit(3)

engine = create_engine(
    os.environ["DATABASE_URL"],
    pool_size=int(os.environ.get("DATABASE_POOL_SIZE", "5")),
    max_overflow=int(os.environ.get("DATABASE_MAX_OVERFLOW", "10")),
    pool_timeout=float(os.environ.get("DATABASE_POOL_TIMEOUT", "30")),
    connect_args={"application_name": "backend", "connect_timeout": 3},
)

if os.environ.get("CHECK_DATABASE_AT_START"):
    try:
        engine.connect().close()
    except OperationalError:
        log.exception("cannot start: no connection with %s", os.environ["DATABASE_URL"])
        sys.exit(3)

registry = CollectorRegistry()
for name, meaning, read in (
    ("size", "configured pool_size", lambda pool: pool.size()),
    ("max_overflow", "configured max_overflow", lambda pool: pool._max_overflow),
    ("checked_out", "connections in use", lambda pool: pool.checkedout()),
    ("checked_in", "connections at rest", lambda pool: pool.checkedin()),
    ("overflow", "QueuePool.overflow(), from -size to max_overflow", lambda pool: pool.overflow()),
):
    gauge = Gauge(f"sqlalchemy_pool_{name}", meaning, registry=registry)
    gauge.set_function(lambda read=read: read(engine.pool))
timeouts = Counter("sqlalchemy_pool_timeouts", "checkouts that waited in vain", registry=registry)

leaked = []
leaking = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlparse(self.path)
        match url.path:
            case "/metrics":
                self.answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
            case "/healthz":
                self.answer(200, b"ok\n")
            case "/query":
                self.guarded(lambda: self.query(int(parse_qs(url.query).get("ms", ["0"])[0])))
            case _:
                self.answer(404, b"no such page\n")

    def do_POST(self):
        url = urlparse(self.path)
        asked = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
        match url.path:
            case "/leak":
                self.guarded(lambda: self.leak(asked["n"]))
            case "/release":
                with leaking:
                    while leaked:
                        leaked.pop().close()
                self.answer(200, b"released\n")
            case "/crash-on-next-start":
                CRASH.touch()
                self.answer(200, b"noted\n")
            case "/say":
                log.info("connection %s end", "x" * asked["bytes"])
                self.answer(200, b"said\n")
            case "/blab":
                statement = "select * from accounts where owner = 'logged-literal'"
                log.error("no connection with %s for %s", os.environ["DATABASE_URL"], statement)
                self.answer(200, b"said\n")
            case _:
                self.answer(404, b"no such page\n")

    def query(self, milliseconds):
        with engine.connect() as connection:
            sleep = text("select 'done' from pg_sleep(:seconds)")
            return connection.execute(sleep, {"seconds": milliseconds / 1000}).scalar()

    def leak(self, count):
        for _ in range(count):
            connection = engine.connect()
            # SQLAlchemy has begun a transaction for it: the session stays idle in transaction.
            connection.execute(text("select 'leaked-literal'"))
            with leaking:
                leaked.append(connection)
        return str(len(leaked))

    def guarded(self, work):
        try:
            self.answer(200, work().encode() + b"\n")
        except PoolTimeout:
            timeouts.inc()
            log.exception("request failed")
            self.answer(503, b"the pool is empty\n")
        except OperationalError:
            log.exception("request failed")
            self.answer(503, b"the database refused\n")

    def answer(self, status, body, content_type="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
log.info("serving with %s", engine.pool.status())
ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
