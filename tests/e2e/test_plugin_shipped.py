"""The plugins that ship: checksums and compression of files, SQL, HTTP. What they answer is worked out again
here."""

import base64
import hashlib
import http.server
import json
import os
import random
import shutil
import sqlite3
import ssl
import subprocess
import threading
import zlib

import pytest

HOMES = ["process", "thread"]


def node(target, home="process", **given):
    return json.dumps({"id": "n", "plugin": target, "isolation": home, "with": given}, ensure_ascii=False)


def error(world, text, **more):
    return world.run(text, code=1, **more)["error"]


# ---- files -------------------------------------------------------------------------------------


@pytest.fixture
def data(world):
    content = random.Random(1).randbytes(300_000) + b"the same again " * 200_000
    (world.path / "data.bin").write_bytes(content)
    return content


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "blake2b", "crc32"])
def test_checksum(world, data, home, algorithm):
    wanted = f"{zlib.crc32(data):08x}" if algorithm == "crc32" else \
        hashlib.new(algorithm, data).hexdigest()
    got = world.run(node("files:checksum", home, path="data.bin", algorithm=algorithm))["result"]
    assert got == {"algorithm": algorithm, "hex": wanted, "bytes": len(data)}
    well = node("files:checksum", home, path="data.bin", algorithm=algorithm, expect=wanted)
    assert world.run(well)["status"] == "succeeded"
    told = error(world, node("files:checksum", home, path="data.bin", algorithm=algorithm,
                             expect=wanted[::-1]))
    assert told["type"] == "Mismatch" and wanted in told["message"]


def test_checksum_of_nothing_and_of_what_is_not_there(world):
    (world.path / "empty").write_bytes(b"")
    assert world.run(node("files:checksum", path="empty"))["result"]["hex"] == \
        hashlib.sha256(b"").hexdigest()
    told = error(world, node("files:checksum", path="none"))
    assert told["type"] == "File" and "none: No such file" in told["message"]


@pytest.mark.parametrize("home", HOMES)
def test_compressed_and_back(world, data, home):
    text = f"""chain:
  - {{id: pack, isolation: {home}, plugin: "files:compress", with: {{path: data.bin, level: 9}}}}
  - {{id: unpack, isolation: {home}, plugin: "files:decompress",
      with: {{path: "${{{{ prev.path }}}}", to: back.bin}}}}
"""
    document = world.run(text)
    packed = world.node("pack")["result"]
    assert packed["path"] == str(world.path / "data.bin.zst") and packed["from_bytes"] == len(data)
    assert packed["bytes"] == os.path.getsize(packed["path"]) < len(data) / 5
    assert document["result"]["bytes"] == len(data)
    assert (world.path / "back.bin").read_bytes() == data
    assert not list(world.path.glob("*.part"))


def test_what_is_no_zstd_or_cut_off_or_too_large(world, data):
    told = error(world, node("files:decompress", path="data.bin"))
    assert told["type"] == "Zstd" and not (world.path / "data.bin.unpacked").exists()
    world.run(node("files:compress", path="data.bin"))
    whole = (world.path / "data.bin.zst").read_bytes()
    (world.path / "cut.zst").write_bytes(whole[:-100])
    told = error(world, node("files:decompress", path="cut.zst"))
    assert "cut off" in told["message"] and not (world.path / "cut").exists()
    told = error(world, node("files:decompress", path="data.bin.zst", to="x", max_bytes=1000))
    assert told["type"] == "TooLarge" and not (world.path / "x").exists()
    assert not list(world.path.glob("*.part"))


def test_paths_are_the_tasks_own(world):
    (world.path / "sub").mkdir()
    (world.path / "sub" / "f").write_bytes(b"x")
    for home in HOMES:
        text = node("files:checksum", home, path="f").replace('"id"', '"dir": "sub", "id"')
        assert world.run(text)["result"]["bytes"] == 1


# ---- sqlite ------------------------------------------------------------------------------------


@pytest.fixture
def shop(world):
    db = sqlite3.connect(world.path / "shop.db")
    db.execute("create table item (id integer primary key, name text, price real, image blob)")
    db.executemany("insert into item values (?, ?, ?, ?)",
                   [(1, "tea", 2.5, b"\0\1\2"), (2, "süß \"x\"", None, None), (2**60, "far", 1e300, b"")])
    db.commit()
    db.close()
    return world


@pytest.mark.parametrize("home", HOMES)
def test_rows_as_json(shop, home):
    got = shop.run(node("sqlite:query", home, database="shop.db",
                        sql="select id, name, price, image from item order by id"))["result"]
    assert got["columns"] == ["id", "name", "price", "image"] and got["changes"] == 0
    assert got["rows"] == [
        {"id": 1, "name": "tea", "price": 2.5, "image": base64.b64encode(b"\0\1\2").decode()},
        {"id": 2, "name": 'süß "x"', "price": None, "image": None},
        {"id": 2**60, "name": "far", "price": 1e300, "image": ""}]


