"""Uses a Tritium server as programs do, through the official Python client, with nothing but its base URL and key set.

Reads OPENAI_BASE_URL and OPENAI_API_KEY. Writes one line of JSON for each case: its name, and the error or null.
"""

import asyncio
import json
import os
import sys
import time
import traceback
import urllib.request
from enum import Enum

import openai
from openai import AsyncOpenAI, OpenAI
from openai.types import completion_create_params
from openai.types.chat import chat_completion_stream_options_param
from openai.types.chat import completion_create_params as chat_create_params
from pydantic import BaseModel

client = OpenAI(timeout=60)
MODEL = os.environ["TRITIUM_MODEL"]
STORY = {"model": MODEL, "prompt": "Once upon a time", "max_tokens": 16, "seed": 7}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Tell me of a cat."}], "max_completion_tokens": 16, "seed": 7}
ENDLESS = {"model": MODEL, "prompt": "The", "max_tokens": 50_000, "extra_body": {"ignore_eos": True}}

cases = []


def case(function):
    cases.append(function)
    return function


def raises(kind, call):
    """The error of the given kind that the call must raise."""
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} but {answer!r}")


def read(path):
    """A page of the server that the client does not know."""
    request = urllib.request.Request(str(client.base_url).replace("/v1/", path), headers={"Authorization": "Bearer " + client.api_key})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def running():
    """Answers that the server is working at."""
    lines = read("/q/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("llm_requests_running{"))


def await_idle():
    end = time.monotonic() + 20
    while running() != 0:
        assert time.monotonic() < end, f"{running()} answers still run"
        time.sleep(0.02)


@case
def every_parameter_that_the_client_has_is_in_the_servers_table():
    schemas = json.loads(read("/q/openapi.json"))["components"]["schemas"]
    options = chat_completion_stream_options_param.ChatCompletionStreamOptionsParam
    for name, params in (("CompletionRequest", completion_create_params), ("ChatCompletionRequest", chat_create_params)):
        table = schemas[name]["properties"]
        keys = names(params.CompletionCreateParamsStreaming)
        assert len(keys) >= 18 and keys <= set(table), keys - set(table)
        assert names(options) <= set(table["stream_options"]["properties"]), names(options)


def names(typed_dict):
    return typed_dict.__required_keys__ | typed_dict.__optional_keys__


@case
def models_are_listed_and_retrieved():
    models = client.models.list().data
    assert [model.id for model in models] == [MODEL], models
    model = client.models.retrieve(MODEL)
    assert model == models[0] and model.object == "model" and model.created > 0 and model.owned_by, model
    assert raises(openai.NotFoundError, lambda: client.models.retrieve("no-such")).code == "model_not_found"


@case
def a_completion():
    answer = client.completions.create(**STORY)
    assert answer.object == "text_completion" and answer.id and answer.model == MODEL, answer
    assert abs(answer.created - time.time()) < 60, answer
    assert answer.choices[0].text and answer.choices[0].index == 0 and answer.choices[0].finish_reason == "length", answer
    usage = answer.usage
    assert usage.completion_tokens == 16 and usage.total_tokens == usage.prompt_tokens + 16, usage
    assert usage.prompt_tokens_details.cached_tokens >= 0, usage


@case
def a_streamed_completion_is_the_plain_one_in_pieces():
    chunks = list(client.completions.create(**STORY, stream=True, stream_options={"include_usage": True}))
    plain = client.completions.create(**STORY)
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == plain.choices[0].text, chunks
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1] if chunk.choices[0].finish_reason] == ["length"], chunks
    assert len({chunk.id for chunk in chunks}) == 1 and all(chunk.usage is None for chunk in chunks[:-1]), chunks
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 16, chunks[-1]
    assert all(chunk.usage is None for chunk in client.completions.create(**STORY, stream=True)), "usage that nobody asked for"


@case
def several_prompts_have_several_answers():
    many = {**STORY, "prompt": ["Once upon a time", "The king said"], "n": 2}
    choices = client.completions.create(**many).choices
    assert [choice.index for choice in choices] == [0, 1, 2, 3], choices
    assert choices[0].text != choices[1].text, choices
    assert choices[0].text == client.completions.create(**STORY).choices[0].text
    texts = [""] * 4
    for chunk in client.completions.create(**many, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in choices], texts
    assert len(client.completions.create(**STORY, n=1, best_of=3).choices) == 1


@case
def an_echoed_prompt_is_scored():
    answer = client.completions.create(model=MODEL, prompt="Lily and Ben", max_tokens=0, echo=True, logprobs=3)
    choice = answer.choices[0]
    scores = choice.logprobs
    assert choice.text == "Lily and Ben" and answer.usage.completion_tokens == 0, answer
    assert len(scores.tokens) == len(scores.token_logprobs) == len(scores.top_logprobs) == len(scores.text_offset), scores
    assert len(scores.tokens) == answer.usage.prompt_tokens and scores.token_logprobs[0] is None, scores
    for token, score, top in list(zip(scores.tokens, scores.token_logprobs, scores.top_logprobs))[1:]:
        assert score < 0 and 3 <= len(top) <= 4 and max(top.values()) >= score and top[token] >= score, (token, score, top)


