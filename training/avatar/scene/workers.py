"""Blender processes that share a list of shots: each is given the next one when it has finished its last."""

import json
import queue
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from avatar.scene.shots import REPLY, Job, Shot

WORKER = Path(__file__).parent / "blender" / "worker.py"
LAST_LINES = 20  # of a process's output are quoted when it fails


def blender_command(threads: int) -> list[str]:
    """How to start a worker that renders on so many threads. Raises FileNotFoundError where Blender is missing."""
    blender = shutil.which("blender")
    if blender is None:
        raise FileNotFoundError("the scene is rendered by Blender 3.4: install it (Debian: apt install blender)")
    return [blender, "--background", "--factory-startup", "--threads", str(threads), "--python", str(WORKER)]


class Worker:
    """One process. It is busy from each line it is sent until it answers."""

    def __init__(self, command: Sequence[str], job: Job):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        self.printed: deque[str] = deque(maxlen=LAST_LINES)
        self._ask(job.line())

    def render(self, shot: Shot) -> None:
        """Returns when the picture is there. Raises RuntimeError when it cannot be made."""
        self._ask(shot.line())

    def _ask(self, line: str) -> None:
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; what it printed before says why
        for printed in self.process.stdout:
            if printed.startswith(REPLY):
                if error := json.loads(printed.removeprefix(REPLY)).get("error"):
                    raise RuntimeError(f"Blender could not make the picture: {error}")
                return
            self.printed.append(printed)
        raise RuntimeError(f"Blender ended with {self.process.wait()}; it printed last:\n{''.join(self.printed)}")

    def end(self) -> None:
        """Stops the process, also in the middle of a picture, which is then not written."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def render(shots: Iterable[Shot], job: Job, command: Sequence[str], processes: int) -> Iterator[Shot]:
    """Renders shots on so many processes and gives each when its picture is there, in the order of finishing.

    Whoever stops iterating stops the processes. Raises RuntimeError when a picture cannot be made.
    """
    waiting: queue.SimpleQueue[Shot | None] = queue.SimpleQueue()
    count = 0
    for shot in shots:
        waiting.put(shot)
        count += 1
    finished: queue.SimpleQueue[Shot | Exception] = queue.SimpleQueue()
    workers: list[Worker] = []
    stopping = threading.Event()

    def work() -> None:
        try:
            # Starting takes seconds (the hair has to grow), so all processes do it at once.
            worker = Worker(command, job)
            workers.append(worker)
            while not stopping.is_set():
                shot = waiting.get_nowait()
                worker.render(shot)
                finished.put(shot)
        except queue.Empty:
            return
        except (OSError, RuntimeError) as error:
            finished.put(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(processes, count))]
    for thread in threads:
        thread.start()
    try:
        for _ in range(count):
            result = finished.get()
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        stopping.set()
        for worker in workers:
            worker.end()
        for thread in threads:
            thread.join()
