#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""registry_rig.py proxy PORT UPSTREAM FAULT LOG | token PORT KEY CERT LOG

proxy: hands requests on to the registry at 127.0.0.1:UPSTREAM, and does to GETs of blobs what the file FAULT says: a word, perhaps an
argument, and how many times ("cut 1", "429 2", "redirect http://... 1"). Requests go to LOG with Range and Authorization.
token: gives a token to user u with password pw, signed by KEY, whose certificate is CERT.
"""
import base64, http.client, json, os, socket, subprocess, sys, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

kind, port = sys.argv[1], int(sys.argv[2])
log_path = sys.argv[-1]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self):
        with open(log_path, "a") as log:
            log.write("%s %s range=%s auth=%s\n" % (self.command, self.path, self.headers.get("Range", "-"),
                                                    self.headers.get("Authorization", "-")))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Proxy(Handler):
    def fault(self):
        """The next fault, once less from now on."""
        path = sys.argv[4]
        words = open(path).read().split() if os.path.exists(path) else []
        if not words or "/blobs/" not in self.path or self.command != "GET" or int(words[-1]) == 0:
            return []
        words[-1] = str(int(words[-1]) - 1)
        with open(path, "w") as out:
            out.write(" ".join(words))
        return words

    def handle_any(self):
        self.note()
        fault = self.fault()
        what = fault[0] if fault else ""
        if what == "hang":
            time.sleep(60)
        if what in ("429", "500"):
            return self.answer(int(what), b"", [("Retry-After", "1")] if what == "429" else ())
        if what == "redirect":
            return self.answer(307, b"", [("Location", fault[1] + self.path)])
        upstream = http.client.HTTPConnection("127.0.0.1", int(sys.argv[3]))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection",)}
        upstream.request(self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))) or None, headers)
        reply = upstream.getresponse()
        body = reply.read()
        if what == "corrupt" and body:
            body = body[:len(body) // 2] + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1:]
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", reply.headers.get("Content-Length", len(body)) if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if what == "cut":
            body = body[:len(body) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)
        if what == "cut":
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Token(Handler):
    def do_GET(self):
        self.note()
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"u:pw").decode():
            return self.answer(401, b'{"errors":[{"message":"who are you"}]}')
        access = []
        for scope in query.get("scope", []):
            parts = scope.split(":")
            access.append({"type": parts[0], "name": ":".join(parts[1:-1]), "actions": parts[-1].split(",")})
        cert = subprocess.run(["openssl", "x509", "-in", sys.argv[4], "-outform", "DER"], capture_output=True, check=True).stdout
        now = int(time.time())
        head = {"alg": "RS256", "typ": "JWT", "x5c": [base64.b64encode(cert).decode()]}
        claims = {"iss": "rig", "sub": "u", "aud": query["service"][0], "exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(now),
                  "access": access}
        text = encode(json.dumps(head).encode()) + b"." + encode(json.dumps(claims).encode())
        sign = subprocess.run(["openssl", "dgst", "-sha256", "-sign", sys.argv[3]], input=text, capture_output=True, check=True).stdout
        self.answer(200, json.dumps({"token": (text + b"." + encode(sign)).decode()}).encode())


ThreadingHTTPServer(("127.0.0.1", port), Proxy if kind == "proxy" else Token).serve_forever()
