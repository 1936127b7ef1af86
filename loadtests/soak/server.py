"""Starts and watches a server."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from client import send

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 600  # the first start builds, or packs a large model
HEAP = "-Xms512m -Xmx512m -XX:+AlwaysPreTouch"  # all of the heap is resident at once: what grows later is native


class Server:
    """A server of our own, which ends with us, or someone else's, whose process is not known."""

    def __init__(self, url=None, serve_options=(), java_options=()):
        self.process = self.log = None
        self.host, self.port = "127.0.0.1", free_port()
        if url:
            parts = urlsplit(url)
            self.host, self.port = parts.hostname, parts.port or 80
            return
        self.log = tempfile.TemporaryFile(mode="w+")
        environment = os.environ | {"TRITIUM_JAVA_OPTS": " ".join([HEAP, *java_options])}
        command = [ROOT / "tritium", "serve", "--port", str(self.port), *serve_options]
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    async def ready(self):
        """Waits until requests are served."""
        deadline = time.monotonic() + START_SECONDS
        while (await self.get("/q/health/ready")).status != 200:
            if self.process and self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the server does not start:\n{self.output()}")
            await asyncio.sleep(0.2)

    def output(self):
        if not self.log:
            return ""
        self.log.seek(0)
        return self.log.read()

    async def get(self, path):
        return await send(self.port, path, host=self.host, timeout=10)

    async def post(self, path, body, **options):
        return await send(self.port, path, body, host=self.host, **options)

    async def metrics(self):
        """The values of all metrics, those of one name added up."""
        values = {}
        for line in (await self.get("/q/metrics")).body.decode().splitlines():
            if match := re.fullmatch(r"([a-zA-Z_:][\w:]*)(\{.*\})? ([-+.\dE]+)", line):
                name = match[1] + ("{heap}" if 'area="heap"' in line else "")
                values[name] = values.get(name, 0) + float(match[3])
        return values

    async def idle(self, seconds=60):
        """Waits until nothing runs or waits; returns whether that came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            values = await self.metrics()
            if values.get("llm_requests_running") == 0 == values.get("llm_requests_waiting"):
                return True
            await asyncio.sleep(0.2)
        return False

    def resident_mb(self):
        """Memory of the server's process, or None where that cannot be known."""
        try:
            return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024
        except (OSError, AttributeError, TypeError):
            return None

    def cpu_seconds(self):
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, AttributeError):
            return None

    async def live_heap_mb(self):
        """Heap that is in use after a collection, or None without the server's own jcmd."""
        if not self.process:
            return None
        try:
            jcmd = Path(os.readlink(f"/proc/{self.process.pid}/exe")).parent / "jcmd"
            subprocess.run([jcmd, str(self.process.pid), "GC.run"], check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            return None
        return (await self.metrics()).get("jvm_memory_used_bytes{heap}", 0) / 2**20

    def open_ports(self):
        """The clients' ports of connections that the server holds open (Linux)."""
        ports = set()
        for file in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in Path(file).read_text().splitlines()[1:]:
                _, local, remote, state = line.split()[:4]
                if int(local.rpartition(":")[2], 16) == self.port and state == "01":
                    ports.add(int(remote.rpartition(":")[2], 16))
        return ports

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    async def exit_code(self, seconds):
        """Waits for the end of the process; None if it does not come."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return self.process.poll()

    def end(self):
        """Ends what was started here, by force if need be."""
        if self.process and self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
