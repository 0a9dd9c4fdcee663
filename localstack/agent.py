"""A small stand-in for the agents of a fleet's instances.

LocalStack and moto only pretend to launch servers. Their subnets here lie in 127.0.0.0/8, so one
process can answer for every instance: the address that a connection came to says which one is meant.

    PUT /configure   202, remembers the body for this address
    GET /health      503 until this address is configured, then 200
    GET /pushes      200, what was pushed so far: {address: body}

Prints {"port": N} as one line once it listens. Needs Python 3.11 and nothing else.
"""

import argparse
import asyncio
import ipaddress
import json
import socket
import sys

# A request here is a few hundred bytes; ten thousand agents at 64 KiB would still be under 1 GiB.
MAX_HEAD = 16 * 1024
MAX_BODY = 64 * 1024
# Longer than any request of a client that is alive, so a dead one cannot hold a descriptor.
PATIENCE_S = 10
# Connections that may wait to be accepted: more than muster's contacts in flight.
BACKLOG = 1024


class Refused(Exception):
    """An answer other than the one that was hoped for."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status
        self.why = why


class Fleet:
    """What every instance was told."""

    def __init__(self, never_configure):
        self.never_configure = never_configure
        self.pushes = {}

    def answer(self, address, method, path, body):
        """Status and JSON document for one request to one instance."""
        if path == "/configure":
            self.only("PUT", method)
            try:
                self.pushes[address] = json.loads(body)
            except ValueError as error:
                raise Refused(400, f"the configuration is not JSON: {error}") from error
            return 202, {"address": address}
        if path == "/health":
            self.only("GET", method)
            serving = address in self.pushes and not self.never_configure
            return (200 if serving else 503), {"address": address, "serving": serving}
        if path == "/pushes":
            self.only("GET", method)
            return 200, self.pushes
        raise Refused(404, f"no {path} here; there are /configure, /health and /pushes")

    @staticmethod
    def only(allowed, method):
        if method != allowed:
            raise Refused(405, f"{method} is not allowed; {allowed} is")


async def read_request(reader):
    """Method, path and body of one HTTP/1.1 request."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise Refused(431, f"more than {MAX_HEAD} bytes of headers") from error
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        raise Refused(400, "the request line is not METHOD PATH VERSION")
    headers = dict(line.lower().split(":", 1) for line in lines[1:] if ":" in line)
    length = headers.get("content-length", "0").strip()
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise Refused(413, f"content-length {length} is not 0 to {MAX_BODY}")
    return words[0], words[1], await reader.readexactly(int(length))


def response(status, document):
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


async def serve(fleet, reader, writer):
    address, peer = (writer.get_extra_info(end)[0] for end in ("sockname", "peername"))
    try:
        # The listener is bound to the loopback device where the system allows it; this holds everywhere.
        if ipaddress.ip_address(address).is_loopback and ipaddress.ip_address(peer).is_loopback:
            async with asyncio.timeout(PATIENCE_S):
                try:
                    answer = fleet.answer(address, *await read_request(reader))
                except Refused as no:
                    answer = no.status, {"error": no.why}
                writer.write(response(*answer))
                await writer.drain()
    except (OSError, EOFError, TimeoutError):
        pass  # The client went away, or never spoke: nobody is left to tell.
    finally:
        writer.close()


def listener(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    except OSError as error:
        print(f"not bound to the loopback device ({error}); others are dropped on arrival", file=sys.stderr)
    sock.bind(("0.0.0.0", port))
    return sock


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--never-configure", action="store_true", help="accept configurations, but stay at 503")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when stdin does: no orphan")
    args = parser.parse_args()

    fleet = Fleet(args.never_configure)
    sock = listener(args.port)
    server = await asyncio.start_server(
        lambda reader, writer: serve(fleet, reader, writer), sock=sock, backlog=BACKLOG, limit=MAX_HEAD
    )
    print(json.dumps({"port": sock.getsockname()[1]}), flush=True)
    async with server:
        if args.exit_with_stdin:
            await asyncio.to_thread(sys.stdin.buffer.read)
        else:
            await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
