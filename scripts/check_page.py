#!/usr/bin/env python3
"""Compares natsight's page with what the broker itself says, read independently.

    scripts/check_page.py [--still] BROKER_URL NATSIGHT_URL

Reads varz, connz, jsz, healthz and /debug/vars from the broker and the page from natsight, with
nothing of natsight's own code. Counters are bracketed: the broker is read, then every collector
must have polled since, then the page is read, then the broker again; each counter of the page must
lie between the two. Gauges must be equal in a round in which the broker's value stood still; with
`--still` (no traffic) each of them must have stood still. Prints every difference; exit code 1
if there is one, or if too little was found to compare.
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from fractions import Fraction

FACT, TIME, COUNTER, GAUGE, NEAR = "fact", "time", "counter", "gauge", "near"
# Swings within milliseconds, so two equal looks say nothing of the time between: compared with `--still` only.
SWINGING = "swinging"
NANO = Fraction(1, 10**9)

# What is compared: (path in the JSON, metric, kind of comparison, factor). A trailing `?` marks a
# name that product.md does not bind: compared where the page has it, else only mentioned.
# A path that the broker's answer lacks is not compared.
VARZ = [
    ("start", "nats_server_start_time_seconds", TIME, 1),
    ("gomaxprocs", "nats_server_gomaxprocs", FACT, 1),
    ("max_connections", "nats_server_max_connections", FACT, 1),
    ("max_payload", "nats_server_max_payload_bytes", FACT, 1),
    ("max_pending", "nats_server_max_pending_bytes", FACT, 1),
    ("max_control_line", "nats_server_max_control_line_bytes", FACT, 1),
    ("ping_interval", "nats_server_ping_interval_seconds", FACT, NANO),
    ("ping_max", "nats_server_ping_max", FACT, 1),
    ("jetstream.config.max_memory", "nats_jetstream_memory_limit_bytes", FACT, 1),
    ("jetstream.config.max_storage", "nats_jetstream_storage_limit_bytes", FACT, 1),
    ("connections", "nats_server_connections", GAUGE, 1),
    ("subscriptions", "nats_server_subscriptions", GAUGE, 1),
    ("routes", "nats_server_routes", GAUGE, 1),
    ("leafnodes", "nats_server_leafnodes", GAUGE, 1),
    ("mem", "nats_server_memory_bytes", NEAR, 1),
    ("total_connections", "nats_server_connections_opened_total", COUNTER, 1),
    ("in_msgs", "nats_server_in_messages_total", COUNTER, 1),
    ("out_msgs", "nats_server_out_messages_total", COUNTER, 1),
    ("in_bytes", "nats_server_in_bytes_total", COUNTER, 1),
    ("out_bytes", "nats_server_out_bytes_total", COUNTER, 1),
    ("slow_consumers", "nats_server_slow_consumer_events_total", COUNTER, 1),
    ("stalled_clients", "nats_server_stalled_clients_total", COUNTER, 1),
    ("jetstream.stats.memory", "nats_jetstream_memory_used_bytes", GAUGE, 1),
    ("jetstream.stats.storage", "nats_jetstream_storage_used_bytes", GAUGE, 1),
    ("jetstream.stats.api.total", "nats_jetstream_api_requests_total", COUNTER, 1),
    ("jetstream.stats.api.errors", "nats_jetstream_api_errors_total", COUNTER, 1),
]
MEMSTATS = [
    ("HeapInuse", "nats_go_memstats_heap_inuse_bytes", NEAR, 1),
    ("HeapSys", "nats_go_memstats_heap_sys_bytes", NEAR, 1),
    ("Mallocs", "nats_go_memstats_mallocs_total", COUNTER, 1),
    ("Frees", "nats_go_memstats_frees_total", COUNTER, 1),
    ("NumGC", "nats_go_gc_cycles_total", COUNTER, 1),
    ("PauseTotalNs", "nats_go_gc_pause_seconds_total", COUNTER, NANO),
]
STREAM = [
    ("state.messages", "nats_stream_messages", GAUGE, 1),
    ("state.bytes", "nats_stream_bytes", GAUGE, 1),
    ("state.first_seq", "nats_stream_first_sequence", COUNTER, 1),
    ("state.last_seq", "nats_stream_last_sequence", COUNTER, 1),
]
CONSUMER = [
    ("num_pending", "nats_consumer_pending_messages", SWINGING, 1),
    ("num_ack_pending", "nats_consumer_ack_pending_messages", SWINGING, 1),
    ("delivered.consumer_seq", "nats_consumer_delivered_sequence", COUNTER, 1),
    ("delivered.stream_seq", "nats_consumer_delivered_stream_sequence", COUNTER, 1),
    ("ack_floor.consumer_seq", "nats_consumer_ack_floor_sequence", COUNTER, 1),
    ("ack_floor.stream_seq", "nats_consumer_ack_floor_stream_sequence", COUNTER, 1),
    ("num_redelivered", "nats_consumer_redelivered_messages", SWINGING, 1),
    ("num_waiting", "nats_consumer_waiting_pulls", SWINGING, 1),
]
# Copies under the common names, which must equal their twins on the same page.
TWINS = [("go_memstats_heap_inuse_bytes", "nats_go_memstats_heap_inuse_bytes")]

# Paths that every version counts.
HTTP_PATHS = ["/", "/varz", "/connz", "/routez", "/gatewayz", "/leafz", "/subsz", "/accountz",
              "/accstatz", "/jsz", "/healthz"]

COMPARED_MIN = 50
ROUNDS_MIN, ROUNDS_MAX = 2, 8
# Collectors slower than this (configuration, full health check) are not waited for.
SLOW_SECONDS = 30
HTTP_SECONDS = 10
# `mem` and the heap breathe between two looks.
NEAR_FACTOR = 2
TIME_TOLERANCE = Fraction(1, 1000)
# Seconds made from nanoseconds are written as floats.
FLOAT_TOLERANCE = Fraction(1, 10**12)


class Trouble(Exception):
    pass


def get(url, accept="*/*"):
    """Body, or None for 404."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with opener.open(request, timeout=HTTP_SECONDS) as answer:
            return answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise Trouble(f"{url}: status {error.code}") from None
    except OSError as error:
        raise Trouble(f"{url}: {error}; is it up?") from None


