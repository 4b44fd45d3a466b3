"""`--events-header` and `--events-sign`: what a webhook is told beside the events, and that nobody else learns it."""

import hashlib
import hmac
import http.server
import json
import os
import pathlib
import threading

import pytest

from conftest import PATIENCE_S
from test_detach import processes

TOKEN = "tok-5b1c0f9e77aa"
KEY = "key-91d27c4e5f00"
FLOW = "chain:\n- run: echo one\n- run: env\n"
HEADER = "Authorization: Bearer ${{ secrets.HOOK_TOKEN }}"


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def hooks(world):
    servers = []

    def begin():
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        server.daemon_threads = True
        server.requests, server.status = [], 204
        server.url = f"http://127.0.0.1:{server.server_port}/"
        world.env["ACTANT_EVENTS_TIMEOUT"] = f"{PATIENCE_S}s"
        server.thread = threading.Thread(target=server.serve_forever)
        server.thread.start()
        servers.append(server)
        return server
    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()
        server.thread.join()


@pytest.fixture
def given(world):
    """Options that give both secrets: one from the environment, one from a file."""
    world.env["HOOK_TOKEN"] = TOKEN
    key = world.path / "hook.key"
    key.write_text(KEY + "\n")
    return ["--secret", "HOOK_TOKEN", "--secret", f"HOOK_KEY=@{key}"]


def assert_signed(hook):
    for headers, body in hook.requests:
        expected = "sha256=" + hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Actant-Signature-256"] == expected
    assert hook.requests


def events_of(hook):
    return [json.loads(line) for _, body in hook.requests for line in body.splitlines()]


def assert_nowhere(world, *texts):
    """Neither in the database nor in any file beside it nor in what was said."""
    for file in world.db.parent.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        for secret in (TOKEN, KEY):
            assert secret.encode() not in content, file
    for text in texts:
        assert TOKEN not in text and KEY not in text


def test_a_header_and_a_signature(world, hooks, given):
    hook = hooks()
    done = world("run", world.write(FLOW), "-v", "--events", hook.url, "--events-header", HEADER, "--events-header",
                 "X-Both: ${{secrets.HOOK_TOKEN}}/${{ secrets.HOOK_KEY }}.", "--events-sign", "HOOK_KEY", *given, code=0)
    for headers, _ in hook.requests:
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        assert headers["X-Both"] == f"{TOKEN}/{KEY}." and headers["Content-Type"] == "application/x-ndjson"
    assert_signed(hook)
    assert any(event["type"] == "run_ended" for event in events_of(hook))
    assert_nowhere(world, done.out, done.err, str(events_of(hook)))


def test_neither_is_in_an_argument_of_any_process(world, hooks, given):
    hook = hooks()
    flow = world.write("chain:\n- run: 'true'\n- wait: go\n")
    process = world.start("run", flow, "--events", hook.url, "--events-header", HEADER, "--events-sign", "HOOK_KEY",
                          *given)
    world.wait("a first batch", lambda: hook.requests)
    helpers = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            if b"actant" in command and str(process.pid) in (entry / "stat").read_text().split()[3]:
                helpers.append(command)
                environment = (entry / "environ").read_bytes()
                assert KEY.encode() not in environment
            assert TOKEN.encode() not in command and KEY.encode() not in command
        except (FileNotFoundError, ProcessLookupError):
            pass
    assert any(b"actant-node" in command for command in helpers)
    world("signal", world.last_run(), "go", code=0)
    err = world.end(process, 0)[1]
    assert_signed(hook)
    assert_nowhere(world, err)


def test_for_one_webhook_alone(world, hooks, given):
    one, other = hooks(), hooks()
    world("run", world.write(FLOW), "--events", one.url, "--events", other.url, "--events-header",
          f"{one.url} {HEADER}", "--events-sign", f"{other.url} HOOK_KEY", *given, code=0)
    assert all("Authorization" in headers and "X-Actant-Signature-256" not in headers for headers, _ in one.requests)
    assert all("Authorization" not in headers for headers, _ in other.requests)
    assert one.requests
    assert_signed(other)


