"""The invariants I1 to I7 as a history can show them. A rule looks at one run's events and says what
it found as (invariant, sequence number, words). It knows nothing of how actant decides, only of what a
history may never say."""

from log import RECORDS, files_of
from plan import CACHE, COLLECT, IDEMPOTENT, QUORUM, RETRY_MAX, UNDO, WORK

ENDS = {"succeeded", "failed", "skipped", "cancelled"}
UNPROVEN = {"lost", "interrupted"}
REUSED_END = 8  # of a verdict: a fork has it from the run that it came from


class Instance:
    """What the events have said of one instance so far."""

    def __init__(self):
        self.dispatched = {}  # attempt → seq
        self.ended = {}       # attempt → event
        self.closed = 0       # seq of its verdict, 0 while it is open
        self.verdict = None
        self.began = 0        # seq of its newest beginning
        self.hit = None       # the answer of the cache that was not used yet


class History:
    """Goes through the events once and hands each to the rules."""

    def __init__(self, log, run):
        self.log, self.run, self.plan = log, run, run.plan
        self.found = []
        self.instances = {}
        self.reopened = 0  # seq of the last `retry`
        self.reused = {}   # key → what a fork was told that it need not run
        self.taken = {}    # id in the inbox → seq
        self.over = None   # the run's end
        self.cached = []   # verdicts that the cache gave
        self.last = None

    def say(self, invariant, event, words):
        where = ""
        if event is not None and not event.of_run() and self.plan:
            where = f" ({self.plan.path(event.key)}, attempt {event.attempt})"
        self.found.append((invariant, event.seq if event else 0, words + where))

    def instance(self, key):
        return self.instances.setdefault(key, Instance())

    def judge(self):
        for event in self.run.events:
            if not event.of_run() and event.key[0] >= len(self.plan.nodes):
                self.say("I5", event, "an instance of no node of the plan")
                return self.found
            self._order(event)
            self._files(event)
            handler = getattr(self, f"_on_{event.type}", None)
            if handler:
                handler(event)
            self.last = event
        self._at_the_end()
        return self.found

    # ---- I5: one order, and verdicts that follow from what is under them

    def _order(self, event):
        last = self.last
        if last is None:
            if event.type != "run_started":
                self.say("I5", event, "a log that does not begin with its start")
            return
        if event.type == "run_started":
            self.say("I5", event, "a second start")
        if event.type not in RECORDS:
            if event.at_ns < self.fact_ns:
                self.say("I5", event, "a fact before the one before it")
            if event.steps < self.fact_steps:
                self.say("I5", event, "fewer steps of the machine than before")
            self.fact_ns, self.fact_steps = event.at_ns, event.steps
        if self.over and event.type not in {"retry", "resume", "output", "started"}:
            self.say("I7", event, f"`{event.type}` after the run has ended")

    fact_ns = 0
    fact_steps = 0

    def _follows(self, event):
        """A list's success says that no member of it has failed untolerated."""
        node = self.plan.nodes[event.key[0]]
        if event.status != "succeeded" or node.kind not in {"chain", "group", "dag"}:
            return
        if node.has(COLLECT) or node.has(QUORUM) or event.cause == "return":
            return
        since = self.instance(event.key).began
        for child in node.children:
            inner = self.instances.get((child, event.key[1]))
            if self.plan.nodes[child].role == UNDO or inner is None or inner.verdict is None:
                continue
            verdict = inner.verdict
            if verdict.seq > since and verdict.status == "failed" and not verdict.flag:
                self.say("I5", event, f"succeeded, though a member failed at {verdict.seq}")

    # ---- I1: what the log names is there

    def _files(self, event):
        for name, offset, length in files_of(event):
            if not self.log.has_file(self.run, name, offset, length):
                self.say("I1", event, f"{name} does not have {length} bytes at {offset}")

    # ---- I2, I3, I4: attempts

    def _may_begin_again(self, event, inst):
        """Closed once, an instance begins again only inside something that has begun again since, or
        because a person said `retry`."""
        if self.reopened > inst.closed:
            return True
        for key in self.plan.around(event.key):
            around = self.instances.get(key)
            if around and around.began > inst.closed:
                return True
        return False

    def _begin(self, event):
        inst = self.instance(event.key)
        if inst.closed and not self._may_begin_again(event, inst):
            self.say("I2", event, f"begins again, though it had ended at {inst.closed}")
        if inst.closed:
            inst.closed, inst.verdict = 0, None
        return inst

    def _on_node_started(self, event):
        self._begin(event).began = event.seq

    def _on_node_parked(self, event):
        self._begin(event)

    def _on_dispatched(self, event):
        inst = self._begin(event)
        node = self.plan.nodes[event.key[0]]
        if event.attempt in inst.dispatched:
            self.say("I2", event, "one attempt dispatched twice")
        for attempt, seq in inst.dispatched.items():
            if attempt not in inst.ended:
                self.say("I3", event, f"begins while attempt {attempt} (from {seq}) has no end")
        if inst.dispatched and event.attempt < max(inst.dispatched):
            self.say("I4", event, "an attempt older than the newest")
        unproven = [e for e in inst.ended.values() if e.cause in UNPROVEN and e.seq > self.reopened]
        if node.attrs.get(IDEMPOTENT) == 0 and unproven:
            self.say("I3", event, f"not idempotent, and its end at {unproven[0].seq} was not proven")
        fresh = [s for s in inst.dispatched.values() if s > self.reopened and s > self._began(event)]
        if node.attrs.get(IDEMPOTENT) == 0 and not node.has(RETRY_MAX) and fresh:
            self.say("I2", event, "neither idempotent nor retried, and started twice")
        inst.dispatched[event.attempt] = event.seq

    def _began(self, event):
        """When what is around it has begun last."""
        around = (self.instances.get(key) for key in self.plan.around(event.key))
        return max((i.began for i in around if i), default=0)

    def _on_ended(self, event):
        inst = self.instance(event.key)
        if event.attempt not in inst.dispatched:
            self.say("I4", event, "the end of an attempt that was never dispatched")
        if event.attempt in inst.ended:
            self.say("I2", event, f"a second end; the first is {inst.ended[event.attempt].seq}")
        if inst.dispatched and event.attempt < max(inst.dispatched):
            self.say("I4", event, "the end of an attempt that had been given up")
        inst.ended[event.attempt] = event

    def _on_node_ended(self, event):
        inst = self._begin(event) if not self.instance(event.key).closed else self._twice(event)
        node = self.plan.nodes[event.key[0]]
        if event.status not in ENDS:
            self.say("I5", event, f"ended as `{event.status}`")
        if event.bits & REUSED_END:
            self._told(event)
        elif event.cause == "cache":
            self._reused_by_cache(event, inst, node)
        elif node.kind in WORK and event.status == "succeeded":
            self._proven(event, inst)
        self._follows(event)
        inst.closed, inst.verdict = event.seq, event

    # ---- forks: what they reuse was told before their first step, and is used once

    def _on_reused(self, event):
        if self.last is None or self.last.type not in {"run_started", "reused"}:
            self.say("I5", event, "told what is reused after the fork has begun")
        if event.key in self.reused:
            self.say("I5", event, "told twice what is reused")
        self.reused[event.key] = event

    def _on_forked(self, event):
        if self.last is None or self.last.type not in {"run_started", "reused"}:
            self.say("I5", event, "a fork in the middle of a log")

    def _told(self, event):
        told = self.reused.pop(event.key, None)
        if told is None:
            self.say("I3", event, "reused, but the fork was not told so")
        elif (told.status, told.cause, told.outputs) != (event.status, event.cause, event.outputs):
            self.say("I5", event, f"reused otherwise than was told at {told.seq}")

    def _twice(self, event):
        inst = self.instance(event.key)
        if not self._may_begin_again(event, inst):
            self.say("I2", event, f"a second verdict; the first is {inst.closed}")
        return inst

    def _proven(self, event, inst):
        """Work has succeeded only if its newest attempt has an end that says so."""
        ended = inst.ended.get(max(inst.dispatched, default=0))
        if ended is None:
            self.say("I3", event, "succeeded without the end of an attempt")
        elif ended.cause or ended.exit_code > 0 or ended.signal:
            why = ended.cause or f"exit {ended.exit_code}"
            self.say("I3", event, f"succeeded, but its attempt ended with {why}")

    # ---- the cache: an end that another run had, by an answer that says whose it is

    def _on_answer(self, event):
        answer = event.value if isinstance(event.value, dict) else {}
        self.instance(event.key).hit = event if "hit" in answer else None

    def _reused_by_cache(self, event, inst, node):
        answer, inst.hit = inst.hit, None
        if answer is None:
            self.say("I3", event, "reused by the cache, which had not said so")
            return
        hit = answer.value["hit"]
        if not node.has(CACHE):
            self.say("I3", event, "reused by the cache, which its node has none of")
        if event.attempt != answer.attempt:
            self.say("I4", event, f"reused by an answer to another attempt ({answer.seq})")
        if event.attempt in inst.dispatched:
            self.say("I2", event, "reused by the cache, and dispatched as well")
        if (hit.get("run"), hit.get("node")) != (event.id, event.name):
            self.say("I5", event, f"reused from elsewhere than was answered at {answer.seq}")
        same = tuple(map(answer.value.get, ("result", "outputs", "found"))) == \
            (event.value, event.outputs, event.artifacts)
        if event.status != "succeeded" or not same:
            self.say("I5", event, f"reused otherwise than was answered at {answer.seq}")
        self.cached.append(event)

    # ---- the run

    def _on_signal(self, event):
        if event.id and event.id in self.taken:
            self.say("I2", event, f"signal {event.id} was taken before, at {self.taken[event.id]}")
        self.taken[event.id] = event.seq

    def _on_retry(self, event):
        self.reopened, self.over = event.seq, None

    def _on_resume(self, event):
        if self.over and self.over.type == "run_ended":
            self.say("I2", event, "taken up again after its end")
        self.over = None

    def _on_run_ended(self, event):
        self.over = event
        for key, inst in self.instances.items():
            for attempt, seq in inst.dispatched.items():
                if attempt not in inst.ended:
                    self.say("I6", event, f"attempt {attempt} of {self.plan.path(key)}, begun at "
                                          f"{seq}, has no end")
        if event.status not in {"succeeded", "failed", "cancelled"}:
            self.say("I5", event, f"the run ended as `{event.status}`")
        top = self.instances.get((0, ()))
        if top and top.verdict and event.status == "succeeded" and \
                top.verdict.status == "failed" and not top.verdict.flag:
            self.say("I5", event, "the run succeeded, its top node failed")

    def _at_the_end(self):
        over = self.over.status if self.over else None
        if self.run.events and over and self.run.status != over:
            self.say("I5", self.over, f"the list says `{self.run.status}`, the log `{over}`")
        if self.run.events and not over and self.run.status in ENDS:
            self.say("I1", self.last, f"the list says `{self.run.status}`, the log has no end")


