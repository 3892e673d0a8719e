#!/usr/bin/env python3
"""What flame graphs are worth and what they cost: natsight's native engine on three brokers under load.

    scripts/bench_profile.py    some 16 minutes; the same rows that scripts/bench prints

Each broker (2.15.1 with its symbols stripped, 2.10.26, Debian's 2.9.10 with cgo) gets two loads of examples/load.rs: half a core and more of
plain messages, and as much as it takes. CPU of the profiler is what the kernel says that the whole natsight process had, less that of
a capture of one second, over the time between; schedstat is read by natsight itself. Shared functions are those among the 20 with the most
cumulative CPU time both in natsight's profile and in the broker's own (prof_port) of the same seconds; kernel functions and runtime.goexit,
which the broker's own never has, are left out. Throughput is what the broker received, by turns with and without natsight at 99 Hz.
NATSIGHT_BIN and NATSIGHT_LOAD name binaries that are built already; brokers are found as scripts/tools leaves them.
"""

import contextlib
import http.client
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from bench_broker import built, script

VERSIONS = ["2.15.1", "2.10.26", "2.9.10"]
SECONDS = 10
LONG_SECONDS = 21
PAIRS = 30
PAIR_SECONDS = 6
# Of the normal distribution, which that of signed ranks is near from twenty pairs on.
Z_95 = 1.96
# KernelNames::UNUSED_MAX, and the sweep that looks for it.
NAMES_KEPT_SECONDS = 155
TOP = 20
BUSY = ["--publishers", "4", "--subjects", "4", "--size", "128", "--batch", "32", "--rate", "800000"]
FULL = ["--publishers", "4", "--subjects", "4", "--size", "16"]
CONFIGURATION = """
server_name: n1
listen: "127.0.0.1:{client}"
http: "127.0.0.1:{monitor}"
prof_port: {profiling}
max_pending: 256MB
"""