def test_resume_sends_them_again_and_wants_the_secrets(world, hooks, given):
    hook = hooks()
    hook.status = 401
    done = world("run", world.write(FLOW), "--json", "--events", hook.url, "--events-header", HEADER, "--events-sign",
                 "HOOK_KEY", *given, code=0)
    run = json.loads(done.out)["run"]
    assert "HTTP 401" in done.err and "sends them again" in done.err
    hook.requests.clear()
    hook.status = 204
    file = given[-1]
    bare = {"HOOK_TOKEN": ""}
    key = pathlib.Path(file.split("@")[1])
    key.rename(key.with_suffix(".away"))
    gone = world("resume", run, env=bare)
    assert gone.returncode != 0 and "HOOK_KEY" in gone.err and not hook.requests
    key.with_suffix(".away").rename(key)
    assert "cannot be written" not in world("resume", run, *given, code=0).err
    assert_signed(hook)
    assert all(headers["Authorization"] == f"Bearer {TOKEN}" for headers, _ in hook.requests)
    assert any(event["type"] == "run_ended" for event in events_of(hook))
    assert_nowhere(world, done.err, gone.err)


def test_in_the_background(world, hooks, given):
    """The secrets reach who drives the run, and nobody's arguments; a second one, too, after the first was killed."""
    hook = hooks()
    flow = world.write("chain:\n- run: 'true'\n- wait: go\n- run: 'true'\n")
    done = world("run", flow, "--detach", "--json", "--events", hook.url, "--events-header", HEADER, "--events-sign",
                 "HOOK_KEY", *given, code=0)
    run = json.loads(done.out)["run"]
    world.wait("a first batch", lambda: hook.requests)
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        assert TOKEN.encode() not in command and KEY.encode() not in command
    [coordinator] = processes("actant", "coordinator", run)
    os.kill(coordinator, 9)
    world("signal", run, "go", code=0)
    world("attach", run, code=0)
    world.wait("its end", lambda: any(event["type"] == "run_ended" for event in events_of(hook)))
    assert_signed(hook)
    assert all(headers["Authorization"] == f"Bearer {TOKEN}" for headers, _ in hook.requests)
    world.wait("its keeper's end", lambda: not processes("actant", "keeper", run))  # it clears its files away
    assert_nowhere(world, done.out, done.err)


@pytest.mark.parametrize("option, value, words", [
    ("--events-header", "Authorization: Bearer plain-text", "process list"),
    ("--events-header", "no colon ${{ secrets.X }}", "NAME: TEXT"),
    ("--events-header", "A b: ${{ secrets.X }}", "NAME: TEXT"),
    ("--events-header", "A: ${{ secrets.X }}\nB: c", "NAME: TEXT"),
    ("--events-header", "A: ${{ env.X }}", "no other expression"),
    ("--events-header", "Content-Length: ${{ secrets.X }}", "not yours"),
    ("--events-sign", "not a name", "name of a secret"),
])
def test_what_is_refused(world, option, value, words):
    done = world("run", world.write(FLOW), "--events", "http://127.0.0.1:1/", option, value, code=2)
    assert words in done.err and "plain-text" not in done.err and not world.db.exists()


def test_a_secret_that_is_missing_or_has_lines(world, hooks):
    hook = hooks()
    done = world("run", world.write(FLOW), "--events", hook.url, "--events-header", HEADER, code=2)
    assert "secrets that are not given: HOOK_TOKEN" in done.err
    lines = world.path / "lines"
    lines.write_text("first-line\nX-Injected: second\n")
    done = world("run", world.write(FLOW), "--events", hook.url, "--events-header", HEADER, "--secret",
                 f"HOOK_TOKEN=@{lines}", code=0)
    assert "several lines" in done.err and "first-line" not in done.err and not hook.requests