def judge_rows(log, runs):
    """I1, I5: what stands beside a run's log does not say more than the log."""
    ended = dict(log.sql.execute("SELECT id, ended_ms FROM runs"))
    for run in runs:
        if not run.events and not run.damage:
            yield "I1", run.id, 0, "a run without a log"
        if run.status in ENDS and ended[run.row] == 0:
            yield "I5", run.id, 0, f"the list says `{run.status}`, and not when"
    lengths = {run.row: (run.id, len(run.events)) for run in runs}
    for row, seq in log.sql.execute("SELECT run, seq FROM snapshots") if log.has_table("snapshots") else ():
        run, length = lengths.get(row, ("", 0))
        if seq > length:
            yield "I1", run, seq, f"a snapshot was taken there, the log ends at {length}"


def judge_strays(log, known):
    """I7: rows of runs that are not there (0: of no run)."""
    for table in ("inbox", "actors", "limit_sizes", "limit_grants", "recoveries", "snapshots",
                  "cache"):
        if not log.has_table(table):
            continue
        for row, in log.sql.execute(f"SELECT DISTINCT run FROM {table}"):
            if row != 0 and row not in known:
                yield "I7", "", 0, f"{table}: a row of a run that is not there ({row})"


def judge_origins(histories):
    """I3: where the run is still there that a reused end is said to come from, it has that end."""
    known = {history.run.id: history for history in histories}
    for history in histories:
        for event in history.cached:
            origin = known.get(event.id)
            if origin is None or not origin.plan:
                continue
            ends = [e for e in origin.run.events if e.type == "node_ended"
                    and e.status == "succeeded" and e.cause != "cache"
                    and origin.plan.address(e.key) == event.name]
            if not ends:
                yield "I3", history.run.id, event.seq, \
                    f"reused from `{event.name}` of run {event.id}, which has not ended well there"


def judge_tables(log, runs):
    """I7: nothing of one run stands in the way of another after its end. (What a run declared of limits
    and which global actors it had may stay: it counts only while its run lives.)"""
    known = {run.row: run for run in runs}
    yield from judge_rows(log, runs)
    yield from judge_strays(log, known)
    for row, in log.sql.execute("SELECT DISTINCT run FROM limit_holds"):
        run = known.get(row)
        if run is None:
            yield "I7", "", 0, f"a limit is held by a run that is not there ({row})"
        elif run.status in ENDS:
            yield "I7", run.id, 0, "a limit is held by a run that has ended"
    for row, in log.sql.execute("SELECT DISTINCT position >> 36 FROM batches").fetchall():
        if row not in known:
            yield "I7", "", 0, f"batches of a run that is not there ({row})"