class Scene:
    """A broker of one version, and what to do with it."""

    def __init__(self, bench, natsight, load, folder):
        self.bench, self.natsight, self.load_binary, self.folder = bench, natsight, load, Path(folder)
        self.client, self.monitor, self.profiling = (bench.free_port() for _ in range(3))

    def is_up(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/varz", timeout=2).status == 200
        return False

    @contextlib.contextmanager
    def load(self, words, seconds):
        command = [self.load_binary, f"127.0.0.1:{self.client}", *words, "--for", str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            if process.stdout.readline() != "runs\n":
                raise self.bench.Failed("the load did not start")
            yield process
            # Its last line wants somebody who reads it.
            process.stdout.read()

    def received(self):
        """Messages that the broker got so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/varz", timeout=5) as answer:
            return json.loads(answer.read())["in_msgs"]

    def profile(self, seconds, rate, engine="native"):
        """The table of a capture with its story, and the CPU that all of natsight had, in seconds."""
        output = self.folder / f"{engine}-{threading.get_ident()}.top.json"
        command = [self.natsight, "profile", "cpu", f"http://127.0.0.1:{self.monitor}", "--engine", engine, "-d", f"{seconds}s",
                   "--rate", str(rate), "--profiling-url", f"http://127.0.0.1:{self.profiling}", "-o", output]
        process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise self.bench.Failed(f"natsight profile ended with {process.returncode}: {said}")
        return json.loads(output.read_text()), usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def broker(bench, natsight, load, version):
    program = bench.ROOT / ".natsight/tools" / f"nats-server-{version}" / "nats-server"
    if not program.exists():
        raise bench.Failed(f"{program.relative_to(bench.ROOT)} is not there; run scripts/tools")
    with tempfile.TemporaryDirectory(prefix="natsight-bench-") as folder:
        if version == "2.15.1":
            stripped = Path(folder) / "nats-server"
            shutil.copy(program, stripped)
            subprocess.run(["strip", "-s", stripped], check=True)
            program = stripped
        scene = Scene(bench, natsight, load, folder)
        configuration = Path(folder) / "nats.conf"
        configuration.write_text(
            CONFIGURATION.format(client=scene.client, monitor=scene.monitor, profiling=scene.profiling))
        with bench.child(program, "-c", configuration, "-l", Path(folder) / "nats.log"):
            deadline = time.monotonic() + bench.WAIT_SECONDS
            while not scene.is_up():
                if time.monotonic() > deadline:
                    raise bench.Failed("nats-server did not come up")
                time.sleep(0.05)
            yield scene


def stolen_seconds():
    """What the host kept of this machine's processors so far (proc_stat(5)). A timer of the kernel goes on meanwhile, the clock of a thread
    does not: samples see more than schedstat counts."""
    return int(Path("/proc/stat").read_text().split()[8]) / os.sysconf("SC_CLK_TCK")


def quality(scene, version):
    for name, words, rate in [("busy", BUSY, 99), ("busy", BUSY, 999), ("full", FULL, 999)]:
        with scene.load(words, SECONDS + 3):
            time.sleep(1.5)
            stolen = -stolen_seconds()
            about = scene.profile(SECONDS, rate)[0]["about"]
            stolen += stolen_seconds()
        frames, unnamed = about["frames"]
        sampled = about["samples"] / rate
        scene.bench.row(
            f"profile {version} {name} {rate}", whole_percent=f"{100 * about['whole'] / max(about['samples'], 1):.2f}",
            unnamed_percent=f"{100 * unnamed / max(frames, 1):.3f}", lost=about["lost"], samples=about["samples"],
            cores=f"{about['cpu_seconds'] / SECONDS:.2f}", stolen_seconds=f"{stolen:.2f}",
            sampled_percent=f"{100 * (sampled / about['cpu_seconds'] - 1):+.1f}",
            **{f"{key}_ms": f"{value * 1000:.1f}" for key, value in about["costs_seconds"].items()})


def overlap(scene, version):
    with scene.load(BUSY, SECONDS + 4):
        time.sleep(1.5)
        found = {}
        engines = [threading.Thread(target=lambda name=name: found.update({name: scene.profile(SECONDS, 99, name)[0]}))
                   for name in ["native", "port"]]
        for engine in engines:
            engine.start()
        for engine in engines:
            engine.join()
    tops = {}
    for name, table in found.items():
        functions = [row["function"] for row in table["functions"]]
        functions = [function for function in functions if not function.endswith("_[k]") and function != "runtime.goexit"]
        tops[name] = set(functions[:TOP])
    scene.bench.row(f"profile {version} top {TOP}", shared=len(tops["native"] & tops["port"]),
                    native_samples=found["native"]["about"]["samples"], own_samples=found["port"]["about"]["samples"])


def cost(scene, version):
    for rate in [99, 999]:
        with scene.load(BUSY, LONG_SECONDS + 6):
            time.sleep(1.5)
            short = scene.profile(1, rate)[1]
            long = scene.profile(LONG_SECONDS, rate)[1]
        percent = 100 * (long - short) / (LONG_SECONDS - 1)
        scene.bench.row(f"profile {version} cost {rate}", cpu_percent=f"{percent:.3f}", once_ms=f"{short * 1000:.0f}")


@contextlib.contextmanager
def sidecar(scene):
    """natsight beside the broker, settled, and its interface for captures."""
    token = scene.folder / "token"
    token.write_text("bench-token")
    configuration = scene.folder / "natsight.yml"
    public, admin = scene.bench.free_port(), scene.bench.free_port()
    configuration.write_text(
        f"listen: 127.0.0.1:{public}\nadmin_listen: 127.0.0.1:{admin}\nservers: [{{url: 'http://127.0.0.1:{scene.monitor}'}}]\n"
        f"profiles: {{token_file: {token}, dir: {scene.folder}/captures}}\n")
    with open(scene.folder / "natsight.log", "wb") as log, \
            scene.bench.child(scene.natsight, "serve", "--config", configuration, stdout=log, stderr=log) as process:
        sight = scene.bench.Natsight(process, public)
        sight.wait_ready()
        time.sleep(10)
        yield sight, Api(admin)


def captured(api, seconds, rate, look=None, every=0.05):
    """Its id. `look` is called while the capture runs; without it nobody asks before the time is over, since what a question costs
    would be counted as the capture's."""
    begun = api.ask("POST", "/api/v1/profiles", {"kind": "cpu", "seconds": seconds, "rate": rate})
    if look is None:
        time.sleep(seconds)
    while api.ask("GET", f"/api/v1/profiles/{begun['id']}")["state"] == "running":
        if look:
            look()
        time.sleep(every)
    return begun["id"]


def memory(scene, version):
    """Resident memory of a sidecar before, at most while it captures, at once afterwards and when the kernel's names are dropped as well;
    and how long a picture takes."""
    with scene.load(BUSY, SECONDS + 30), sidecar(scene) as (sight, api):
        before = sight.memory_mib("VmRSS")
        peaks, pictures = [], []
        for _ in range(2):
            seen = [before]
            which = captured(api, SECONDS // 2, 999, lambda: seen.append(sight.memory_mib("VmRSS")), 0.01)
            peaks.append(max(seen))
            started = time.monotonic()
            api.ask("GET", f"/api/v1/profiles/{which}/svg")
            pictures.append((time.monotonic() - started) * 1000)
        time.sleep(2)
        after = sight.memory_mib("VmRSS")
        time.sleep(NAMES_KEPT_SECONDS)
        scene.bench.row(
            f"profile {version} memory", before_mib=f"{before:.1f}", first_peak_mib=f"{peaks[0]:.1f}",
            second_peak_mib=f"{peaks[1]:.1f}", after_mib=f"{after:.1f}", later_mib=f"{sight.memory_mib('VmRSS'):.1f}",
            peak_ever_mib=f"{sight.memory_mib('VmHWM'):.1f}", svg_ms=f"{statistics.median(pictures):.0f}")


class Api:
    """Requests to the admin listener."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": "Bearer bench-token", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse().read()
        connection.close()
        with contextlib.suppress(ValueError):
            return json.loads(answer)
        return answer


def throughput(scene, version):
    """Messages a second under one load that goes on, by turns with a capture of a sidecar and without: what a machine does from minute
    to minute is in both. The sidecar has read the kernel's names before, as it has each ten minutes."""
    def pace(api):
        began, before = time.monotonic(), scene.received()
        if api:
            captured(api, PAIR_SECONDS, 99)
        else:
            time.sleep(PAIR_SECONDS)
        return (scene.received() - before) / (time.monotonic() - began)

    changes = []
    with scene.load(FULL, (PAIRS + 1) * (2 * PAIR_SECONDS + 1) + 20), sidecar(scene) as (_, api):
        captured(api, 1, 99)
        for pair in range(PAIRS):
            # Which goes first changes, so that a machine that gets slower favours neither.
            turns = [None, api] if pair % 2 == 0 else [api, None]
            result = {turn is api: pace(turn) for turn in turns}
            changes.append(100 * (result[True] / result[False] - 1))
    median, low, high = interval(changes)
    scene.bench.row(f"profile {version} throughput", median_percent=f"{median:+.2f}", low=f"{low:+.2f}", high=f"{high:+.2f}", pairs=PAIRS)


def interval(changes):
    """The middle of the means of all two (Hodges and Lehmann), and its 95 % interval by Wilcoxon's signed ranks. A pair in which a
    neighbour of the machine took a third of it counts for its rank and no more."""
    count = len(changes)
    means = sorted((one + other) / 2 for at, one in enumerate(changes) for other in changes[at:])
    rank = round(len(means) / 2 - Z_95 * math.sqrt(count * (count + 1) * (2 * count + 1) / 24))
    return statistics.median(means), means[rank], means[-1 - rank]


def profile_rows(natsight, bench):
    load = built(bench, "examples/load", "NATSIGHT_LOAD", "--example", "load")
    for version in VERSIONS:
        with broker(bench, natsight, load, version) as scene:
            quality(scene, version)
            overlap(scene, version)
            if version == VERSIONS[0]:
                cost(scene, version)
                memory(scene, version)
                throughput(scene, version)


def main():
    bench = script("bench")
    try:
        profile_rows(bench.built_natsight(), bench)
    except (bench.Failed, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