# --- The page


NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
LINE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)$")
ESCAPE = re.compile(r'\\(["\\n])')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def page_labels(text):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or match[1] in labels:
            raise Trouble(f"labels {{{text}}} cannot be read")
        labels[match[1]] = ESCAPE.sub(lambda m: "\n" if m[1] == "n" else m[1], match[2])
        at = match.end()
    return labels


def page_value(text):
    if text in ("NaN", "+Inf", "-Inf"):
        return float(text)
    try:
        return Fraction(Decimal(text))
    except InvalidOperation:
        raise Trouble(f"{text} is no number") from None


def read_page(text):
    """{name: [(labels, value)]} of text format 0.0.4, strictly: typed, grouped, no duplicates."""
    samples, kinds, seen, family = {}, {}, set(), None
    if not text.endswith("\n"):
        raise Trouble("the page does not end with a newline")
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            _, word, name, rest = line.split(" ", 3)
            if name != family and name in seen:
                raise Trouble(f"family {name} is in two places")
            family = name
            seen.add(name)
            if word == "TYPE":
                kinds[name] = rest
        elif line and not line.startswith("#"):
            match = LINE.match(line)
            if not match:
                raise Trouble(f"line {line!r} cannot be read")
            name = match[1]
            ours = [family + end for end in SUFFIXES.get(kinds.get(family), ("",))] if family else []
            if name not in ours or family not in kinds:
                raise Trouble(f"sample {name} stands under family {family}")
            key = (name, frozenset(page_labels(match[2] or "").items()))
            if key in seen:
                raise Trouble(f"{line!r} is there twice")
            seen.add(key)
            samples.setdefault(name, []).append((dict(key[1]), page_value(match[3])))
    return samples