@case
def token_ids_are_a_prompt():
    ids = client.post("/../tokenize", body={"prompt": STORY["prompt"]}, cast_to=object)["tokens"]
    text = client.completions.create(**STORY).choices[0].text
    assert client.completions.create(**{**STORY, "prompt": ids}).choices[0].text == text
    assert [c.text for c in client.completions.create(**{**STORY, "prompt": [ids, ids], "temperature": 0}).choices] == [
        client.completions.create(**STORY, temperature=0).choices[0].text
    ] * 2


@case
def a_chat_answer():
    answer = client.chat.completions.create(**CHAT, logprobs=True, top_logprobs=2)
    message = answer.choices[0].message
    assert answer.object == "chat.completion" and message.role == "assistant" and message.content, answer
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 16, answer
    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == 16 and all(2 <= len(token.top_logprobs) <= 3 and token.logprob <= 0 for token in tokens), tokens
    assert b"".join(bytes(token.bytes) for token in tokens).decode().strip() == message.content.strip(), tokens


@case
def a_streamed_chat_answer_is_the_plain_one_in_pieces():
    chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    plain = client.chat.completions.create(**CHAT).choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant", chunks[0]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == plain, chunks
    assert chunks[-2].choices[0].finish_reason == "length", chunks[-2]
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 16, chunks[-1]


@case
def the_clients_own_helper_gathers_a_stream():
    sentence = {**CHAT, "max_completion_tokens": 60, "stop": "."}  # the helper takes an answer that is cut off for an error
    with client.chat.completions.stream(**sentence) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds, kinds
    assert final.choices[0].message.content == client.chat.completions.create(**sentence).choices[0].message.content, final


@case
def messages_of_every_kind_of_text():
    answer = client.chat.completions.create(
        model=MODEL,
        max_tokens=4,
        messages=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Tell me "}, {"type": "text", "text": "a story"}], "name": "Ann"},
            {"role": "assistant", "content": "Once upon a time"},
            {"role": "user", "content": "Go on! é — 日本 \U0001f600"},
        ],
    )
    assert answer.usage.completion_tokens <= 4 and answer.choices[0].message.content is not None, answer


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Pet(BaseModel):
    name: str
    age: int
    colour: Colour
    friends: list[str]
    owner: str | None


@case
def an_answer_is_parsed_into_a_pydantic_model():
    answer = client.chat.completions.parse(**{**CHAT, "max_completion_tokens": 200}, response_format=Pet)
    assert answer.choices[0].finish_reason == "stop" and isinstance(answer.choices[0].message.parsed, Pet), answer


@case
def what_was_parsed_may_be_sent_again_with_its_message():
    message = client.chat.completions.parse(**{**CHAT, "max_completion_tokens": 200}, response_format=Pet).choices[0].message
    said = [*CHAT["messages"], message, {"role": "user", "content": "And then?"}]
    assert client.chat.completions.create(**{**CHAT, "messages": said}).choices[0].finish_reason in ("stop", "length")


@case
def an_answer_is_held_to_a_json_schema():
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    answer = client.chat.completions.create(**{**CHAT, "max_completion_tokens": 30}, response_format=form)
    assert list(json.loads(answer.choices[0].message.content)) == ["ok"], answer
    answer = client.chat.completions.create(**{**CHAT, "max_completion_tokens": 60}, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict), answer


@case
def a_seed_gives_the_same_answer_again():
    texts = {client.completions.create(**STORY).choices[0].text for _ in range(3)}
    assert len(texts) == 1, texts
    assert client.completions.create(**{**STORY, "seed": 8}).choices[0].text not in texts


@case
def an_answer_ends_before_its_stop_string():
    long = client.completions.create(**{**STORY, "max_tokens": 60}).choices[0].text
    for stop in (".", [".", "!"]):
        choice = client.completions.create(**{**STORY, "max_tokens": 60}, stop=stop).choices[0]
        assert choice.finish_reason == "stop" and choice.text == long[: long.index(".")], (choice, long)


@case
def extra_parameters_go_in_extra_body():
    extras = {"top_k": 40, "min_p": 0.05, "typical_p": 0.9, "repetition_penalty": 1.1, "min_tokens": 4, "cache_salt": "a"}
    answer = client.completions.create(
        **STORY, temperature=0.7, top_p=0.9, presence_penalty=0.5, frequency_penalty=0.5, logit_bias={"300": -1}, user="ann", extra_body=extras
    )
    assert answer.usage.completion_tokens == 16, answer


