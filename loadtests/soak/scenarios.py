"""The scenarios. Each returns a report: a list of rows for a table, and the rules that were broken."""

import asyncio
import contextlib
import json
import os
import random
import time
import uuid

import mixes
from client import Left, SlowReader
from server import Server

STAGE_CACHE = "-Dtritium.prefix-cache.bytes=33554432"  # small, so that it is full before memory is watched
MOST_GROWTH = 30  # MB a minute of the server's process, in the second half of a stage of a minute or more
LEAVING = 0.05  # share of the requests whose client closes the connection in the middle of the answer
PLACES = {"max-running": 64, "max-waiting": 256}


class Report(dict):
    def __init__(self, **more):
        super().__init__(rows=[], broken=[], notes=[], **more)

    def rule(self, holds, otherwise):
        if not holds:
            self["broken"].append(otherwise)


@contextlib.asynccontextmanager
async def serving(options, *java_options):
    """A server that is ready: one of our own for each scenario, or that of --url."""
    java = [f"-Dtritium.{setting}" for setting in options.set]
    server = Server(options.url, options.serve_options, [*java_options, *java])
    try:
        await server.ready()
        yield server
    finally:
        await asyncio.to_thread(server.end)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def milliseconds(values, share):
    value = percentile(values, share)
    return None if value is None else 1000 * value