def fitting(page, metric, labels):
    return [
        (found, value)
        for found, value in page.get(metric, [])
        if all(found.get(key) == wanted for key, wanted in labels.items())
    ]


def p95(page, handler, code="200"):
    """Upper bound of the 95th percentile of the broker's answers, interpolated as Prometheus does."""
    labels = {"handler": handler, "code": code}
    buckets = sorted(
        (float(found["le"]), float(value))
        for found, value in fitting(page, "http_request_duration_seconds_bucket", labels)
    )
    if not buckets or not buckets[-1][1]:
        return None
    rank, low, below = 0.95 * buckets[-1][1], 0.0, 0.0
    for high, count in buckets:
        if count >= rank:
            return low if high == float("inf") else low + (high - low) * (rank - below) / (count - below)
        low, below = high, count
    return None


# --- The broker


def dig(value, path):
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def seconds(rfc3339):
    """Exact seconds since 1970 of a Go time, whose nanoseconds a datetime cannot hold."""
    whole, _, fraction = rfc3339.removesuffix("Z").partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return Fraction(int(moment.timestamp())) + Fraction(int(fraction or 0), 10 ** len(fraction))


def healthy(broker):
    try:
        return json.loads(get(broker + "/healthz")).get("status") == "ok"
    except Trouble:
        return False  # Its status is 503 then.


class Expected:
    """What one look at the broker says should be on the page: {(metric, labels): (value, kind)}."""

    def __init__(self, broker):
        self.broker = broker
        self.values = {}
        varz = self.json("/varz")
        self.name = varz["server_name"]
        self.clustered = "name" in varz.get("cluster", {})
        self.rows(VARZ, varz, {})
        # The broker leaves out what it has not served yet.
        served = {path: 0 for path in HTTP_PATHS} | varz.get("http_req_stats", {})
        for path, count in served.items():
            self.add("nats_server_http_requests_total", {"path": path}, count, COUNTER)
        self.varz_requests = varz.get("http_req_stats", {}).get("/varz", 0)
        info = {"version": varz["version"], "server_id": varz["server_id"]}
        self.add("nats_server_info", info, 1, FACT)
        self.connections()
        self.jetstream()
        memstats = self.json("/debug/vars", missing={}).get("memstats", {})
        self.rows(MEMSTATS, memstats, {})
        self.has_memstats = bool(memstats)
        self.healthy = healthy(broker)
        self.read_at = time.time()

    def json(self, path, missing=None):
        body = get(self.broker + path)
        if body is None and missing is None:
            raise Trouble(f"{self.broker}{path}: status 404")
        return missing if body is None else json.loads(body)

    def add(self, metric, labels, value, kind):
        # Cluster and server labels are on every series, so only the server's name is asked for.
        key = (metric, tuple(sorted({**labels, "server_name": self.name}.items())))
        self.values[key] = (Fraction(value), kind)

    def rows(self, table, value, labels):
        for path, metric, kind, factor in table:
            found = dig(value, path)
            if found is not None:
                exact = seconds(found) if kind == TIME else found * Fraction(factor)
                self.add(metric, labels, exact, kind)

    def connections(self):
        connz = self.json("/connz?limit=1000000000")
        pending = [one["pending_bytes"] for one in connz["connections"] or []]
        self.add("nats_connections_pending_bytes_count", {}, len(pending), GAUGE)
        self.add("nats_connections_pending_bytes_sum", {}, sum(pending), SWINGING)

    def jetstream(self):
        for account in self.json("/jsz?consumers=1&config=1").get("account_details") or []:
            for stream in account.get("stream_detail") or []:
                labels = {"account": account["name"], "stream": stream["name"]}
                if self.leads(stream):
                    self.add("nats_stream_has_leader", labels, 1, GAUGE)
                    self.rows(STREAM, stream, labels)
                for consumer in stream.get("consumer_detail") or []:
                    durable = dig(consumer, "config.durable_name")
                    if durable and self.leads(consumer):
                        self.rows(CONSUMER, consumer, {**labels, "consumer": consumer["name"]})

    def leads(self, thing):
        """Alone, an old broker names no leader; in a cluster none named is a group without one."""
        cluster = thing.get("cluster") or {}
        return cluster.get("leader", None if self.clustered else self.name) == self.name


