#!/usr/bin/env python3
"""What natsight costs a real broker that is as large as benches/corpora/M, and its users.

    scripts/bench_broker.py    some 25 minutes, 2.5 GiB of memory; the same rows that scripts/bench prints

nats-server with 10,000 clients, 1,000 memory streams and 10,000 consumers (examples/crowd.rs), by turns alone and with natsight at
its defaults beside it, which is scraped each 15 s with gzip. CPU is what the kernel says that all threads had, in percent of one core.
NATSIGHT_BIN and NATSIGHT_CROWD name binaries that are built already; nats-server is found as scripts/quickstart finds it.
"""

import contextlib
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path

# Before each asking, alone or not, so that natsight has found its intervals.
SETTLE_SECONDS = 30
# Go collects at least each two minutes (runtime: forcegcperiod), which costs a broker of this size a second of CPU or more. A
# window of that length that begins in the middle between two collections holds one, alone or not.
CPU_SECONDS = 120
COLLECTED_SECONDS = CPU_SECONDS / 2
CPU_TURNS = 2
ASK_SECONDS = 20
ASK_TURNS = 4
ASK_RATE = 1000
SCRAPE_SECONDS = 15
SCRAPES = 20
SCRAPES_APART_SECONDS = 0.5
QUIET_SECONDS = 5
LOAD = []  # more words for `crowd load`; none is body M
FLAGS = []  # more flags of natsight; none is its defaults
CONFIGURATION = """
server_name: crowd
listen: "127.0.0.1:{client}"
http: "127.0.0.1:{monitor}"
max_connections: 20000
jetstream {{ store_dir: "{folder}/jetstream", max_memory_store: 4G }}
"""


def script(name):
    """A script of this folder, as a module."""
    path = Path(__file__).resolve().parent / name
    loader = SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def built(bench, name, variable, *flags):
    """Path of a release binary, built now unless the environment names it."""
    if path := os.environ.get(variable):
        return Path(path).absolute()
    if subprocess.run(["cargo", "build", "--release", *flags], cwd=bench.ROOT, check=False).returncode:
        raise bench.Failed("cargo build failed")
    return Path(os.environ.get("CARGO_TARGET_DIR", bench.ROOT / "target")).absolute() / "release" / name


def nats_server(bench):
    quickstart = script("quickstart")
    try:
        return quickstart.nats_server()
    except quickstart.Failed as error:
        raise bench.Failed(str(error)) from None


class Crowd:
    """A broker with its crowd: `port` and `pid` are those of the broker."""

    def __init__(self, bench, process, monitor, url, binary):
        # CPU, memory and an HTTP port: what is measured of natsight is measured of the broker alike.
        self.seen = bench.Natsight(process, monitor)
        self.process, self.bench, self.url, self.binary = process, bench, url, binary
        self.monitor_url = f"http://127.0.0.1:{monitor}"

    def varz(self):
        return json.loads(self.seen.get("/varz", gzip=False)[1])

    def requests(self):
        """Requests that the monitoring port has counted, this one as well."""
        return sum(self.varz()["http_req_stats"].values())

    def collections(self):
        """Cycles of the broker's garbage collector so far."""
        return json.loads(self.seen.get("/debug/vars", gzip=False)[1])["memstats"]["NumGC"]

    def wait_up(self):
        deadline = time.monotonic() + self.bench.WAIT_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self.seen.get("/healthz", gzip=False)[0] == 200:
                    return
            time.sleep(0.05)
        raise self.bench.Failed("nats-server did not come up")


@contextlib.contextmanager
def crowded(bench):
    """A broker with all its clients, streams and consumers."""
    binary, server = built(bench, "examples/crowd", "NATSIGHT_CROWD", "--example", "crowd"), nats_server(bench)
    # One file for each client, in the crowd and in the broker.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="natsight-bench-") as folder, contextlib.ExitStack() as stack:
        client, monitor = bench.free_port(), bench.free_port()
        configuration = Path(folder) / "nats.conf"
        configuration.write_text(CONFIGURATION.format(client=client, monitor=monitor, folder=folder))
        process = stack.enter_context(bench.child(server, "-c", configuration, "-l", Path(folder) / "nats.log"))
        crowd = Crowd(bench, process, monitor, f"nats://127.0.0.1:{client}", binary)
        crowd.wait_up()
        load = stack.enter_context(
            bench.child(binary, "load", crowd.url, *LOAD, stdout=subprocess.PIPE, text=True))
        line = load.stdout.readline()
        if not line:
            raise bench.Failed("crowd load failed")
        bench.row("broker", version=crowd.varz()["version"], **json.loads(line),
                  rss_mib=f"{crowd.seen.memory_mib('VmRSS'):.0f}")
        yield crowd
        if load.poll() is not None:
            raise bench.Failed("the crowd did not last; these figures are of a smaller broker")


@contextlib.contextmanager
def watched(natsight, crowd, flags=()):
    """natsight beside the broker."""
    bench = crowd.bench
    with tempfile.TemporaryFile() as log:
        port = bench.free_port()
        with bench.child(natsight, "serve", crowd.monitor_url, f"--listen=127.0.0.1:{port}",
                         f"--admin-listen=127.0.0.1:{bench.free_port()}", *flags, stdout=log, stderr=log) as process:
            sight = bench.Natsight(process, port)
            sight.wait_ready()
            yield sight


def scrape(sight, bench):
    status = sight.get("/metrics")[0]
    if status != 200:
        raise bench.Failed(f"natsight answered a scrape with status {status}")


