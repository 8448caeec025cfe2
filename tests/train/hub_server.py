"""A small HTTP server that speaks the Hub's API as far as pushing a model uses it."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_test"


class FakeHub(ThreadingHTTPServer):
    """Repositories in memory.

    Attributes:
        files: {repo: {branch: {path: bytes}}}.
        private: {repo: bool}.
        commits: for each commit, repo, branch and what its lines said.
        lfs: which paths are to be sent as large files.
    """

    daemon_threads = True

    def __init__(self, lfs: str = r"$^"):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.private, self.commits, self.large = {}, {}, [], {}
        self.lfs = re.compile(lfs)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeHub

    def log_message(self, *args):
        pass

    def _answer(self, content, status=200):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        if match := re.match(r"/api/models/([^/]+/[^/]+)/tree/([^/?]+)", self.path):
            repo, branch = match.groups()
            files = self.server.files[repo][branch]
            self._answer(
                [{"type": "file", "path": p, "size": len(b), "oid": "0" * 40} for p, b in files.items()]
            )
        else:
            self._answer({"error": f"not spoken here: GET {self.path}"}, 404)

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
        if match := re.match(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch$", path):
            return self._lfs(json.loads(body))
        match = re.match(r"/api/models/([^/]+/[^/]+)/(branch|preupload|commit)/([^/]+)$", path)
        if not match:
            return self._answer({"error": f"not spoken here: POST {self.path}"}, 404)
        repo, verb, branch = match.groups()
        getattr(self, f"_{verb}")(repo, branch, body)

    def _create(self, asked):
        repo = f"{asked['organization']}/{asked['name']}"
        known = repo in self.server.files
        if not known:
            self.server.files[repo] = {"main": {}}
            self.server.private[repo] = asked.get("visibility") == "private"
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
