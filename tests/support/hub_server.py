"""A small HTTP server that speaks the Hub's API as far as publishing and loading a model use it."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
from http.server import ThreadingHTTPServer

from tests.support.hub_reading import API, Reader, commit_of, key

TOKEN = "hf_test"
OWNER = "somebody"  # whose repositories the token may write


class FakeHub(ThreadingHTTPServer):
    """Repositories in memory.

    Attributes:
        files: {repo: {branch: {path: bytes}}}; a Space's name begins with "spaces/".
        private: {repo: bool}.
        sdk: {Space: its kind}.
        commits: for each commit, repo, branch and what its lines said.
        lfs: which paths are to be sent as large files.
    """

    daemon_threads = True

    def __init__(self, lfs: str = r"$^"):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.private, self.sdk, self.commits, self.large = {}, {}, {}, [], {}
        self.lfs = re.compile(lfs)
        self.connections = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def at(self, repo: str, revision: str) -> dict[str, bytes]:
        """The files of a branch, named or by its commit; KeyError where there is none."""
        branches = self.files[repo]
        return (branches | {commit_of(files): files for files in branches.values()})[revision]

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def stop(self) -> None:
        """From now on nobody answers, on the connections that a client keeps open neither."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):  # closed before
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(Reader):
    server: FakeHub

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self):
        body = self._body()
        self.server.large[hashlib.sha256(body).hexdigest()] = body
        self._answer({})

    def do_POST(self):
        body = self._body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer({"error": "Invalid username or password."}, 401)
        path = self.path.split("?")[0]
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._answer({"errors": [], "warnings": []})
        if re.match(r"/(spaces/)?[^/]+/[^/]+\.git/info/lfs/objects/batch$", path):
            return self._lfs(json.loads(body))
        match = re.match(API + r"/(branch|preupload|commit)/([^/]+)$", path)
        if not match:
            return self._answer({"error": f"not spoken here: POST {self.path}"}, 404)
        kind, name, verb, branch = match.groups()
        if not name.startswith(f"{OWNER}/"):
            return self._answer({"error": "You don't have the rights to write here."}, 403)
        getattr(self, f"_{verb}")(key(kind, name), branch, body)

    def _create(self, asked):
        if asked["organization"] != OWNER:
            return self._answer({"error": "You don't have the rights to create this."}, 403)
        space = asked.get("type") == "space"
        repo = key("spaces" if space else "models", f"{asked['organization']}/{asked['name']}")
        known = repo in self.server.files
        if not known:
            self.server.files[repo] = {"main": {}}
            self.server.private[repo] = asked.get("visibility") == "private"
            if space:
                self.server.sdk[repo] = asked["sdk"]
        self._answer({"url": f"{self.server.url}/{repo}", "name": repo}, 409 if known else 200)

    def _branch(self, repo, branch, body):
        known = branch in self.server.files[repo]
        self.server.files[repo].setdefault(branch, dict(self.server.files[repo]["main"]))
        self._answer({}, 409 if known else 200)

    def _preupload(self, repo, branch, body):
        self._answer({"files": [
            {"path": f["path"], "shouldIgnore": False,
             "uploadMode": "lfs" if self.server.lfs.search(f["path"]) else "regular"}
            for f in json.loads(body)["files"]
        ]})  # fmt: skip

    def _lfs(self, asked):
        self._answer({"transfer": "basic", "objects": [
            o | {"actions": {"upload": {"href": f"{self.server.url}/storage/{o['oid']}"}}}
            for o in asked["objects"]
        ]})  # fmt: skip

    def _commit(self, repo, branch, body):
        files = self.server.files[repo][branch]
        lines = [json.loads(line) for line in body.decode().splitlines()]
        self.server.commits.append((repo, branch, lines))
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self._answer(
            {"success": True, "commitOid": "1" * 40,
             "commitUrl": f"{self.server.url}/{repo}/commit/{'1' * 40}"}
        )  # fmt: skip
