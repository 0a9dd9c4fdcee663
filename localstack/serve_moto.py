"""Runs moto's server on loopback, one request at a time.

moto_server itself answers requests in threads, and moto's EC2 breaks under concurrent calls.
"""

import argparse

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=4567)
    args = parser.parse_args()
    app = DomainDispatcherApplication(create_backend_app)
    make_server("127.0.0.1", args.port, app, threaded=False).serve_forever()


if __name__ == "__main__":
    main()
