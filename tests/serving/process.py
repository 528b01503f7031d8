"""`inkloom serve` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time


class Serving:
    """A server at a free port. `printed` is what it said when it was ready."""

    def __init__(self, *runs, **environment):
        command = [sys.executable, "-m", "inkloom", "serve", *map(str, runs), "--port", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        lines = []
        while "Ctrl-C" not in (line := self.process.stdout.readline()):
            assert line, self.process.stderr.read()
            lines.append(line)
        self.printed = "".join(lines)
        self.url = re.search(r"http://\S+:\d+", self.printed).group()

    def stop(self):
        """Ctrl-C; what it said on stderr, and how long it took."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=60)
        return errors, time.perf_counter() - began

    def kill(self):
        self.process.kill()
        self.process.communicate()
