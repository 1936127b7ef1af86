"""A small HTTP/1.1 client for load: one connection for each request, and little CPU for each event."""

import asyncio
import contextlib
import json
import socket
import time


class Left(Exception):
    """Raised by what watches the events of an answer, to leave in the middle of it."""


class Answer:
    """What came back: its status, and of a completion the text and the end of each choice."""

    def __init__(self):
        self.sent = time.monotonic()
        self.status = None
        self.headers = {}
        self.body = b""
        self.texts = {}  # by choice
        self.finishes = {}
        self.drawn = []  # bytes of each token of a chat's answer, where log-probabilities were asked for
        self.usage = None
        self.error = None  # of the body, of an event, or of the connection
        self.done = False  # the whole body came; a stream's ended with [DONE]
        self.left = False  # by this client, before its end
        self.times = []  # of the events with text
        self.end = None

    @property
    def tokens(self):
        return self.usage["completion_tokens"] if self.usage else 0

    def content(self):
        """What must be the same each time."""
        return self.texts, self.finishes, self.tokens

    def read(self, message):
        """Takes in a body or an event of a completion."""
        self.error = message.get("error") or self.error
        self.usage = message.get("usage") or self.usage
        for choice in message.get("choices", []):
            index = choice["index"]
            part = choice.get("message") or choice.get("delta") or {}
            text = choice.get("text") or part.get("content") or ""
            self.texts[index] = self.texts.get(index, "") + text
            self.finishes[index] = choice.get("finish_reason") or self.finishes.get(index)
            self.drawn += [bytes(token["bytes"] or []) for token in (choice.get("logprobs") or {}).get("content") or []]
            if text:
                self.times.append(time.monotonic())


async def send(port, path, body=None, timeout=300, on_event=lambda: None, connection=None, host="127.0.0.1"):
    """Sends a request, POST where there is a body, and returns its answer. Failures are told in its error."""
    answer = Answer()
    writer = None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = connection or await asyncio.open_connection(host, port)
            writer.write(request_bytes(path, body, host))
            await read_answer(reader, answer, on_event)
    except Left:
        answer.left = True
    except TimeoutError:
        answer.error = f"no end after {timeout} s"
    except (OSError, EOFError, ValueError) as e:
        answer.error = f"{type(e).__name__}: {e}"
    finally:
        if writer:
            writer.transport.abort() if not answer.done else writer.close()
    answer.end = time.monotonic()
    return answer


def request_bytes(path, body, host="127.0.0.1"):
    payload = b"" if body is None else json.dumps(body).encode()
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
    return head.encode() + b"\r\n" + payload


async def read_answer(reader, answer, on_event):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    answer.status = int(head[0].split()[1])
    answer.headers = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line))
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        rest = b""
        async for piece in pieces(reader, answer.headers):
            *events, rest = (rest + piece).split(b"\n\n")
            for event in events:
                if event == b"data: [DONE]":
                    answer.done = True
                elif event.startswith(b"data: "):
                    answer.read(json.loads(event[6:]))
                    on_event()
    else:
        answer.body = b"".join([piece async for piece in pieces(reader, answer.headers)])
        answer.done = True
        if answer.headers.get("content-type", "").startswith("application/json") and answer.body:
            answer.read(json.loads(answer.body))


async def pieces(reader, headers):
    """The pieces of a body as they come."""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline() or b"0", 16):
            yield (await reader.readexactly(size + 2))[:-2]
    else:
        yield await reader.readexactly(int(headers.get("content-length", 0)))


class SlowReader:
    """A client that has little room for what comes and takes it at a given rate."""

    # The server's send buffer follows from the segment's size, and loopback's are of 64 KB: 2.6 MB would fit in before it stalls.
    SEGMENT = 1000

    def __init__(self, port, room):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, self.SEGMENT)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)  # before it connects: the window follows from it
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.received = bytearray()
        self.start = time.monotonic()

    async def read(self, path, body, bytes_each_time, pause):
        """Reads until the server closes the connection, or this task is cancelled."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self.socket, request_bytes(path, body))
            while piece := await loop.sock_recv(self.socket, bytes_each_time):
                self.received += piece
                await asyncio.sleep(pause)
        except OSError:
            pass

    def drain(self):
        self.socket.settimeout(0.5)
        with self.socket, contextlib.suppress(OSError):
            while piece := self.socket.recv(1 << 20):
                self.received += piece

    async def answer(self):
        """Takes what is still there at once, closes, and reads all as an answer."""
        await asyncio.to_thread(self.drain)
        reader = asyncio.StreamReader(limit=1 << 24)
        reader.feed_data(bytes(self.received))
        reader.feed_eof()
        answer = Answer()
        try:
            await read_answer(reader, answer, lambda: None)
        except (EOFError, ValueError) as e:
            answer.error = f"{type(e).__name__}: {e}"
        return answer
