"""What the server and its decoding processes say to each other: JSON objects, some with a file.

Of a picture:

    server: {"kind": "picture"}, the file            process: {"size": [W, H]}
    server: {}, memory of W * H * 3 bytes            process: {"shape": [H, W, 3], "frames": 1,
                                                               "again": true}

where the memory is sent once for all small pictures of a process, which lie in it in turn,

and of a clip, the last two again and again:

    server: {"kind": "clip"}, the file               process: {"seconds": 8.0}
    server: {}                                       process: {"second": 0.25, "shape": [H, W, 3]},
                                                              memory that holds the frame
    server: {}                                       process: {"end": true, "cut": false}

In place of any answer may come {"error": "is damaged ..."}, or the end of the process.
"""

import json
import socket
from typing import Any

MAX_BYTES = 2**16
# Keeps the borders between messages, so that none has to say its length.
SOCKET = socket.SOCK_SEQPACKET if hasattr(socket, "SOCK_SEQPACKET") else socket.SOCK_STREAM


def send(other: socket.socket, message: dict[str, Any], file: int | None = None) -> None:
    """Send a message, and a file by its descriptor.

    Raises:
        OSError: the other side is gone.
    """
    data = json.dumps(message).encode()
    socket.send_fds(other, [data], [] if file is None else [file])


def receive(other: socket.socket) -> tuple[dict[str, Any], int | None]:
    """The next message, and the descriptor of the file that came with it, which is the caller's.

    Raises:
        OSError: the other side is gone, or takes longer than the socket's time.
        ValueError: what came is no message.
    """
    data, files, _, _ = socket.recv_fds(other, MAX_BYTES, 1)
    if not data:
        raise ConnectionResetError("the other side is gone")
    message = json.loads(data)
    if not isinstance(message, dict):
        raise ValueError(f"expected a JSON object, got {type(message).__name__}")
    return message, files[0] if files else None
