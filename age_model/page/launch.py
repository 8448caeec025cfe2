"""Options and launch of the demo: a Gradio page and its API over one predictor.

`python app.py`, or `age-model-demo` where the package is installed, serves it at
http://127.0.0.1:7860; `--help` lists the options.
"""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from age_model.images.load import MAX_BYTES
from age_model.page.blocks import CHECK_UPLOADS_SECONDS, UPLOADS_LIVE_SECONDS, build_demo
from age_model.page.guard import connections, gradio_patches
from age_model.page.guard.middleware import MAX_BODY, RequestGuard
from age_model.page.guard.visitors import REQUESTS_A_MINUTE, Visitors
from age_model.page.lazy_predictor import LazyPredictor
from age_model.page.private_log import open_log
from age_model.page.theme import STYLE, THEME
from age_model.page.uploads import UPLOADS, keep_deleting

WAITING_VISITORS = 32
REMEMBERED_VISITORS = 100  # Gradio holds what each of them sent last, up to a request's size


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the command; the defaults listen to what a Space sets in its environment."""
    parser = argparse.ArgumentParser(description="Serve the demo: a page and its API.")
    host, port = os.environ.get("GRADIO_SERVER_NAME"), os.environ.get("GRADIO_SERVER_PORT")
    parser.add_argument("--host", default=host or "127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=int(port or 7860), help="default: %(default)s")
    parser.add_argument("--share", action="store_true", help="also open a public Gradio link")
    # Only the Hub's proxy reaches a Space.
    proxies = ["*"] if os.environ.get("SPACE_ID") else []
    parser.add_argument(
        "--proxy",
        nargs="*",
        default=proxies,
        metavar="ADDRESS",
        help="proxies that are believed where they say whom they ask for (X-Forwarded-...)",
    )
    parser.add_argument(
        "--allowed-host", nargs="*", default=[], metavar="NAME", help="names to answer to"
    )
    parser.add_argument(
        "--requests-a-minute",
        type=int,
        default=REQUESTS_A_MINUTE,
        help="of one address; 0 for a proxy that limits them; default: %(default)s",
    )
    parser.add_argument(
        "--log-file", type=Path, metavar="FILE", help="for errors; default: standard error"
    )
    parser.add_argument("--model", help="folder or Hub id in place of the embedded model")
    parser.add_argument(
        "--device",
        help="where the network runs: auto (a GPU if there is one), cuda, cuda:1, mps or cpu; "
        "default: $AGE_DEVICE, else auto",
    )
    return parser.parse_args(arguments)


def main() -> int:
    """Load the model, then serve until stopped; returns the exit status."""
    options = parse_args()
    # Stopped by the system, the app ends as after Ctrl-C, which deletes the uploads.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        open_log(options.log_file)
        _check_port(options.host, options.port)
        predictor.load(options.model, options.device)
        demo.answer_first(predictor)
        keep_deleting(Path(UPLOADS.name), CHECK_UPLOADS_SECONDS, UPLOADS_LIVE_SECONDS)
        gradio_patches.apply(MAX_BODY)
        # A public link's visitors come through a program on this machine.
        proxies = (*options.proxy, *(["127.0.0.1"] if options.share else []))
        connections.apply(proxies)
        demo.visitors = Visitors(options.requests_a_minute)
        # Without api_open=False a program could ask past the queue.
        demo.queue(max_size=WAITING_VISITORS, api_open=False)
        gradio_patches.bound_sessions(demo._queue)
        demo.launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share,
            max_file_size=MAX_BYTES,
            state_session_capacity=REMEMBERED_VISITORS,
            run_history=False,  # would keep what visitors upload in their browsers
            enable_monitoring=False,  # how often which button was pressed, told to anyone
            mcp_server=True,
            footer_links=["api"],
            ssr_mode=False,
            theme=THEME,
            css_paths=STYLE,
            app_kwargs={
                "middleware": [
                    Middleware(
                        RequestGuard,
                        upload_folder=get_upload_folder,
                        events=lambda: demo.fns,
                        visitors=demo.visitors,
                        proxies=proxies,
                        hosts=tuple(host.lower() for host in options.allowed_host),
                    )
                ]
            },
        )
    except (OSError, ValueError) as error:  # no such model, or the port is taken
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1
    finally:
        # Gradio deletes uploads itself only when no visitor's connection is open any more.
        UPLOADS.cleanup()
    return 0


def _check_port(host: str, port: int) -> None:
    """Raise ValueError where nobody can listen, before the model loads, which takes a while."""
    address = host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.create_server((address, port), family=family).close()
    except OSError as error:
        raise ValueError(
            f"cannot listen at {host}, port {port} ({error.strerror}): stop what does, or give "
            "another --port"
        ) from error


predictor = LazyPredictor()
demo = build_demo(predictor)
