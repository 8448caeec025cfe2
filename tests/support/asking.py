"""Raw requests to the running server: no client in between that would tidy them up."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import httpx

HTTP = httpx.Client(timeout=240)  # one for all: making one takes longer than most requests


def upload(server, path: Path, name: str | None = None) -> dict:
    """The picture as it is to be sent to an endpoint."""
    with path.open("rb") as stream:
        files = {"files": (name or path.name, stream)}
        reply = HTTP.post(f"{server.url}/gradio_api/upload", files=files)
    reply.raise_for_status()
    return file_data(reply.json()[0], orig_name=name or path.name)


def file_data(path, **more) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def ask(server, endpoint: str, *data) -> str:
    """What the server says of one request: the reply to it, or the events that follow."""
    url = f"{server.url}/gradio_api/call/{endpoint}"
    reply = HTTP.post(url, json={"data": data})
    if reply.status_code != 200:
        return reply.text
    return HTTP.get(f"{url}/{reply.json()['event_id']}").text


def get(server, path: str) -> tuple[int, bytes]:
    """Status and body for a path that is sent exactly as given."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, body


def click_of(server, button: str) -> int:
    """Number of the event that a click on a button of the page begins, by its id in the page."""
    config = HTTP.get(f"{server.url}/config").json()
    (number,) = [c["id"] for c in config["components"] if c["props"].get("elem_id") == button]
    return next(e["id"] for e in config["dependencies"] if [number, "click"] in e["targets"])