# --- The comparison


class Check:
    def __init__(self, still):
        self.still = still
        self.differences = []
        self.good, self.moving, self.mentioned = set(), set(), set()

    def differ(self, text):
        if text not in self.differences:
            self.differences.append(text)

    def round(self, before, page, after):
        """One look; gauges that could not be settled stay in `moving`."""
        for key, (low, kind) in before.values.items():
            if key not in after.values:
                continue  # Deleted in between.
            high = after.values[key][0]
            self.one(key, kind, low, high, page)
        self.surplus(before, after, page)
        self.own(before, after, page)

    def one(self, key, kind, low, high, page):
        metric, labels = key
        name = metric.removesuffix("?")
        series = name + "{" + ",".join(f'{k}="{v}"' for k, v in labels) + "}"
        found = fitting(page, name, dict(labels))
        if not found and metric.endswith("?"):
            self.mentioned.add(f"{name} is not on the page, and no document binds the name")
            return
        if len(found) != 1:
            self.differ(f"{series}: {len(found)} series on the page, the broker has one")
            return
        value = found[0][1]
        shown = f"{series}: the page says {float(value)!r}, the broker {float(low)!r}"
        shown += "" if low == high else f" to {float(high)!r}"
        if not isinstance(value, Fraction):
            self.differ(shown)
        elif kind == SWINGING and not self.still:
            return
        elif kind in (GAUGE, SWINGING):
            self.gauge(key, low == high, value == low, shown)
        elif self.fits(kind, low, value, high):
            self.good.add(key)
        else:
            self.differ(shown)

    @staticmethod
    def fits(kind, low, value, high):
        slack = FLOAT_TOLERANCE * abs(high)
        match kind:
            case "fact":
                return abs(value - low) <= slack
            case "time":
                return abs(value - low) <= TIME_TOLERANCE
            case "counter":
                return low - slack <= value <= high + slack
        return min(low, high) / NEAR_FACTOR <= value <= max(low, high) * NEAR_FACTOR

    def gauge(self, key, stood_still, equal, shown):
        """It may have moved and come back between two looks, so one good round settles it."""
        if stood_still and equal:
            self.good.add(key)
        else:
            self.moving.add((key, stood_still, shown))

    def surplus(self, before, after, page):
        """Nothing on the page that the broker does not have."""
        wanted, names = set(), set()
        for metric, labels in [*before.values, *after.values]:
            wanted.add((metric.removesuffix("?"), frozenset(labels)))
            names.add((metric.removesuffix("?"), frozenset(key for key, _ in labels)))
        for metric, keys in names:
            for found, _ in fitting(page, metric, {"server_name": before.name}):
                if (metric, frozenset((k, v) for k, v in found.items() if k in keys)) not in wanted:
                    self.differ(f"{metric}{found}: on the page, but not at the broker")

    def own(self, before, after, page):
        """What natsight saw itself, and copies."""
        server = {"server_name": before.name}
        if [value for _, value in fitting(page, "nats_up", server)] != [1]:
            self.differ("nats_up is not 1 for a broker that answers")
        health = fitting(page, "nats_server_healthy", server)
        if before.healthy and after.healthy and (not health or any(value != 1 for _, value in health)):
            self.differ(f"nats_server_healthy: the broker is healthy, the page says {health}")
        varz = {**server, "handler": "/varz", "code": "200"}
        asked = sum(v for _, v in fitting(page, "http_request_duration_seconds_count", varz))
        if not 0 < asked <= after.varz_requests:
            self.differ(f"natsight counts {asked} answers to /varz, the broker {after.varz_requests}")
        for copy, original in TWINS if before.has_memstats else []:
            values = [[v for _, v in fitting(page, name, server)] for name in (copy, original)]
            if values[0] != values[1] or len(values[0]) != 1:
                self.differ(f"{copy} and {original} are not one value: {values}")

    def result(self):
        for key, stood_still, shown in sorted(self.moving, key=str):
            if key not in self.good and (stood_still or self.still):
                self.differ(shown if stood_still else f"{shown}; it never stood still")
        if len(self.good) < COMPARED_MIN:
            self.differ(f"only {len(self.good)} values were compared, fewer than {COMPARED_MIN}")
        unsettled = {key for key, _, _ in self.moving} - self.good
        for line in sorted(self.mentioned):
            print(f"note: {line}")
        for line in self.differences:
            print(f"DIFFERS {line}")
        print(
            f"compared {len(self.good)} values, {len(self.differences)} differences, "
            f"{len(unsettled)} moving too fast to compare"
        )
        return 1 if self.differences else 0


