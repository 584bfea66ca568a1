"""What the measurements share: programs built as they ship, servers, a running weir, and what a process cost.

Only Python's standard library; nothing here is on the path that is measured.
"""

import atexit
import json
import os
import platform
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
KEYS = {"AWS_ACCESS_KEY_ID": "weir", "AWS_SECRET_ACCESS_KEY": "weir-secret", "AWS_REGION": "us-west-1"}
MIB = 1024 * 1024


def build(*programs):
    """Builds the agent alone, so that it has just the features it ships with, and then the servers. The agent's
    cargo profile is WEIR_PROFILE, or `release`."""
    profile = os.environ.get("WEIR_PROFILE", "release")
    for package, profile_of in [("weir", profile), *([("weir-benches", "release")] if programs else [])]:
        command = ["cargo", "build", "--quiet", "--locked", "--profile", profile_of, "--package", package]
        subprocess.run(command, cwd=ROOT, check=True)
    return [TARGET / profile / "weir", *(TARGET / "release" / name for name in programs)]


def machine():
    """One line about where a figure was taken."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    profile = os.environ.get("WEIR_PROFILE", "release")
    return (f"weir's profile: {profile}; {model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}; "
            f"load {load:.1f} at the start")


def work_directory(name):
    """A fresh directory beside the build, on a real disk: `/tmp` is often memory, where fsync is free."""
    path = TARGET / "benches" / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def jpeg(size):
    """`size` bytes with the structure of a camera's JPEG: tables, one frame, entropy-coded data with its stuffing
    (unique, as incompressible as real ones), end of image."""
    def segment(marker, body):
        return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body

    tables = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + segment(0xDB, b"\0" + b"\1" * 64)
    frame = segment(0xC0, bytes([8, 0x04, 0x38, 0x07, 0x80, 1, 1, 0x11, 0]))
    codes = segment(0xC4, bytes([0x00, 1] + [0] * 16)) + segment(0xC4, bytes([0x10, 1] + [0] * 16))
    head = b"\xff\xd8" + tables + frame + codes + segment(0xDA, bytes([1, 1, 0, 0, 63, 0]))
    data = os.urandom(size).replace(b"\xff", b"\xff\x00")[: size - len(head) - 2]
    return head + data.rstrip(b"\xff").ljust(len(data), b"\x55") + b"\xff\xd9"


def name_of(number):
    """A camera's file name, a minute after the last."""
    at = time.gmtime(1_723_212_000 + 60 * number)
    return time.strftime("image_capture_%Y-%m-%d_%H-%M-%S.jpg", at)


def fill_camera(directory, count, size):
    """Writes `count` images; gives their bytes together."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (directory / name_of(number)).write_bytes(jpeg(size))
    return count * size


@dataclass
class Cost:
    """What a process cost, from its start to its end."""

    wall: float
    cpu: float
    rss: float  # MiB, at most


def wait(process, began):
    """Waits for a process; gives its cost and exit status. Its children count when it waited for them."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = Cost(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    return cost, process.returncode


def until(condition, seconds, what):
    """Polls until `condition()` is truthy and gives that; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not happen within {seconds} s")
        time.sleep(0.1)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return None


def end_with_us(process):
    """Kills a process at the end of this one, should it still run."""
    atexit.register(lambda: process.poll() is None and process.kill())
    return process


class Server:
    """A server of ours, which prints its endpoint first."""

    def __init__(self, *command):
        self.process = end_with_us(
            subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True))
        self.endpoint = self.process.stdout.readline().strip()
        if not self.endpoint:
            sys.exit(f"{command[0]} did not start")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Weir:
    """The agent, as released, in a state directory of its own."""

    def __init__(self, program, directory, endpoint, sites, settings=None):
        self.program, self.directory = program, directory
        self.port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        sections = {
            "state": {"directory": str(directory / "state")},
            "store": {"endpoint": endpoint, "region": KEYS["AWS_REGION"]},
            "daemon": {"listen": f"127.0.0.1:{self.port}"},
        }
        for key, value in (settings or {}).items():
            section, setting = key.split(".")
            sections.setdefault(section, {})[setting] = value
        lines = []
        for section, values in sections.items():
            lines.append(f"[{section}]")
            # JSON's strings, numbers and lists of strings are TOML's as well.
            lines += [f"{setting} = {json.dumps(value)}" for setting, value in values.items()]
        for name, folder in sites.items():
            lines += ["[[site]]", f"name = {json.dumps(name)}", f"directory = {json.dumps(str(folder))}"]
        self.config = directory / "weir.toml"
        self.config.write_text("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        """Starts it and gives the seconds until it said READY to the service manager."""
        notify = Path(tempfile.mkdtemp(prefix="weir-bench-")) / "notify"
        environment = {**os.environ, **KEYS, "NOTIFY_SOCKET": str(notify)}
        environment.pop("WATCHDOG_USEC", None)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(notify))
            self.log = open(self.directory / "weir.log", "ab")
            self.began = time.monotonic()
            self.process = end_with_us(subprocess.Popen(
                [str(self.program), "--config", str(self.config), "run"],
                env=environment, stdout=self.log, stderr=self.log,
            ))
            ready = None
            while ready is None:
                readable, _, _ = select.select([told], [], [], 60)
                if not readable or self.process.poll() is not None:
                    sys.exit(f"weir did not start; see {self.directory / 'weir.log'}")
                if b"READY=1" in told.recv(4096):
                    ready = time.monotonic() - self.began
        shutil.rmtree(notify.parent)
        return ready

    def states(self):
        """Images by state, all sites together."""
        text = get(f"http://127.0.0.1:{self.port}/status")
        counts = {}
        for site in json.loads(text)["sites"] if text else []:
            for state, count in site["images"].items():
                counts[state] = counts.get(state, 0) + count
        return counts

    def until_verified(self, count, seconds=300):
        def done():
            if self.process.poll() is not None:
                sys.exit(f"weir ended; see {self.directory / 'weir.log'}")
            return self.states().get("verified", 0) >= count
        until(done, seconds, f"{count} verified images")

    def stop(self):
        """Ends it with SIGTERM; gives what it cost and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return wait(self.process, self.began)


def status_of(pid, *names):
    """Numbers of /proc/PID/status; memory in KiB."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in names:
            found[name] = int(rest.split()[0])
    return found


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def table(header, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
