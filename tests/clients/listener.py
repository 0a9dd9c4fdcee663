"""An HTTP server on loopback that remembers what was sent to it: the other end of SNS and EventBridge."""

import contextlib
import dataclasses
import http.server
import json
import threading

import simulator


@dataclasses.dataclass
class Received:
    """One request."""

    method: str
    path: str
    headers: dict
    body: str

    @property
    def json(self):
        return json.loads(self.body)


class Listener(http.server.ThreadingHTTPServer):
    """Answers 200, or the next of `statuses` while there are any."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received = []
        self.statuses = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hooks"

    def wait_for(self, count, wanted=lambda _: True):
        """Waits until so many requests of a kind came, and returns them all."""

        def reached():
            found = [r for r in list(self.received) if wanted(r)]
            return found if len(found) >= count else None

        return simulator.wait_for(f"{count} requests to {self.url}", reached)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(self.command, self.path, headers, body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    do_PUT = do_POST

    def log_message(self, *_):
        """Says nothing: what was received is looked at by the checks."""


@contextlib.contextmanager
def listen():
    listener = Listener()
    # How often it looks whether it is to end, in seconds: half a second for each check would add up.
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield listener
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
