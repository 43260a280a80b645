"""A process of its own for each peer, so that its memory can be told from the
others' and its threads do not wait for theirs."""
import importlib
import multiprocessing
import threading
import traceback

from .server import private_memory


class WorkerError(Exception):
    """What went wrong in the worker, with its traceback."""


class Worker:
    """An object that lives in another process: module.name(*args)."""

    def __init__(self, module, name, *args):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, module, name, args), daemon=True)
        self.process.start()
        other.close()
        self._result()

    def start(self, method, *args, **kwargs):
        """Begin a call, without waiting for it."""
        self.pipe.send((method, args, kwargs))

    def finish(self):
        """The result of the call that was begun."""
        return self._result()

    def call(self, method, *args, **kwargs):
        self.start(method, *args, **kwargs)
        return self.finish()

    def memory(self):
        """Bytes of memory that only this process has."""
        return private_memory(self.process.pid)

    def stop(self):
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()

    def _result(self):
        try:
            ok, value = self.pipe.recv()
        except EOFError:
            raise WorkerError("its process died") from None
        if not ok:
            raise WorkerError(value)
        return value


def _serve(pipe, module, name, args):
    """The worker's side: make the object, then answer calls until the pipe is
    closed."""
    try:
        target = getattr(importlib.import_module(module), name)(*args)
        pipe.send((True, None))
        while True:
            method, args, kwargs = pipe.recv()
            try:
                pipe.send((True, getattr(target, method)(*args, **kwargs)))
            except Exception:
                pipe.send((False, traceback.format_exc()))
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception:
        pipe.send((False, traceback.format_exc()))


class PeakMemory:
    """with PeakMemory(read) as peak: ...; peak.bytes is how far read() rose
    above what it gave at the beginning, looked at every 20 ms."""

    def __init__(self, read):
        self.read = read

    def __enter__(self):
        self.before = self.bytes = self.read()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def _watch(self):
        while not self.stopped.wait(0.02):
            self.bytes = max(self.bytes, self.read())

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.bytes = max(self.bytes, self.read()) - self.before
