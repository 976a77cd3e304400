"""Loopback stand-in for the Hugging Face Hub: enough of its HTTP API that the unmodified client round-trips against
it, over plain LFS or over Xet. State is in memory; faults are injectable.

What is inferred and not known of the real one: exact error bodies, the headers of the commit quota, the threshold
between LFS and regular files, the order of checks. A nightly test with a token asks the real one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SAFE = re.compile(r"^[0-9a-f]{40}$")


@dataclass
class Blob:
    oid: str  # git sha1
    size: int
    sha256: str | None = None  # set for LFS/Xet files
    data: bytes | None = None  # None: content lives in the Xet store
    xet: str | None = None
    mtime: str = ""


@dataclass
class Commit:
    oid: str
    title: str
    date: str
    tree: dict[str, Blob]
    parent: str | None


@dataclass
class Repo:
    kind: str
    name: str
    private: bool = False
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def commit(self, tree, title, ref="main"):
        parent = self.refs.get(ref)
        oid = hashlib.sha1(f"{self.kind}/{self.name}/{len(self.commits)}/{title}/{time.time_ns()}".encode()).hexdigest()
        self.commits[oid] = Commit(oid, title, datetime.now(UTC).isoformat().replace("+00:00", "Z"), tree, parent)
        self.refs[ref] = oid
        return oid

    def at(self, rev) -> Commit | None:
        return self.commits.get(self.refs.get(rev, rev))


@dataclass
class Fault:
    """Answer the next `times` requests whose 'METHOD path' matches `pattern` with `status`."""

    pattern: str
    status: int = 503
    times: int = 1
    headers: dict = field(default_factory=dict)
    after: bool = False  # apply the request first, then lose its response (tests duplicate commits)
    delay: float = 0.0


def err(status, code, msg, **headers):
    return JSONResponse({"error": msg}, status, {"X-Error-Code": code, "X-Error-Message": msg, **headers})


def mhash(b: bytes) -> str:  # Merkle hashes print as four little-endian u64
    return "".join(f"{w:016x}" for w in struct.unpack("<4Q", b))


class FakeHub:
    def __init__(self, token="hf_test", user="tester", lfs_threshold=10_000, commits_per_hour=None):
        self.token, self.user, self.lfs_threshold, self.commits_per_hour = token, user, lfs_threshold, commits_per_hour
        self.repos: dict[tuple[str, str], Repo] = {}
        self.lfs: dict[str, bytes] = {}  # sha256 -> bytes
        self.xorbs: dict[str, bytes] = {}
        self.xfiles: dict[str, list] = {}  # xet hash -> [(xorb, nbytes, chunk_start, chunk_end)]
        self.sha2xet: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.log: list[str] = []
        self.commit_times: deque = deque()
        self.lock = threading.RLock()
        T, R = "{kind:str}s/{ns}/{name}", "{ns}/{name}"
        routes = [
            Route("/api/whoami-v2", lambda r: JSONResponse({"type": "user", "name": self.user, "orgs": []})),
            Route("/api/validate-yaml", lambda r: JSONResponse({"errors": [], "warnings": []}), methods=["POST"]),
            Route("/api/repos/create", self.create, methods=["POST"]),
            Route("/api/repos/delete", self.delete, methods=["DELETE"]),
            Route(f"/api/{T}/xet-{{mode}}-token/{{rev:path}}", self.xet_token),
            Route("/xet/token", self.xet_token),
            Route(f"/api/{T}", self.info),
            Route(f"/api/{T}/revision/{{rev}}", self.info),
            Route(f"/api/{T}/preupload/{{rev}}", self.preupload, methods=["POST"]),
            Route(f"/api/{T}/commit/{{rev}}", self.do_commit, methods=["POST"]),
            Route(f"/api/{T}/tree/{{rev}}", self.tree),
            Route(f"/api/{T}/tree/{{rev}}/{{path:path}}", self.tree),
            Route(f"/api/{T}/paths-info/{{rev}}", self.paths, methods=["POST"]),
            Route(f"/api/{T}/commits/{{rev}}", self.commits),
            Route(f"/api/{T}/super-squash/{{rev}}", self.squash, methods=["POST"]),
            Route("/lfs/{oid}", self.lfs_put, methods=["PUT"]),
            Route("/cas/v1/xorbs/default/{hash}", self.xorb_put, methods=["POST"]),
            Route("/cas/v1/shards", self.shard_put, methods=["POST"]),
            Route("/cas/v1/reconstructions/{hash}", self.reconstruct),
            Route("/cas/xorb/{hash}", self.xorb_get),
        ]
        for pre, _kind in (("/datasets/", "dataset"), ("/", "model")):
            routes += [
                Route(f"{pre}{R}.git/info/lfs/objects/batch", self.lfs_batch, methods=["POST"]),
                Route(f"{pre}{R}/resolve/{{rev}}/{{path:path}}", self.resolve, methods=["GET", "HEAD"]),
            ]
        self.app = Starlette(routes=routes)

    # ------------------------------------------------------------------ plumbing
    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        # keep %2F in revisions/paths as one segment, like the Hub does
        scope = dict(scope, path=scope["raw_path"].decode().split("?")[0])
        line = f"{scope['method']} {scope['path']}"
        with self.lock:
            self.log.append(line)
            fault = next((f for f in self.faults if f.times > 0 and re.search(f.pattern, line)), None)
            if fault:
                fault.times -= 1
        if fault:
            if fault.delay:
                import anyio

                await anyio.sleep(fault.delay)
            if fault.status:
                if fault.after:

                    async def drop(m):
                        pass

                    await self.app(scope, receive, drop)
                return await err(fault.status, "Injected", "injected fault", **fault.headers)(scope, receive, send)
        auth = dict(scope["headers"]).get(b"authorization", b"").decode()
        if scope["path"].startswith("/api/") and auth != f"Bearer {self.token}":
            return await err(401, "", "Invalid credentials in Authorization header")(scope, receive, send)
        await self.app(scope, receive, send)
        return None

    def repo(self, r: Request):
        p = r.path_params
        kind = p.get("kind") or ("dataset" if r.url.path.startswith("/datasets/") else "model")
        return self.repos.get((kind, f"{p['ns']}/{p['name']}"))

    def repo_rev(self, r: Request):
        repo = self.repo(r)
        if repo is None:
            return None, None, err(404, "RepoNotFound", "Repository not found")
        c = repo.at(unquote(r.path_params.get("rev", "main")))
        return repo, c, None if c else err(404, "RevisionNotFound", "Invalid rev id")

    @staticmethod
    def entry(path, b: Blob):
        d = {"type": "file", "path": path, "size": b.size, "oid": b.oid}
        if b.sha256:
            d["lfs"] = {"oid": b.sha256, "size": b.size, "pointerSize": 134}
        if b.xet:
            d["xetHash"] = b.xet
        return d

    # ------------------------------------------------------------------ repos
    async def create(self, r):
        d = await r.json()
        kind, name = d.get("type", "model"), f"{d.get('organization') or self.user}/{d['name']}"
        url = f"{r.base_url}{'' if kind == 'model' else kind + 's/'}{name}"
        with self.lock:
            if (kind, name) in self.repos:
                return JSONResponse({"error": "You already created this repo", "url": url}, 409)
            repo = self.repos[kind, name] = Repo(kind, name, d.get("visibility") == "private")
            ga = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
            repo.commit({".gitattributes": self.small(ga)}, "initial commit")
        return JSONResponse({"url": url, "id": name, "name": name})

    async def delete(self, r):
        d = await r.json()
        gone = self.repos.pop((d.get("type", "model"), f"{d.get('organization') or self.user}/{d['name']}"), None)
        return JSONResponse({}) if gone else err(404, "RepoNotFound", "Repository not found")

    async def info(self, r):
        repo, c, e = self.repo_rev(r)
        return e or JSONResponse(
            {
                "id": repo.name,
                "sha": c.oid,
                "private": repo.private,
                "tags": [],
                "lastModified": c.date,
                "siblings": [{"rfilename": p} for p in c.tree],
                "downloads": 0,
                "likes": 0,
            }
        )

    @staticmethod
    def small(data: bytes):
        return Blob(hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(), len(data), data=data)

    async def preupload(self, r):
        _repo, c, e = self.repo_rev(r)
        if e:
            return e
        out = []
        for f in (await r.json())["files"]:
            big = f["size"] >= self.lfs_threshold or f["path"].endswith((".safetensors", ".npz", ".parquet", ".bin"))
            b = c.tree.get(f["path"])
            out.append(
                {
                    "path": f["path"],
                    "uploadMode": "lfs" if big else "regular",
                    "shouldIgnore": False,
                    "oid": (b.sha256 or b.oid) if b else None,
                }
            )
        return JSONResponse({"files": out, "commitOid": c.oid})

    async def do_commit(self, r):
        repo, c, e = self.repo_rev(r)
        if e:
            return e
        ops = [json.loads(x) for x in (await r.body()).splitlines() if x]
        head = ops.pop(0)["value"]
        ref = unquote(r.path_params["rev"])
        with self.lock:
            now = time.time()
            while self.commit_times and self.commit_times[0] < now - 3600:
                self.commit_times.popleft()
            if self.commits_per_hour is not None and len(self.commit_times) >= self.commits_per_hour:
                return err(429, "", "You have exceeded the rate limit for repository commits (128 per hour).")
            c = repo.at(ref)  # again, under the lock
            if head.get("parentCommit") and not c.oid.startswith(head["parentCommit"]):
                return err(412, "", "A commit has happened since. Please refresh and try again.")
            tree = dict(c.tree)
            for op in ops:
                v, path = op["value"], op["value"]["path"]
                if op["key"] == "file":
                    tree[path] = self.small(base64.b64decode(v["content"]))
                elif op["key"] == "lfsFile":
                    sha, data = v["oid"], self.lfs.get(v["oid"])
                    xet = self.sha2xet.get(sha)
                    if data is None and xet is None:
                        return err(400, "", f"LFS pointer pointed to a file that does not exist: {sha}")
                    size = len(data) if data is not None else sum(t[1] for t in self.xfiles[xet])
                    ptr = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha}\nsize {size}\n".encode()
                    tree[path] = Blob(self.small(ptr).oid, size, sha, data, xet)
                elif op["key"] == "deletedFile":
                    if tree.pop(path, None) is None:
                        return err(404, "EntryNotFound", "A file with this name doesn't exist")
                elif op["key"] == "deletedFolder":
                    tree = {p: b for p, b in tree.items() if not p.startswith(path.rstrip("/") + "/")}
            oid = repo.commit(tree, head["summary"], ref)
            self.commit_times.append(now)
        return JSONResponse(
            {"success": True, "commitOid": oid, "commitUrl": f"{r.base_url}{repo.name}/commit/{oid}", "hookOutput": ""}
        )

    def listing(self, files, prefix, recursive):
        out, dirs = [], set()
        for p in sorted(files):
            if prefix and not p.startswith(prefix + "/"):
                continue
            parts = p[len(prefix) + 1 if prefix else 0 :].split("/")
            for i in range(1, len(parts)):
                d = "/".join(([prefix] if prefix else []) + parts[:i])
                if d not in dirs and (recursive or i == 1):
                    dirs.add(d)
                    out.append({"type": "directory", "path": d, "oid": hashlib.sha1(d.encode()).hexdigest(), "size": 0})
            if recursive or len(parts) == 1:
                out.append(self.entry(p, files[p]))
        return out

    def page(self, r, items, size=1000):
        at = int(r.query_params.get("cursor", 0))
        h = {}
        if at + size < len(items):
            h["Link"] = f'<{r.url.include_query_params(cursor=at + size)}>; rel="next"'
        return JSONResponse(items[at : at + size], headers=h)

    async def tree(self, r):
        _repo, c, e = self.repo_rev(r)
        if e:
            return e
        prefix = unquote(r.path_params.get("path", "")).strip("/")
        items = self.listing(c.tree, prefix, r.query_params.get("recursive", "").lower() == "true")
        return self.page(r, items) if items or not prefix else err(404, "EntryNotFound", "path does not exist")

    async def paths(self, r):
        _repo, c, e = self.repo_rev(r)
        if e:
            return e
        form = await r.form()
        items = []
        for p in form.getlist("paths"):
            if p in c.tree:
                items.append(self.entry(p, c.tree[p]))
            elif any(q.startswith(p + "/") for q in c.tree):
                items.append({"type": "directory", "path": p, "oid": "0" * 40})
        return JSONResponse(items)

    async def commits(self, r):
        repo, c, e = self.repo_rev(r)
        if e:
            return e
        out = []
        while c:
            out.append({"id": c.oid, "title": c.title, "message": "", "date": c.date, "authors": []})
            c = repo.commits.get(c.parent)
        return self.page(r, out)

    async def squash(self, r):
        repo, c, e = self.repo_rev(r)
        if not e:
            repo.refs.pop(unquote(r.path_params["rev"]))
            repo.commit(c.tree, "squash", unquote(r.path_params["rev"]))
        return e or JSONResponse({})

    async def resolve(self, r):
        repo, c, e = self.repo_rev(r)
        if e:
            return e
        b = c.tree.get(unquote(r.path_params["path"]))
        if b is None:
            return err(404, "EntryNotFound", "Entry not found", **{"X-Repo-Commit": c.oid})
        h = {"ETag": f'"{b.sha256 or b.oid}"', "X-Repo-Commit": c.oid, "Accept-Ranges": "bytes"}
        if b.sha256:
            h |= {"X-Linked-Etag": f'"{b.sha256}"', "X-Linked-Size": str(b.size)}
        if b.xet:
            h |= {
                "X-Xet-Hash": b.xet,
                "Link": f'<{r.base_url}api/{repo.kind}s/{repo.name}/xet-read-token/{c.oid}>; rel="xet-auth"',
            }
        return await self.body(r, b, h)

    async def body(self, r, b, h):
        if r.method == "HEAD":
            return Response(None, 200, h | {"Content-Length": str(b.size)})
        data = b.data if b.data is not None else await run_in_threadpool(self.assemble, b, str(r.base_url))
        m = re.match(r"bytes=(\d+)-(\d*)", r.headers.get("range", ""))
        if not m:
            return Response(data, 200, h)
        lo, hi = int(m[1]), min(int(m[2] or b.size - 1), b.size - 1)
        return Response(data[lo : hi + 1], 206, h | {"Content-Range": f"bytes {lo}-{hi}/{b.size}"})

    # ------------------------------------------------------------------ LFS
    async def lfs_batch(self, r):
        d = await r.json()
        objs = []
        for o in d["objects"]:
            x = {"oid": o["oid"], "size": o["size"]}
            if o["oid"] not in self.lfs:
                x["actions"] = {"upload": {"href": f"{r.base_url}lfs/{o['oid']}"}}
            objs.append(x)
        return JSONResponse({"transfer": "basic", "objects": objs})

    async def lfs_put(self, r):
        data = await r.body()
        if hashlib.sha256(data).hexdigest() != r.path_params["oid"]:
            return err(400, "", "checksum mismatch")
        self.lfs[r.path_params["oid"]] = data
        return Response()

    # ------------------------------------------------------------------ Xet content-addressed store
    async def xet_token(self, r):
        d = {"accessToken": "xet", "exp": int(time.time()) + 3600, "casUrl": f"{r.base_url}cas"}
        return JSONResponse(
            d,
            headers={
                "X-Xet-Cas-Url": d["casUrl"],  # type: ignore[dict-item]
                "X-Xet-Access-Token": "xet",
                "X-Xet-Token-Expiration": str(d["exp"]),
            },
        )

    async def xorb_put(self, r):
        self.xorbs[r.path_params["hash"]] = await r.body()
        return JSONResponse({"was_inserted": True})

    async def shard_put(self, r):
        s, at = await r.body(), 48
        while True:
            fh, (flags, n) = s[at : at + 32], struct.unpack_from("<II", s, at + 32)
            at += 48
            if fh == b"\xff" * 32:
                return JSONResponse({"result": 1})
            terms = [(mhash(s[i : i + 32]), *struct.unpack_from("<III", s, i + 36)) for i in range(at, at + 48 * n, 48)]
            at += 48 * n * (2 if flags >> 31 else 1)
            self.xfiles[mhash(fh)] = terms
            if flags & 1 << 30:
                self.sha2xet[mhash(s[at : at + 32])] = mhash(fh)
                at += 48

    def chunk_offsets(self, xorb):  # byte offset of each chunk in the serialized xorb, plus the end
        d, at, out = self.xorbs[xorb], 0, [0]
        while at + 8 <= len(d) and d[at] == 0 and d[at : at + 7] != b"XETBLOB":
            at += 8 + int.from_bytes(d[at + 1 : at + 4], "little")
            out.append(at)
        return out

    async def reconstruct(self, r):
        segs = self.xfiles.get(r.path_params["hash"])
        if segs is None:
            return err(404, "", "not found")
        size = sum(s[1] for s in segs)
        m = re.match(r"bytes=(\d+)-(\d*)", r.headers.get("range", "bytes=0-"))
        lo, hi = int(m[1]), int(m[2] or size - 1)
        if lo >= size:
            return err(416, "", "range")
        terms, fetch, at, skip = [], {}, 0, None
        for x, n, a, b in segs:
            if at + n > lo and at <= hi:
                skip = lo - at if skip is None else skip
                terms.append({"hash": x, "unpacked_length": n, "range": {"start": a, "end": b}})
                off = self.chunk_offsets(x)
                fi = {
                    "range": {"start": a, "end": b},
                    "url": f"{r.base_url}cas/xorb/{x}",
                    "url_range": {"start": off[a], "end": off[b] - 1},
                }
                if fi not in fetch.setdefault(x, []):
                    fetch[x].append(fi)
            at += n
        return JSONResponse({"offset_into_first_range": skip, "terms": terms, "fetch_info": fetch})

    async def xorb_get(self, r):
        d = self.xorbs[r.path_params["hash"]]
        lo, hi = map(int, re.match(r"bytes=(\d+)-(\d+)", r.headers["range"]).groups())
        return Response(d[lo : hi + 1], 206, {"Content-Range": f"bytes {lo}-{hi}/{len(d)}"})

    def assemble(self, b, base):  # plain-HTTP reads of Xet files (the Hub's bridge): decode with hf_xet itself
        import hf_xet

        with tempfile.TemporaryDirectory() as d:
            tok = {"token_refresh_url": f"{base}xet/token", "token_refresh_headers": {}, "custom_headers": {}}
            with hf_xet.XetSession().new_file_download_group(**tok) as g:
                g.start_download_file(hf_xet.XetFileInfo(b.xet, b.size), f"{d}/f")
            b.data = Path(d, "f").read_bytes()
        return b.data

    # ------------------------------------------------------------------ run
    def start(self, port=0):
        self.server = uvicorn.Server(
            uvicorn.Config(self, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
        )
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def stop(self):
        self.server.should_exit = True
        self.thread.join(5)

    __enter__ = start

    def __exit__(self, *a):
        self.stop()
