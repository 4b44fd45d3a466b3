"""A folder with a workflow and a database of its own, and what a run in it comes to."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

PATIENCE_S = 300  # a bound for what hangs, not a measure
# What a command did to the world is a line in `effects`: its run, attempt and node.
MARK = 'echo "$ACTANT_RUN_ID $ACTANT_ATTEMPT $ACTANT_NODE" >> effects'


class Broken(Exception):
    """A promise that was not kept: (which loss it is, what was seen)."""

    def __init__(self, loss, words):
        super().__init__(words)
        self.loss = loss


class Place:
    def __init__(self, flow, scratch):
        self.path = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        (self.path / "flow.yaml").write_text(flow)
        self.db = self.path / "actant.db"
        dropped = ("CI", "GITHUB_ACTIONS")
        self.env = {k: v for k, v in os.environ.items() if k not in dropped}
        self.env.update(ACTANT_DB=str(self.db), HOME=str(self.path), TMPDIR=str(self.path))

    def actant(self, *args, env=None, db=None):
        """Runs it to its end."""
        more = {"ACTANT_DB": str(db)} if db else {}
        try:
            return subprocess.run([os.environ["ACTANT"], *map(str, args)], cwd=self.path,
                                  env={**self.env, **more, **(env or {})}, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Broken("stuck", f"actant {' '.join(map(str, args))} does not end") from None

    def well(self, *args, codes=(0,), db=None):
        """What must go well; its output."""
        done = self.actant(*args, db=db)
        if done.returncode not in codes:
            raise Broken("wrong", f"{' '.join(map(str, args))} exits {done.returncode}: "
                                  f"{done.stderr.decode(errors='replace')[-600:]}")
        return done.stdout.decode(errors="replace")

    def rows(self, db=None):
        """The runs that are listed, newest first."""
        if not (db or self.db).exists():
            return []
        done = self.actant("history", "list", "--json", db=db)
        if done.returncode not in (0, 2):
            raise Broken("wrong", f"history list: {done.stderr.decode()[-400:]}")
        return json.loads(done.stdout)["runs"] if done.returncode == 0 else []

    def runs(self, db=None):
        return [row["run"] for row in self.rows(db)]

    def effects(self):
        """(run, attempt, node) for each command that began, in order."""
        file = self.path / "effects"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(line.split(" ", 2)) for line in lines]

    def show(self, run="last", db=None):
        return json.loads(self.well("history", "show", run, "--json", db=db))

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def outline(doc):
    """What must not depend on kills: of a document, without times, attempts and processes."""
    nodes = {node["path"]: (node["status"], json.dumps(node["result"]), json.dumps(node["outputs"]))
             for node in doc["nodes"]}
    return doc["status"], json.dumps(doc["result"]), json.dumps(doc["outputs"]), nodes