def let_pass(seconds, sight, bench):
    """Waits, with the scrapes that Prometheus would do if natsight is there."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if sight:
            scrape(sight, bench)
            left = min(SCRAPE_SECONDS, max(0, end - time.monotonic()))
        time.sleep(left)


def cpu_percent(seconds, sight, crowd):
    """CPU of the broker, and of natsight where it is, while so much time passes."""
    looks = [crowd.seen] + ([sight] if sight else [])
    began, before = time.monotonic(), [look.cpu_ms() for look in looks]
    let_pass(seconds, sight, crowd.bench)
    after, lasted = [look.cpu_ms() for look in looks], time.monotonic() - began
    return [(end - start) / lasted / 10 for start, end in zip(before, after)]


def alternating(turns, natsight, crowd, settle):
    """Alone, watched, alone, watched, ...: yields None or natsight, settled."""
    for _ in range(turns):
        settle(None, crowd)
        yield None
        with watched(natsight, crowd, FLAGS) as sight:
            settle(sight, crowd)
            yield sight


def settled(sight, crowd):
    let_pass(SETTLE_SECONDS, sight, crowd.bench)


def between_collections(sight, crowd):
    """Waits for the broker's garbage collector, and then so long that its next cycle is in the middle of a window."""
    before, deadline = crowd.collections(), time.monotonic() + 2 * CPU_SECONDS
    while crowd.collections() == before:
        if time.monotonic() > deadline:
            raise crowd.bench.Failed("the broker's garbage collector does not run each two minutes")
        time.sleep(1)
    let_pass(COLLECTED_SECONDS, sight, crowd.bench)


def left_out(page):
    """Entities that natsight read and does not show; beside so many consumers, its defaults leave out most of them."""
    lines = (line for line in page.decode().splitlines() if line.startswith("nats_collector_left_out{"))
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def cpu(natsight, crowd):
    """CPU of the broker without and with natsight."""
    row, broker = crowd.bench.row, []
    for sight in alternating(CPU_TURNS, natsight, crowd, between_collections):
        collections, requests = crowd.collections(), crowd.requests()
        percent, *own = cpu_percent(CPU_SECONDS, sight, crowd)
        requests, collections = crowd.requests() - requests - 1, crowd.collections() - collections
        broker.append(percent)
        figures = {"percent": f"{percent:.3f}", "broker_gc": collections, "requests": requests}
        if sight:
            figures |= {"natsight_percent": f"{own[0]:.3f}", "natsight_peak_mib": f"{sight.memory_mib('VmHWM'):.1f}"}
            # A plain page only now: none of the scrapes was one, so the peak is without it.
            (series, size), page = sight.series(), sight.get("/metrics", gzip=False)[1]
            figures |= {"series": series, "page_kb": f"{size / 1000:.0f}", "left_out": left_out(page)}
        row(f"broker cpu, {'watched' if sight else 'alone'}", **figures)
    # Each with its neighbours in time, so that a drift of the machine cancels out.
    differences = [(after - before) * (1 if place % 2 == 0 else -1)
                   for place, (before, after) in enumerate(zip(broker, broker[1:]))]
    row("broker cpu, difference", median_percent=f"{statistics.median(differences):.3f}",
        percent=" ".join(f"{difference:.3f}" for difference in differences))


def ask(natsight, crowd):
    """Request-reply of two more users, without and with natsight."""
    bench, p99s = crowd.bench, {"alone": [], "watched": []}
    for sight in alternating(ASK_TURNS, natsight, crowd, settled):
        kind, collections = "watched" if sight else "alone", crowd.collections()
        with bench.child(crowd.binary, "ask", crowd.url, "--rate", ASK_RATE, "--seconds", ASK_SECONDS,
                         stdout=subprocess.PIPE, text=True) as asking:
            let_pass(ASK_SECONDS, sight, bench)
            line = asking.communicate(timeout=bench.WAIT_SECONDS)[0]
        if asking.returncode:
            raise bench.Failed("crowd ask failed")
        figures = json.loads(line)
        p99s[kind].append(figures["p99"])
        bench.row(f"ask, {kind}", **figures, broker_gc=crowd.collections() - collections)
    bench.row("ask, p99 us", **{kind: " ".join(str(p99) for p99 in values) for kind, values in p99s.items()},
              **{f"{kind}_median": f"{statistics.median(values):.0f}" for kind, values in p99s.items()})


def scrapes(natsight, crowd):
    """Requests that scrapes cause at the broker, when natsight does not poll meanwhile."""
    bench = crowd.bench
    with watched(natsight, crowd, bench.NEVER) as sight:
        deadline, before = time.monotonic() + bench.WAIT_SECONDS, crowd.requests()
        while True:
            time.sleep(QUIET_SECONDS)
            last, before = before, crowd.requests()
            if before - last == 1:
                break
            if time.monotonic() > deadline:
                raise bench.Failed("natsight did not stop polling, so scrapes cannot be told from polls")
        for _ in range(SCRAPES):
            scrape(sight, bench)
            time.sleep(SCRAPES_APART_SECONDS)
        caused = crowd.requests() - before - 1
    bench.row("scrapes", scrapes=SCRAPES, broker_requests_per_scrape=f"{caused / SCRAPES:g}")


def broker_rows(tools, bench):
    """All rows, beside one broker; `tools` begins with natsight, `bench` is scripts/bench as a module."""
    natsight = tools[0]
    with crowded(bench) as crowd:
        for rows in (scrapes, cpu, ask):
            rows(natsight, crowd)


def main():
    bench = script("bench")
    try:
        broker_rows([built(bench, "natsight", "NATSIGHT_BIN", "--bin", "natsight")], bench)
    except (bench.Failed, OSError) as error:
        print(f"bench_broker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