@case
def what_is_wrong_is_an_error_of_its_own_kind():
    for change, param in (
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"suffix": "end"}, "suffix"),
        ({"extra_body": {"no_such": 1}}, "no_such"),
    ):
        error = raises(openai.BadRequestError, lambda: client.completions.create(**{**STORY, **change}))
        assert error.param == param and error.type == "invalid_request_error" and param in error.message, error.body
        assert error.request_id, error
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    assert raises(openai.BadRequestError, lambda: client.chat.completions.create(**CHAT, tools=[tool])).param == "tools"
    error = raises(openai.NotFoundError, lambda: client.completions.create(**{**STORY, "model": "gpt-0"}))
    assert error.code == "model_not_found", error.body
    error = raises(openai.BadRequestError, lambda: client.completions.create(**{**STORY, "max_tokens": 200_000}))
    assert error.code == "context_length_exceeded", error.body
    error = raises(openai.BadRequestError, lambda: client.completions.create(**{**STORY, "temperature": 3}, stream=True))
    assert error.param == "temperature", error.body
    raises(openai.NotFoundError, lambda: client.embeddings.create(model=MODEL, input="A"))


@case
def another_key_is_refused():
    stranger = OpenAI(api_key="another-key")
    for call in (stranger.models.list, lambda: stranger.completions.create(**STORY), lambda: stranger.completions.create(**STORY, stream=True)):
        error = raises(openai.AuthenticationError, call)
        assert error.code == "invalid_api_key" and "another-key" not in str(error) and error.request_id, error.body


@case
def the_request_id_is_read_and_chosen():
    assert client.completions.create(**STORY)._request_id
    raw = client.completions.with_raw_response.create(**STORY, extra_headers={"X-Request-Id": "my-own-id"})
    assert raw.request_id == "my-own-id" and raw.status_code == 200, raw.headers
    assert float(raw.headers["openai-processing-ms"]) >= 0, raw.headers
    assert raw.parse().choices[0].text and raw.parse()._request_id == "my-own-id"
    with client.completions.with_streaming_response.create(**STORY, stream=True) as streamed:
        lines = [line for line in streamed.iter_lines() if line]
        assert streamed.headers["content-type"].startswith("text/event-stream") and streamed.request_id, streamed.headers
    assert lines[-1] == "data: [DONE]", lines[-1]


@case
def a_stream_that_is_left_frees_its_place():
    stream = client.completions.create(**ENDLESS, stream=True)
    for _ in range(3):
        next(stream)
    assert running() == 1
    stream.close()
    await_idle()


@case
def a_request_that_times_out_frees_its_place():
    raises(openai.APITimeoutError, lambda: client.with_options(timeout=1, max_retries=0).completions.create(**ENDLESS))
    await_idle()


@case
def a_retry_waits_as_long_as_the_server_asks():
    several = {**STORY, "prompt": ["A"] * 8, "max_tokens": 1}
    for attempt in range(5):
        full = client.completions.create(**{**ENDLESS, "prompt": ["A"] * 4}, n=4, stream=True)
        next(full)
        refused = raises(openai.RateLimitError, lambda: client.with_options(max_retries=0).completions.create(**several))
        assert refused.code == "rate_limit_exceeded" and 1 <= int(refused.response.headers["retry-after"]) <= 30, refused.response.headers
        start = time.monotonic()
        asyncio.run(leave_then(full, several))
        waited = time.monotonic() - start
        await_idle()
        if waited >= 1:  # without Retry-After the client would have come again within half a second
            return
    raise AssertionError(f"the client came again after {waited} s")


async def leave_then(full, several):
    async with AsyncOpenAI(timeout=60) as other:
        answer = asyncio.create_task(other.completions.create(**several))
        await asyncio.sleep(0.3)
        full.close()
        assert len((await answer).choices) == 8


@case
def the_async_client_gets_the_same_answers_at_once():
    async def ask():
        async with AsyncOpenAI(timeout=60) as other:
            return await asyncio.gather(
                *(other.completions.create(**{**STORY, "seed": seed}) for seed in range(4)),
                *(streamed(other, seed) for seed in range(4)),
            )

    async def streamed(other, seed):
        chunks = await other.chat.completions.create(**{**CHAT, "seed": seed}, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    answers = asyncio.run(ask())
    for seed in range(4):
        assert answers[seed].choices[0].text == client.completions.create(**{**STORY, "seed": seed}).choices[0].text
        assert answers[4 + seed] == client.chat.completions.create(**{**CHAT, "seed": seed}).choices[0].message.content


@case
def an_async_stream_that_is_left_frees_its_place():
    async def leave():
        async with AsyncOpenAI(timeout=60) as other:
            stream = await other.completions.create(**ENDLESS, stream=True)
            await anext(aiter(stream))
            task = asyncio.create_task(other.completions.create(**ENDLESS))
            await asyncio.sleep(0.5)
            task.cancel()
            await stream.close()

    asyncio.run(leave())
    await_idle()


for function in cases:
    error = None
    try:
        function()
    except Exception:
        error = traceback.format_exc()
    print(json.dumps({"case": function.__name__, "error": error}), flush=True)
