#!/usr/bin/env python3
"""Writes the logs that tests/bench/logs/run measures with: the same bytes for the same seed and size.

    generate.py nginx BYTES FILE            one day of an access log, 2026-08-17
    generate.py rfc5424 BYTES COUNT STEM    that day in COUNT files of BYTES each, STEM0.log and so on
"""

import random
import sys
from datetime import datetime, timedelta, timezone

SEED = 4
DAY = datetime(2026, 8, 17, tzinfo=timezone.utc)
PATHS = ["/", "/api/v1/users", "/api/v1/orders/%d", "/static/app.js", "/login", "/health", "/img/%d.png", "/api/v2/search?q=%x"]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "kube-probe/1.29",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
]
NEEDLE = "NEEDLE-7f3a9"


def access(rng):
    path = rng.choice(PATHS)
    path = path % rng.randrange(100_000) if "%" in path else path
    octets = ".".join(str(rng.randrange(1, 224)) for _ in range(4))
    status = rng.choice([200] * 20 + [301, 304, 404, 500, 502, 503])
    verb = rng.choice(["GET", "GET", "GET", "POST"])
    head = f"{octets} - - ["
    tail = f'] "{verb} {path} HTTP/1.1" {status} {rng.randrange(100, 90_000)} "-" "{rng.choice(AGENTS)}" rt={rng.random():.3f}\n'
    return head, tail


def message(rng):
    program = rng.choice(["sshd", "nginx", "kernel", "app", "cron"])
    words = " ".join(rng.choice(["opened", "closed", "session", "user", "timeout", "retry", "queue"]) for _ in range(rng.randrange(4, 14)))
    return f"<{rng.randrange(8, 190)}>1 ", f" host{rng.randrange(10)} {program} {rng.randrange(99_999)} - - {words} id={rng.randrange(1 << 40):x}\n"


def day(out, size, parts, stamp, width, needles=0):
    average = sum(len(head) + len(tail) for head, tail in parts) / len(parts) + width
    second_count = size / average / 86_400
    rng = random.Random(SEED)
    owed = 0.0
    for second in range(86_400):
        owed += second_count
        count = int(owed)
        owed -= count
        out.write("".join(head + at + tail for (head, tail), at in zip(rng.choices(parts, k=count), stamp(second, count))))
        if needles and second % (86_400 // needles) == 0:
            head, tail = parts[0]
            out.write(head + next(iter(stamp(second, 1))) + tail.replace('"-"', f'"{NEEDLE}"'))


def main():
    rng = random.Random(SEED)
    if sys.argv[1] == "nginx":
        parts = [access(rng) for _ in range(20_000)]

        def whole(second, count):
            return [(DAY + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")] * count

        with open(sys.argv[3], "w", buffering=1 << 20) as out:
            day(out, int(sys.argv[2]), parts, whole, 26, needles=40)
        return
    for index in range(int(sys.argv[3])):
        parts = [message(rng) for _ in range(20_000)]

        def parted(second, count, index=index):
            at = (DAY + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
            return [f"{at}.{(part * 1_000_000 + index * 7) // max(count, 1):06d}Z" for part in range(count)]

        with open(f"{sys.argv[4]}{index}.log", "w", buffering=1 << 20) as out:
            day(out, int(sys.argv[2]), parts, parted, 27)


main()
