"""What the Hub answers to those who read: facts of a repository, its list of files, a file."""

import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

API = r"/api/(models|spaces)/([^/]+/[^/?]+)"


def commit_of(files: dict[str, bytes]) -> str:
    """The name of the commit that holds these files."""
    return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()


def key(kind: str, name: str) -> str:
    return f"spaces/{name}" if kind == "spaces" else name


class Reader(BaseHTTPRequestHandler):
    """Needs a server with `at(repo, revision)`, which gives {path: bytes}."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def _answer(self, content, status=200):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if match := re.match(API + r"(?:/(tree|revision)/([^/?]+))?(?:\?|$)", self.path):
            kind, name, verb, revision = match.groups()
            try:
                files = self.server.at(key(kind, name), revision or "main")
            except KeyError:
                return self._answer({"error": "Repository not found"}, 404)
            if verb == "tree":
                return self._answer([_entry(path, body) for path, body in files.items()])
            siblings = [{"rfilename": path} for path in files]
            return self._answer({"id": name, "sha": commit_of(files), "siblings": siblings})
        if match := re.match(r"/([^/]+/[^/]+)/resolve/([^/]+)/([^?]+)", self.path):
            return self._file(*match.groups())
        self._answer({"error": f"not spoken here: GET {self.path}"}, 404)

    do_HEAD = do_GET

    def _file(self, repo, revision, path):
        files = self.server.at(repo, revision)
        body = files[unquote(path)]
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit_of(files))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _entry(path: str, body: bytes) -> dict:
    """A file in the list of a repository's tree; the client may leave out what has the same oid."""
    oid = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
    return {"type": "file", "path": path, "size": len(body), "oid": oid}