def fetch_page(natsight):
    body = get(natsight.rstrip("/") + "/metrics", accept="text/plain;version=0.0.4")
    if body is None:
        raise Trouble(f"{natsight}/metrics: status 404")
    return read_page(body)


def page_newer_than(moment, natsight, server):
    """A page all of whose collectors began their latest poll after the moment."""
    waited_from, longest = time.monotonic(), 10
    while True:
        page = fetch_page(natsight)

        def of(metric):
            found = fitting(page, metric, {"server_name": server})
            return {labels.get("collector"): float(value) for labels, value in found}

        ended = of("nats_collector_last_success_timestamp_seconds")
        took, every = of("nats_collector_duration_seconds"), of("nats_collector_interval_seconds")
        asked = {name for name in of("nats_collector_success") if every.get(name, 0) <= SLOW_SECONDS}
        # The full check is made once a minute at most, and may still tell of the moment in which streams were being made.
        if any(labels.get("check") == "full" and value != 1
               for labels, value in fitting(page, "nats_server_healthy", {"server_name": server})):
            asked.add("healthz_full")
        longest = max([longest, *(3 * every.get(name, 0) + 10 for name in asked)])
        old = [name for name in asked if ended.get(name, 0) - took.get(name, 0) <= moment]
        if asked and not old:
            return page
        if time.monotonic() - waited_from > longest:
            which = ", ".join(sorted(old)) or "there is no nats_collector_success at all"
            raise Trouble(f"no newer answer of these collectors within {longest:.0f} s: {which}")
        time.sleep(0.05)


def check(broker, natsight, still):
    broker = broker.rstrip("/")
    outcome = Check(still)
    for number in range(ROUNDS_MAX):
        before = Expected(broker)
        page = page_newer_than(before.read_at, natsight, before.name)
        outcome.round(before, page, Expected(broker))
        settled = all(key in outcome.good for key, _, _ in outcome.moving)
        if number + 1 >= ROUNDS_MIN and (settled or not still and number + 1 > ROUNDS_MAX // 2):
            break
    return outcome.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--still", action="store_true", help="no traffic: every gauge must be equal")
    parser.add_argument("broker", help="such as http://127.0.0.1:8222")
    parser.add_argument("natsight", help="such as http://127.0.0.1:7777")
    arguments = parser.parse_args()
    try:
        return check(arguments.broker, arguments.natsight, arguments.still)
    except Trouble as trouble:
        print(f"check_page: {trouble}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