@pytest.mark.parametrize("params, wanted", [
    ([1], ["tea"]),
    ({"id": 1}, ["tea"]),
])
def test_parameters_are_bound(shop, params, wanted):
    mark = "?" if isinstance(params, list) else ":id"
    got = shop.run(node("sqlite:query", database="shop.db", rows="arrays", params=params,
                        sql=f"select name from item where id = {mark}"))["result"]
    assert got["rows"] == [wanted]


def test_a_parameter_never_becomes_sql(shop):
    text = f"""chain:
  - value: "x' or 1=1; drop table item; --"
  - {node("sqlite:query", database="shop.db", sql="select count(*) as n from item where name = ?",
          params=["${{ prev }}"], write=True)}
"""
    assert shop.run(text)["result"]["rows"] == [{"n": 0}]
    assert sqlite3.connect(shop.path / "shop.db").execute("select count(*) from item").fetchone() == (3,)


def test_types_go_there_and_back(shop):
    given = [1, 2**63 - 1, -2.5, "ü\U0001f600", None, True, {"a": [1]}]
    got = shop.run(node("sqlite:query", database="shop.db", rows="arrays", params=given,
                        sql="select ?, ?, ?, ?, ?, ?, ?"))["result"]
    assert got["rows"] == [[1, 2**63 - 1, -2.5, "ü\U0001f600", None, 1, '{"a":[1]}']]


def test_it_only_reads_unless_told(shop):
    insert = {"database": "shop.db", "sql": "insert into item (name) values (?)", "params": ["new"]}
    assert "readonly" in error(shop, node("sqlite:query", **insert))["message"]
    got = shop.run(node("sqlite:query", write=True, **insert))["result"]
    assert got["changes"] == 1 and got["rows"] == []
    assert error(shop, node("sqlite:query", database="none.db", sql="select 1"))["type"] == "Database"
    assert not (shop.path / "none.db").exists()


@pytest.mark.parametrize("given, wanted", [
    ({"sql": "selekt 1"}, 'near "selekt": syntax error'),
    ({"sql": "select 1; select 2"}, "one statement at a time"),
    ({"sql": " ; "}, "there is no statement"),
    ({"sql": "select ?"}, "has 1 parameter, and fewer are given"),
    ({"sql": "select ?", "params": [1, 2]}, "has 1 parameter, and more are given"),
    ({"sql": "select :a", "params": {"b": 1}}, "no parameter :b"),
    ({"sql": "select * from item", "max_rows": 2}, "more than 2 rows"),
])
def test_sql_that_cannot_be(shop, given, wanted):
    assert wanted in error(shop, node("sqlite:query", database="shop.db", **given))["message"]


@pytest.mark.parametrize("home", HOMES)
def test_an_endless_query_hears_that_it_is_to_stop(shop, home):
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    text = node("sqlite:query", home, database="shop.db", sql=endless)
    told = error(shop, text.replace('"id"', '"timeout": "300ms", "grace": "120s", "id"'))
    assert told["cause"] == "timeout"


# ---- http --------------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def any(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if self.path == "/slow":
            self.server.stop.wait(60)
        if self.path.startswith("/status/"):
            return self.answer(int(self.path[8:]), b"what went wrong")
        if self.path == "/away":
            return self.answer(302, Location="/echo")
        if self.path == "/loop":
            return self.answer(302, Location="/loop")
        if self.path.startswith("/bytes/"):
            return self.answer(200, b"\xff" * int(self.path[7:]))
        told = {"method": self.command, "path": self.path, "body": body.decode(),
                "headers": {k.lower(): v for k, v in self.headers.items()}}
        return self.answer(200, json.dumps(told).encode(), Content_Type="application/json", X_Own="ü!")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = any


