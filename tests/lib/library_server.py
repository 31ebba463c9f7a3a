#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A container library on loopback, with the HTTP interface that SingularityCE's client speaks, kept in a directory.

library_server.py DIRECTORY: prints "LIBRARY-PORT STORAGE-PORT" to DIRECTORY/ports when it answers, and runs until it is killed.
The storage is another origin: it takes and gives the bytes by addresses that are signed, and knows no tokens.

DIRECTORY/behaviour (JSON, read anew for each request) changes what it does:
  tokens        list of tokens that are good (default ["good.token"])
  version       what it says as apiVersion (default "2.0.0-alpha.2"); null: it has no such page
  direct        true: sends image files itself instead of redirecting to the storage
  ranges        false: the storage sends whole files only
  corrupt       true: the storage changes the last byte of what it sends
  cut           number of bytes after which the storage cuts a connection, once for each part
  quota         bytes that may be stored
  part          size of the parts of an upload; null: it knows no parts
  oci           {"url", "token", "name"}: what oci-redirect answers; without it 404
  same_storage  true: redirects stay at the library's own origin
  fail          {"METHOD /path": status} answers with an error; * stands for anything
DIRECTORY/log gets a line for each request: origin, method, path, "auth" or "anonymous", range.
"""
import fnmatch
import hashlib
import json
import os
import socketserver
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = sys.argv[1]
LOCK = threading.RLock()
PORTS = {}
SECRET = uuid.uuid4().hex
CUT = set()


def behaviour():
    try:
        with open(os.path.join(ROOT, "behaviour"), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


class Database:
    """Everything but the files, written out after each change."""

    def __init__(self):
        self.path = os.path.join(ROOT, "db.json")
        self.data = {"entities": {}, "collections": {}, "containers": {}, "images": {}, "tags": {}, "uploads": {}}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.data = json.load(file)

    def save(self):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
        os.replace(self.path + ".new", self.path)

    def find(self, kind, name):
        return next((o for o in self.data[kind].values() if o["path"] == name), None)

    def add(self, kind, path, fields):
        thing = dict(fields, id=uuid.uuid4().hex[:24], path=path)
        self.data[kind][thing["id"]] = thing
        self.save()
        return thing

    def used(self):
        return sum(i["size"] for i in self.data["images"].values() if i["uploaded"])


def full_path(name):
    parts = name.split("/")
    if len(parts) == 1:
        parts = ["library", "default"] + parts
    elif len(parts) == 2:
        parts = [parts[0], "default", parts[1]]
    return "/".join(parts)


def blob_path(image_id):
    return os.path.join(ROOT, "files", image_id)


def sign(text):
    return hashlib.sha256((SECRET + text).encode()).hexdigest()


def storage_url(handler, path, query=""):
    same = behaviour().get("same_storage")
    port = PORTS["library" if same else "storage"]
    prefix = "/storage" if same else ""
    return f"http://127.0.0.1:{port}{prefix}{path}?sig={sign(path)}{query}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    origin = "library"

    def log_message(self, *args):
        pass

    def note(self):
        kind = "auth" if self.headers.get("Authorization") else "anonymous"
        with LOCK, open(os.path.join(ROOT, "log"), "a", encoding="utf-8") as file:
            file.write(f"{self.origin} {self.command} {urlsplit(self.path).path} {kind} {self.headers.get('Range', '-')}\n")

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def send(self, status, data=b"", kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def answer(self, data, status=200):
        self.send(status, json.dumps({"data": data}).encode())

    def refuse(self, status, message):
        self.send(status, json.dumps({"error": {"code": status, "message": message}}).encode())

    def serve(self):
        self.note()
        url = urlsplit(self.path)
        status = next((status for what, status in behaviour().get("fail", {}).items()
                       if fnmatch.fnmatchcase(f"{self.command} {url.path}", what)), None)
        content = self.body()
        if status:
            self.refuse(status, "told to fail")
            return
        self.route(unquote(url.path), {k: v[0] for k, v in parse_qs(url.query).items()}, content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve


class Storage(Handler):
    origin = "storage"

    def route(self, path, query, content):
        if query.get("sig") != sign(path):
            self.refuse(403, "SignatureDoesNotMatch")
        elif self.headers.get("Authorization"):
            self.refuse(400, "Only one auth mechanism allowed")
        elif self.command == "PUT":
            self.put(path, content)
        else:
            self.give(path)

    def put(self, path, content):
        wanted = self.headers.get("x-amz-content-sha256")
        if wanted and wanted != hashlib.sha256(content).hexdigest():
            self.refuse(400, "XAmzContentSHA256Mismatch")
            return
        with open(os.path.join(ROOT, "files", os.path.basename(path)), "wb") as file:
            file.write(content)
        self.send(200, ETag=f'"{hashlib.md5(content).hexdigest()}"')

    def give(self, path):
        how = behaviour()
        with open(os.path.join(ROOT, "files", os.path.basename(path)), "rb") as file:
            data = file.read()
        if how.get("corrupt"):
            data = data[:-1] + bytes([data[-1] ^ 1])
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes=") or how.get("ranges") is False:
            self.send_part(200, data, {"ETag": etag}, how, (path, ""))
            return
        first, _, last = wanted[6:].partition("-")
        start, end = int(first), min(int(last) if last else len(data) - 1, len(data) - 1)
        if start >= len(data):
            self.refuse(416, "InvalidRange")
            return
        self.send_part(206, data[start:end + 1], {"Content-Range": f"bytes {start}-{end}/{len(data)}", "ETag": etag}, how,
                       (path, end))

    def send_part(self, status, data, headers, how, key):
        cut = how.get("cut")
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with LOCK:
            fresh = cut and key not in CUT
            if cut:
                CUT.add(key)
        if fresh and len(data) > cut:
            self.wfile.write(data[:cut])
            self.close_connection = True
            return
        self.wfile.write(data)


class Library(Handler):
    def good(self):
        tokens = behaviour().get("tokens", ["good.token"])
        return self.headers.get("Authorization", "") in [f"Bearer {t}" for t in tokens]

    def route(self, path, query, content):
        if path.startswith("/storage/"):
            self.path = self.path[len("/storage"):]
            Storage.route(self, path[len("/storage"):], query, content)
            return
        with LOCK:
            body = json.loads(content) if content and not path.startswith("/v1/imagefile/") else {}
            self.dispatch(path, query, body, content)

    # Same origin: the token comes along, and is no harm.
    def put(self, path, content):
        Storage.put(self, path, content)

    def give(self, path):
        Storage.give(self, path)

    def send_part(self, *args):
        Storage.send_part(self, *args)

    def dispatch(self, path, query, body, content):
        parts = path.strip("/").split("/")
        if path == "/assets/config/config.prod.json":
            self.services()
        elif parts[-1] == "version" and len(parts) <= 2:
            self.version()
        elif path == "/token/v1/token-status":
            self.answer({}) if self.good() else self.refuse(404, "Not Found")
        elif path == "/v1/rbac/users/current":
            self.user()
        elif path == "/v1/oci-redirect":
            where = behaviour().get("oci")
            self.send(200, json.dumps(where).encode()) if where else self.refuse(404, "Not Found")
        elif path == "/v1/search":
            self.search(query)
        elif parts[:2] == ["v1", "imagefile"] and self.command == "GET":
            self.image_file("/".join(parts[2:]), query)
        elif parts[:2] == ["v1", "images"] and self.command == "GET":
            self.image_info("/".join(parts[2:]), query)
        elif self.command == "GET" and parts[0] == "v1" and parts[1] in ("entities", "collections", "containers"):
            found = DB.find(parts[1], "/".join(parts[2:]))
            self.answer(found) if found else self.refuse(404, "Not Found")
        elif not self.good():
            self.refuse(401, "Unauthorized")
        elif self.command == "DELETE" and parts[:2] == ["v1", "images"]:
            self.delete("/".join(parts[2:]), query)
        elif self.command == "POST" and parts[0] == "v1" and len(parts) == 2:
            self.create(parts[1], body)
        elif parts[0] in ("v1", "v2") and parts[1] == "tags":
            self.tags(parts[0], parts[2], body)
        elif parts[:2] == ["v1", "imagefile"] and self.command == "POST":
            self.store(parts[2], content)
        elif parts[:2] == ["v2", "imagefile"]:
            self.upload(parts[2], parts[3] if len(parts) > 3 else "", body)
        else:
            self.refuse(404, "Not Found")

    # ---- what there is ----

    def services(self):
        base = f"http://127.0.0.1:{PORTS['library']}"
        self.send(200, json.dumps({
            "libraryAPI": {"uri": base, "registryUri": "http://registry.invalid"},
            "keystoreAPI": {"uri": base + "/keys"},
            "tokenAPI": {"uri": base + "/token"},
            "builderAPI": {"uri": base + "/build"},
            "consentAPI": {"uri": base + "/gone/away"},
            "buildInfo": {"colour": "green"}}).encode())

    def version(self):
        version = behaviour().get("version", "2.0.0-alpha.2")
        if version is None:
            self.refuse(404, "Not Found")
        else:
            self.answer({"version": "v1.2.3", "apiVersion": version})

    def user(self):
        if not self.good():
            self.refuse(401, "Unauthorized")
            return
        self.send(200, json.dumps({"username": "jane", "email": "jane@example.org", "realname": "Jane",
                                   "oidc_user_meta": {"secret": "registry.secret"}}).encode())

    def find_image(self, reference, arch):
        path, _, tag = reference.partition(":")
        container = DB.find("containers", full_path(path))
        if not container or (container["path"].startswith("private/") and not self.good()):
            return None
        if tag.startswith("sha256."):
            return next((i for i in DB.data["images"].values()
                         if i["container"] == container["id"] and i["hash"] == tag and i.get("arch") in (None, arch)), None)
        tags = DB.data["tags"].get(container["id"], {})
        return DB.data["images"].get(tags.get(f"{arch}:{tag or 'latest'}") or tags.get(f":{tag or 'latest'}"))

    def describe(self, image):
        container = DB.data["containers"][image["container"]]
        entity, collection, name = container["path"].split("/")
        tags = [t.partition(":")[2] for t, i in DB.data["tags"].get(container["id"], {}).items() if i == image["id"]]
        return dict(image, entityName=entity, collectionName=collection, containerName=name, tags=sorted(tags))

    def image_info(self, reference, query):
        image = self.find_image(reference, query.get("arch"))
        self.answer(self.describe(image)) if image else self.refuse(404, "Not Found")

    def image_file(self, reference, query):
        image = self.find_image(reference, query.get("arch"))
        if not image or not image["uploaded"]:
            self.refuse(404, "Not Found")
        elif behaviour().get("direct"):
            self.give("/" + image["id"])
        else:
            self.send(303, Location=storage_url(self, "/" + image["id"]))

    def search(self, query):
        value = query.get("value", "")
        if len(value) < 3:
            self.refuse(400, "at least 3 characters")
            return
        found = []
        for image in DB.data["images"].values():
            described = self.describe(image)
            text = DB.data["containers"][image["container"]]["path"] + " " + image.get("description", "")
            if value in text and image["uploaded"] and image.get("arch") in (None, query.get("arch")):
                if query.get("signed") != "true" or image.get("signed"):
                    found.append(described)
        self.answer({"entity": [], "collection": [], "container": [], "image": found})

    # ---- changes ----

    def create(self, kind, body):
        parents = {"collections": ("entities", "entity"), "containers": ("collections", "collection"),
                   "images": ("containers", "container")}
        if kind not in ("entities", "collections", "containers", "images"):
            self.refuse(404, "Not Found")
            return
        path = body.get("name") or body.get("hash")
        if kind in parents:
            parent_kind, member = parents[kind]
            parent = DB.data[parent_kind].get(body.get(member))
            if not parent:
                self.refuse(400, f"no such {member}")
                return
            path = parent["path"] + "/" + path
        if kind == "images":
            body = dict(body, size=0, uploaded=False)
        self.answer(DB.add(kind, path, body), 201)

    def tags(self, version, container_id, body):
        if container_id not in DB.data["containers"]:
            self.refuse(404, "Not Found")
            return
        tags = DB.data["tags"].setdefault(container_id, {})
        if self.command == "GET":
            self.answer({})
            return
        if body["ImageID"] not in DB.data["images"]:
            self.refuse(400, "no such image")
            return
        arch = body["Arch"] if version == "v2" else ""
        if version == "v2":
            DB.data["images"][body["ImageID"]]["arch"] = arch
        tags[f"{arch}:{body['Tag']}"] = body["ImageID"]
        DB.save()
        self.answer({})

    def delete(self, reference, query):
        image = self.find_image(reference, query.get("arch"))
        if not image:
            self.refuse(404, "Not Found")
            return
        del DB.data["images"][image["id"]]
        for tags in DB.data["tags"].values():
            for tag in [t for t, i in tags.items() if i == image["id"]]:
                del tags[tag]
        if os.path.exists(blob_path(image["id"])):
            os.unlink(blob_path(image["id"]))
        DB.save()
        self.answer({})

    def over_quota(self, size):
        quota = behaviour().get("quota")
        if quota is not None and DB.used() + size > quota:
            self.refuse(403, "storage quota exceeded")
            return True
        return False

    def complete(self, image_id):
        image = DB.data["images"][image_id]
        try:
            with open(blob_path(image_id), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            self.refuse(400, "nothing was uploaded")
            return
        if image["hash"] != "sha256." + hashlib.sha256(data).hexdigest():
            os.unlink(blob_path(image_id))
            self.refuse(400, "image hash does not match")
            return
        image.update(size=len(data), uploaded=True)
        DB.save()
        path = DB.data["containers"][image["container"]]["path"]
        self.answer({"quota": {"quotaTotal": behaviour().get("quota") or 0, "quotaUsage": DB.used()},
                     "containerUrl": "/library/" + path})

    def store(self, image_id, content):
        if image_id not in DB.data["images"]:
            self.refuse(404, "Not Found")
        elif not self.over_quota(len(content)):
            with open(blob_path(image_id), "wb") as file:
                file.write(content)
            self.complete(image_id)

    def upload(self, image_id, step, body):
        if image_id not in DB.data["images"]:
            self.refuse(404, "Not Found")
        elif step == "" and self.command == "POST":
            if not self.over_quota(body["filesize"]):
                url = storage_url(self, "/" + image_id, "&X-Amz-SignedHeaders=host%3Bx-amz-content-sha256")
                self.answer({"uploadURL": url})
        elif step == "_complete":
            self.complete(image_id)
        elif step.startswith("_multipart"):
            self.multipart(image_id, step, body)
        else:
            self.refuse(404, "Not Found")

    def multipart(self, image_id, step, body):
        part = behaviour().get("part", 16 * 1024 * 1024)
        uploads = DB.data["uploads"]
        if part is None:
            self.refuse(404, "Not Found")
        elif step == "_multipart" and self.command == "POST":
            if self.over_quota(body["filesize"]):
                return
            upload = uuid.uuid4().hex
            uploads[upload] = {"size": body["filesize"], "image": image_id}
            self.answer({"uploadID": upload, "totalParts": -(-body["filesize"] // part), "partSize": part, "options": {}})
        elif body["uploadID"] not in uploads:
            self.refuse(400, "NoSuchUpload")
        elif step == "_multipart":
            self.answer({"presignedURL": storage_url(self, f"/{body['uploadID']}.{body['partNumber']}")})
        elif step == "_multipart_abort":
            del uploads[body["uploadID"]]
            self.answer({})
        else:
            self.assemble(image_id, body)

    def assemble(self, image_id, body):
        with open(blob_path(image_id), "wb") as out:
            for number, part in enumerate(body["completedParts"], 1):
                with open(blob_path(f"{body['uploadID']}.{number}"), "rb") as file:
                    data = file.read()
                if part["partNumber"] != number or part["token"] != f'"{hashlib.md5(data).hexdigest()}"':
                    self.refuse(400, "InvalidPart")
                    return
                out.write(data)
        self.complete(image_id)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, BrokenPipeError)):
            socketserver.BaseServer.handle_error(self, request, client_address)


os.makedirs(os.path.join(ROOT, "files"), exist_ok=True)
DB = Database()
LIBRARY, STORAGE = Server(("127.0.0.1", 0), Library), Server(("127.0.0.1", 0), Storage)
PORTS["library"], PORTS["storage"] = LIBRARY.server_port, STORAGE.server_port
threading.Thread(target=STORAGE.serve_forever, daemon=True).start()
with open(os.path.join(ROOT, "ports.new"), "w", encoding="utf-8") as ports:
    ports.write(f"{PORTS['library']} {PORTS['storage']}\n")
os.replace(os.path.join(ROOT, "ports.new"), os.path.join(ROOT, "ports"))
LIBRARY.serve_forever()