def slope_per_minute(samples):
    """Least squares over [(seconds, value)]; None of fewer than three."""
    samples = [(t, v) for t, v in samples if v is not None]
    if len(samples) < 3:
        return None
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_v = sum(v for _, v in samples) / len(samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return 60 * sum((t - mean_t) * (v - mean_v) for t, v in samples) / spread


def ratio(value, other):
    return value / other if value is not None and other else None


async def supports(server, **parameter):
    """Whether the server takes a parameter."""
    body = {"prompt": "Once", "max_tokens": 1} | parameter
    return (await server.post("/v1/completions", body)).status == 200


def salted(body):
    """The same request, out of reach of the prefix cache."""
    return body | {"cache_salt": str(uuid.uuid4())}


async def expected_answers(server, mix, salts):
    """The answers of an idle server, one by one."""
    expected = []
    for path, body in mix:
        answer = await server.post(path, salted(body) if salts else body)
        if not answer.done or answer.error:
            raise SystemExit(f"the idle server did not answer {path} {body}: {answer.status} {answer.error}")
        expected.append(answer.content())
    return expected


# ---------------------------------------------------------------- clients


class Load:
    """Clients in a closed loop, and what they saw."""

    def __init__(self, server, mix, expected, seed, salted=0):
        self.server, self.mix, self.expected, self.salted = server, mix, expected, salted
        self.rng = random.Random(seed)
        self.answers, self.wrong, self.lost, self.left = [], [], [], 0

    async def run(self, clients, seconds):
        """Runs for a time; streams that are open at its end come to theirs."""
        drawn = (await self.server.metrics())["llm_generated_tokens_total"]
        cpu, server_cpu, self.start = cpu_seconds(), self.server.cpu_seconds(), time.monotonic()
        self.stop = self.start + seconds
        drawn_then, *_ = await asyncio.gather(self.drawn_at_stop(), *(self.client() for _ in range(clients)))
        self.tokens_per_second = (drawn_then - drawn) / seconds
        took = time.monotonic() - self.start
        self.client_cpu = (cpu_seconds() - cpu) / took
        self.server_cpu = None if server_cpu is None else (self.server.cpu_seconds() - server_cpu) / took

    async def client(self):
        while time.monotonic() < self.stop:
            number = self.rng.randrange(len(self.mix))
            path, body = self.mix[number]
            if self.rng.random() < self.salted:
                body = salted(body)
            if self.rng.random() < LEAVING:
                self.left += (await self.server.post(path, body, on_event=leave_after(self.rng.randint(1, 20)))).left
                continue
            answer = await self.server.post(path, body)
            self.answers.append(answer)
            if not answer.done or answer.error:
                self.lost.append((number, answer.status, answer.error))
            elif answer.content() != self.expected[number]:
                self.wrong.append((number, answer.content()))

    async def drawn_at_stop(self):
        await asyncio.sleep(self.stop - time.monotonic())
        return (await self.server.metrics())["llm_generated_tokens_total"]

    def first_token_seconds(self):
        return [answer.times[0] - answer.sent for answer in self.answers if answer.times]

    def gaps(self):
        """Seconds from an event to the next of the same answer."""
        single = [answer.times for answer in self.answers if len(answer.texts) == 1]
        return [b - a for times in single for a, b in zip(times, times[1:])]

    def token_seconds(self):
        """Each answer's mean time from a token to the next."""
        return [(a.times[-1] - a.times[0]) / (a.tokens - 1) for a in self.answers if len(a.times) > 1 and len(a.texts) == 1]

    def row(self):
        first, gaps, each = self.first_token_seconds(), self.gaps(), self.token_seconds()
        return {
            "streams": len(self.answers),
            "left": self.left,
            "lost": len(self.lost),
            "wrong": len(self.wrong),
            "tokens/s": self.tokens_per_second,
            "first ms p50": milliseconds(first, 0.5),
            "p99": milliseconds(first, 0.99),
            "token ms p50": milliseconds(each, 0.5),
            "token p99": milliseconds(each, 0.99),
            "gap ms p50": milliseconds(gaps, 0.5),
            "gap p99": milliseconds(gaps, 0.99),
            "CPUs client": self.client_cpu,
            "server": self.server_cpu,
        }

    def judge(self, report, name):
        report.rule(not self.lost, f"{name}: {len(self.lost)} streams lost, the first: {self.lost[:1]}")
        for number, got in self.wrong[:1]:
            report.rule(
                False,
                f"{name}: {len(self.wrong)} wrong answers, the first to {self.mix[number]}:\n  got      {got}\n"
                f"  expected {self.expected[number]}",
            )


def leave_after(events):
    def on_event():
        nonlocal events
        events -= 1
        if events == 0:
            raise Left

    return on_event


def cpu_seconds():
    times = os.times()
    return times.user + times.system


async def watch(server, samples):
    """Takes the server's memory each second until it is cancelled."""
    start = time.monotonic()
    while True:
        samples.append((time.monotonic() - start, server.resident_mb()))
        await asyncio.sleep(1)


async def clients(options):
    """Clients in a closed loop, in stages: lost streams, wrong answers, speeds, memory."""
    report = Report()
    async with serving(options, STAGE_CACHE) as server:
        salts = await supports(server, cache_salt="x")
        several = await supports(server, n=2)
        if not (salts and several):
            report["notes"].append(f"not supported here: {'' if salts else 'cache_salt '}{'' if several else 'n'}")
        mix = mixes.mixed(options.bodies, options.seed, several, options.plain)
        expected = await expected_answers(server, mix, salts)
        for path, body in mix:  # what has no salt is to find its prompt in the cache from the first stage on
            await server.post(path, body | {"max_tokens": 1})
        for number in options.clients:
            await server.idle()
            load, samples = Load(server, mix, expected, options.seed + number, options.salted if salts else 0), []
            watcher = asyncio.create_task(watch(server, samples))
            await load.run(number, options.seconds)
            watcher.cancel()
            load.judge(report, f"{number} clients")
            row = {"clients": number} | load.row()
            first = report["rows"][0] if report["rows"] else row
            row |= {
                "times first": ratio(row["tokens/s"], first["tokens/s"]),
                "RSS MB": server.resident_mb(),
                "MB/min": slope_per_minute(samples[len(samples) // 2 :]),
                "live heap MB": await server.live_heap_mb(),
            }
            report["rows"].append(row)
            growing = options.seconds >= 60 and (row["MB/min"] or 0) > MOST_GROWTH
            report.rule(not growing, f"{number} clients: the server's memory grows by {row['MB/min'] or 0:.0f} MB a minute")
            report.rule(await server.idle(), f"{number} clients: something still runs a minute after the last stream")
    return report


# ---------------------------------------------------------------- slow readers

SLOW, STEADY, FAST = 100, 4, 8
ROOM = 4096  # of a slow reader's socket
SLOW_TOKENS = 400  # more text than the sockets of both sides hold


async def slow_readers(options):
    """Fast clients without and with 100 that read one byte a second and 4 that read slowly but steadily."""
    stall = max(3, options.seconds // 4)
    report = Report()
    async with serving(options, f"-Dtritium.stream.stall-timeout={stall}s") as server:
        mix = mixes.mixed(options.bodies, options.seed, plain=options.plain)
        expected = await expected_answers(server, mix, False)
        steady_text = (await server.post(*mixes.fixed(0, SLOW_TOKENS))).texts

        async def fast(name):
            load = Load(server, mix, expected, options.seed)
            await load.run(FAST, options.seconds)
            load.judge(report, name)
            report["rows"].append({"beside": name} | load.row() | {"RSS MB": server.resident_mb()})

        await fast("nobody")
        memory = server.resident_mb()
        slow = [SlowReader(server.port, 1) for _ in range(SLOW)]
        steady = [SlowReader(server.port, ROOM) for _ in range(STEADY)]
        tasks = [asyncio.create_task(reader.read(*mixes.fixed(0, SLOW_TOKENS), 1, 1)) for reader in slow]
        a_second = 200_000 // options.seconds  # all of it, were it one event for each token
        tasks += [asyncio.create_task(reader.read(*mixes.fixed(0, SLOW_TOKENS), a_second // 10, 0.1)) for reader in steady]
        cut = asyncio.create_task(cut_times(server, slow))
        await asyncio.sleep(2)
        report.rule(await server.idle(), "the slow readers' answers were not computed in a minute")
        computed = time.monotonic() - slow[0].start
        await fast(f"{SLOW} slow readers")
        growth = None if memory is None else server.resident_mb() - memory
        await asyncio.sleep(max(0, 2 * stall + computed - (time.monotonic() - slow[0].start)))
        still_open = server.open_ports()
        for task in [*tasks, cut]:
            task.cancel()
        closed = await cut
        slow_answers, answers = [await asyncio.gather(*(r.answer() for r in readers)) for readers in (slow, steady)]
        whole = [a.done and r.port not in still_open for r, a in zip(slow, slow_answers)]  # the sockets had room for all of it
        times = [closed[reader.port] for reader, done in zip(slow, whole) if not done and reader.port in closed]
        held = sum(reader.port in still_open for reader in slow)
        report["slow"] = {"cut": len(times), "whole": sum(whole), "still open": held, "cut after seconds": times}
        report["notes"].append(
            f"stall time-out {stall} s: of {SLOW} slow readers {len(times)} were cut off"
            + (f" after {min(times):.1f} to {max(times):.1f} s" if times else "")
            + f", {sum(whole)} had room for all, {held} are still open; their answers took {computed:.1f} s; "
            + f"the server's memory grew by {growth or 0:.0f} MB"
        )
        report.rule(held == 0, f"{held} readers that take nothing were not cut off")
        report.rule(sum(whole) < SLOW, "no slow reader stalled, so nothing was tested")
        report.rule(min(times, default=stall) >= stall, f"a slow reader was cut off after {min(times, default=0):.1f} s")
        steady_bad = [answer.error for answer in answers if not answer.done or answer.texts != steady_text]
        report.rule(not steady_bad, f"{len(steady_bad)} steady readers did not get their answer: {steady_bad[:1]}")
        report.rule((growth or 0) < 256, f"the server's memory grew by {growth or 0:.0f} MB")
    return report


async def cut_times(server, readers):
    """Seconds after which the server closed each reader's connection, by port; ends when it is cancelled."""
    times = {}
    try:
        while True:
            open_ports = server.open_ports()
            for reader in readers:
                if reader.port not in open_ports:
                    times.setdefault(reader.port, time.monotonic() - reader.start)
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return times


# ---------------------------------------------------------------- overload


async def overload(options):
    """Twice as many requests at once as may run and wait: each is answered, or refused in time."""
    report = Report()
    settings = [f"-Dtritium.scheduler.{name}={value}" for name, value in PLACES.items()]
    async with serving(options, *settings) as server:
        mix = mixes.mixed(options.bodies, options.seed, plain=options.plain)
        expected = await expected_answers(server, mix, False)
        count, rounds, stop = 2 * sum(PLACES.values()), 0, time.monotonic() + options.seconds
        while time.monotonic() < stop:
            rounds += 1
            connections = [await asyncio.open_connection(server.host, server.port) for _ in range(count)]
            numbers = [(rounds * count + k) % len(mix) for k in range(count)]
            sent = [server.post(*mix[n], connection=c) for n, c in zip(numbers, connections)]
            answers = await asyncio.gather(*sent)
            outcomes = {"accepted": 0, "429": 0, "503": 0, "other": 0, "lost": 0, "wrong": 0}
            for number, answer in zip(numbers, answers):
                outcomes[outcome(answer, expected[number])] += 1
            times = [answer.end - answer.sent for answer in answers if answer.status == 200]
            refused = [answer.end - answer.sent for answer in answers if answer.status in (429, 503)]
            retries = [answer.headers.get("retry-after") for answer in answers if answer.status in (429, 503)]
            row = {"round": rounds, "sent": count} | outcomes
            row |= {"accepted ms p50": milliseconds(times, 0.5), "p99": milliseconds(times, 0.99)}
            row |= {"refused ms p99": milliseconds(refused, 0.99)}
            report["rows"].append(row)
            name = f"round {rounds}"
            bad = [a for a, n in zip(answers, numbers) if outcome(a, expected[n]) in ("other", "lost", "wrong")]
            report.rule(not bad, f"{name}: {len(bad)} answers are not right: {[(a.status, a.error) for a in bad[:3]]}")
            report.rule(sum(outcomes.values()) == count, f"{name}: the counts do not add up")
            report.rule(outcomes["429"] > 0, f"{name}: nothing was refused, so this was no overload")
            report.rule(all(r and r.isdigit() and int(r) > 0 for r in retries), f"{name}: Retry-After is missing: {set(retries)}")
            report.rule(await server.idle(), f"{name}: something still runs a minute after the last answer")
    return report


def outcome(answer, expected):
    if answer.status in (429, 503):
        return str(answer.status)
    if answer.status is None or answer.status == 200 and (not answer.done or answer.error):
        return "lost"
    if answer.status != 200:
        return "other"
    return "accepted" if answer.content() == expected else "wrong"


# ---------------------------------------------------------------- SIGTERM

STREAMS = 32
LENGTHS = (64, 4000)  # of an answer, in tokens


async def sigterm(options):
    """32 streams run when the server is told to end: in time for all of them, then not."""
    report = Report()
    for name, grace, seconds in (("enough", 30, 5), ("too short", 1, 6)):
        async with serving(options, f"-Dtritium.shutdown.grace={grace}s") as server:
            if not server.process:
                raise SystemExit("sigterm ends the server, so it needs one of its own: leave --url out")
            report["rows"].append({"grace time": name} | await end_with_streams(server, report, name, seconds, name == "enough"))
    return report


async def end_with_streams(server, report, name, seconds, in_time):
    """Ends the server while streams run that need about so many seconds more."""

    async def streams(tokens, on_event=lambda: None):
        return await asyncio.gather(*(server.post(*mixes.fixed(k, tokens), on_event=on_event) for k in range(STREAMS)))

    await streams(LENGTHS[0])  # compiles what is run
    start = time.monotonic()
    await streams(LENGTHS[0])
    speed = LENGTHS[0] / (time.monotonic() - start)
    tokens = round(min(max(seconds * speed, LENGTHS[0]), LENGTHS[1]))
    begun = 0

    def count():
        nonlocal begun
        begun += 1

    running = asyncio.create_task(streams(tokens, count))
    while begun < 2 * STREAMS and not running.done():
        await asyncio.sleep(0.01)
    server.terminate()
    start = time.monotonic()
    unready = refused = None
    while time.monotonic() - start < 5 and unready is None:
        ready = await server.get("/q/health/ready")
        if ready.status != 200:
            unready = (time.monotonic() - start, ready.status)
        await asyncio.sleep(0.01)
    late = await server.post("/v1/completions", {"prompt": "Once", "max_tokens": 1}, timeout=10)
    refused = late.status
    answers = await running
    streams_took = time.monotonic() - start
    code = await server.exit_code(60)
    took = time.monotonic() - start
    complete = sum(answer.done and not answer.error and answer.tokens == tokens for answer in answers)
    told = sum(bool(isinstance(answer.error, dict) and answer.status == 200) for answer in answers)
    cut = STREAMS - complete - told
    report.rule(cut == 0, f"grace time {name}: {cut} streams cut: {[a.error for a in answers if not a.done][:1]}")
    if in_time:
        report.rule(complete == STREAMS, f"grace time {name}: {STREAMS - complete} streams did not come to their end")
    report.rule(unready and unready[1] == 503 and unready[0] < 1, f"grace time {name}: readiness said {unready} (seconds, status)")
    report.rule(refused == 503, f"grace time {name}: a new request got {refused}, {late.error}")
    report.rule("retry-after" in late.headers, f"grace time {name}: a new request was refused without Retry-After")
    report.rule(code == 0, f"grace time {name}: exit code {code}")
    return {
        "streams": STREAMS,
        "tokens each": tokens,
        "complete": complete,
        "ended with an error event": told,
        "cut": cut,
        "unready after ms": None if unready is None else 1000 * unready[0],
        "new request": refused,
        "streams' end s": streams_took,
        "exit s": took,
        "exit code": code,
    }


# ---------------------------------------------------------------- chat


async def chat(options):
    """A conversation: each turn runs what is new in it and no more."""
    report = Report()
    async with serving(options) as server:
        rng = random.Random(options.seed)
        messages, ran, kept = [], [], set()  # ran: the ids of each turn that were run; kept: those after which its state is kept

        async def post(path, body):
            answer = await server.post(path, body)
            if answer.status != 200:
                raise SystemExit(f"{path} {body}: {answer.status} {answer.error}")
            return answer, json.loads(answer.body)

        async def text_of(ids):
            return (await post("/detokenize", {"tokens": ids}))[1]["prompt"]

        async def own_ids(prompt, drawn):
            """The ids of the prompt and of the answer's first tokens, as far as they are those of its text."""
            ids = (await post("/tokenize", {"messages": messages}))[1]["tokens"]
            length = common_length(ids, prompt)
            if length < len(prompt):
                return ids[:length]
            start, answer = await text_of(prompt), b""
            for piece in drawn:
                answer += piece
                if length >= len(ids) or await text_of(ids[: length + 1]) != start + answer.decode(errors="replace"):
                    break
                length += 1
            return ids[:length]

        for turn in range(1, options.turns + 1):
            messages.append({"role": "user", "content": mixes.text(rng, rng.randint(4, 60))})
            prompt = (await post("/tokenize", {"messages": messages}))[1]["tokens"]
            body = {"messages": messages, "max_tokens": rng.randint(8, 60), "seed": turn, "temperature": 0.7, "top_k": 40}
            answer, _ = await post("/v1/chat/completions", body | {"logprobs": True})
            messages.append({"role": "assistant", "content": answer.texts[0]})
            cached = (answer.usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            common = max((common_length(prompt[:-1], before) for before in ran), default=0)
            whole = max((len(ids) for ids in kept if list(ids) == prompt[: len(ids)]), default=0)
            computed = len(prompt) - cached
            own = await own_ids(prompt, answer.drawn[: answer.tokens - 1])  # the last one was never run
            ran.append(own)
            kept.add(tuple(prompt[:-1]))
            kept.add(tuple(prompt))
            if len(own) == len(prompt) + answer.tokens - 1:
                kept.add(tuple(own))
            report["rows"].append(
                {
                    "turn": turn,
                    "prompt": len(prompt),
                    "cached": cached,
                    "computed": computed,
                    "prompt less common": len(prompt) - common,
                    "equal": "yes" if cached == common else "no",
                    "answer": answer.tokens,
                    "its text's own ids": "yes" if tuple(own) in kept else f"first {max(0, len(own) - len(prompt))}",
                    "end": answer.finishes[0],
                    "ms": 1000 * (answer.end - answer.sent),
                }
            )
            usage = answer.usage["prompt_tokens"]
            report.rule(usage == len(prompt), f"turn {turn}: {usage} prompt tokens, and /tokenize says {len(prompt)}")
            report.rule(whole <= cached <= common, f"turn {turn}: {cached} tokens cached, {whole} kept, {common} in common")
    return report


def common_length(ids, others):
    length = 0
    while length < min(len(ids), len(others)) and ids[length] == others[length]:
        length += 1
    return length


ALL = {
    "clients": clients,
    "slow-readers": slow_readers,
    "overload": overload,
    "sigterm": sigterm,
    "chat": chat,
}