def serve(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.stop = threading.Event()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def web(world):
    server = serve()
    world.env.update(no_proxy="*")
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield world
    server.stop.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("home", HOMES)
def test_get(web, home):
    got = web.run(node("http:request", home, url=web.url + "/echo?a=b", headers={"X-Mine": "1"}))["result"]
    told = json.loads(got["body"])
    assert got["status"] == 200 and got["headers"]["content-type"] == "application/json"
    assert told["method"] == "GET" and told["path"] == "/echo?a=b" and told["headers"]["x-mine"] == "1"
    assert got["bytes"] == len(got["body"].encode()) and got["base64"] is None


@pytest.mark.parametrize("given, method, body, type", [
    ({"body": {"a": [1, "ü"]}}, "POST", '{"a":[1,"ü"]}', "application/json"),
    ({"body": "text"}, "POST", "text", "text/plain; charset=utf-8"),
    ({"body": "a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, "POST", "a=b",
     "application/x-www-form-urlencoded"),
    ({"body": "x", "method": "PUT"}, "PUT", "x", "text/plain; charset=utf-8"),
    ({"method": "DELETE"}, "DELETE", "", None),
])
def test_what_is_sent(web, given, method, body, type):
    got = web.run(node("http:request", url=web.url + "/x", **given))["result"]
    told = json.loads(got["body"])
    assert told["method"] == method and told["body"] == body
    assert told["headers"].get("content-type") == type


def test_head_has_no_body(web):
    got = web.run(node("http:request", url=web.url + "/x", method="HEAD"))["result"]
    assert got["status"] == 200 and got["body"] == "" and int(got["headers"]["content-length"]) > 0


def test_a_status_that_is_not_expected_fails(web):
    told = error(web, node("http:request", url=web.url + "/status/404"))
    assert told["type"] == "Status" and told["cause"] == "exception"
    assert "answered with status 404: what went wrong" in told["message"]
    got = web.run(node("http:request", url=web.url + "/status/404", expect=[200, 404]))["result"]
    assert got["status"] == 404 and got["body"] == "what went wrong"
    assert error(web, node("http:request", url=web.url + "/x", expect=[201]))["type"] == "Status"


def test_redirects_are_bounded(web):
    got = web.run(node("http:request", url=web.url + "/away"))["result"]
    assert got["url"] == web.url + "/echo" and "location" not in got["headers"]
    assert error(web, node("http:request", url=web.url + "/loop"))["type"] == "Request"
    got = web.run(node("http:request", url=web.url + "/away", redirects=0, expect=[302]))["result"]
    assert got["headers"]["location"] == "/echo"


def test_what_comes_is_bounded(web):
    got = web.run(node("http:request", url=web.url + "/bytes/5"))["result"]
    assert got["body"] is None and base64.b64decode(got["base64"]) == b"\xff" * 5
    told = error(web, node("http:request", url=web.url + "/bytes/100000", max_bytes=99999))
    assert told["type"] == "TooLarge"
    web.run(node("http:request", url=web.url + "/bytes/100000", max_bytes=100000, to="saved"))
    assert (web.path / "saved").read_bytes() == b"\xff" * 100000
    error(web, node("http:request", url=web.url + "/status/500", to="other"))
    assert not (web.path / "other").exists() and not list(web.path.glob("*.part"))


@pytest.mark.parametrize("home", HOMES)
def test_time_is_bounded(web, home):
    told = error(web, node("http:request", home, url=web.url + "/slow", timeout=0.2))
    assert told["type"] == "Timeout"
    text = node("http:request", home, url=web.url + "/slow")
    told = error(web, text.replace('"id"', '"timeout": "300ms", "grace": "120s", "id"'))
    assert told["cause"] == "timeout"


@pytest.mark.parametrize("given, wanted", [
    ({"url": "file:///etc/passwd"}, "does not match the pattern"),
    ({"url": "http://127.0.0.1:1/", "verify": 1}, "1 is no boolean"),
    ({}, "wants the argument 'url'"),
])
def test_mistakes_are_found_before_a_run(world, given, wanted):
    done = world("validate", world.write(node("http:request", **given)), code=2)
    assert wanted in done.err + done.out


def test_nobody_there_and_a_header_that_cannot_be(web):
    assert error(web, node("http:request", url="http://127.0.0.1:1/"))["type"] == "Connect"
    text = node("http:request", url=web.url, headers={"X": "a\r\nY: b"})
    assert error(web, text)["type"] == "Header"


def test_a_secret_in_a_header(web):
    text = node("http:request", url=web.url + "/x", headers={"Authorization": "Bearer ${{ secrets.T }}"},
                expect=[299])
    told = error(web, text, env={"ACTANT_SECRET_T": "hunter2-hunter2"})
    assert "status 200" in told["message"] and "hunter2" not in told["message"]
    assert "***" in told["message"]


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_certificates_are_verified(world):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                    "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   cwd=world.path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.path / "cert.pem", world.path / "key.pem")
    server = serve(context)
    url = f"https://127.0.0.1:{server.server_address[1]}/x"
    world.env.update(no_proxy="*")
    assert error(world, node("http:request", url=url))["type"] == "Certificate"
    assert world.run(node("http:request", url=url, verify=False))["result"]["status"] == 200
    assert world.run(node("http:request", url=url, ca_file="cert.pem"))["result"]["status"] == 200
    server.shutdown()
    server.server_close()


def test_what_ships_is_found(world):
    told = world.json("plugin", "inspect", "files")
    assert [t["name"] for t in told["tasks"]] == ["checksum", "compress", "decompress"]
