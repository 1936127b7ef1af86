// Uses a Tritium server as programs do, through the official Node client, with nothing but its base URL and key set.
//
// Reads OPENAI_BASE_URL and OPENAI_API_KEY. Writes one line of JSON for each case: its name, and the error or null.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const client = new OpenAI({ timeout: 60_000 });
const model = process.env.TRITIUM_MODEL;
const story = { model, prompt: 'Once upon a time', max_tokens: 16, seed: 7 };
const chat = { model, messages: [{ role: 'user', content: 'Tell me of a cat.' }], max_completion_tokens: 16, seed: 7 };
const endless = { model, prompt: 'The', max_tokens: 50_000, ignore_eos: true };

const text = async (body) => (await client.completions.create(body)).choices[0].text;
const content = async (body) => (await client.chat.completions.create(body)).choices[0].message.content;

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The error of the given kind that the call must end with. */
async function rejects(kind, promise) {
  const error = await promise.then((answer) => assert.fail(`no ${kind.name} but ${JSON.stringify(answer)}`), (e) => e);
  assert.ok(error instanceof kind, `no ${kind.name} but ${error.stack}`);
  return error;
}

/** Answers that the server is working at. */
async function running() {
  const metrics = new URL('/q/metrics', client.baseURL);
  const answer = await fetch(metrics, { headers: { Authorization: `Bearer ${client.apiKey}` } });
  const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('llm_requests_running{'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function awaitIdle() {
  for (const end = Date.now() + 20_000; (await running()) !== 0; await sleep(20)) {
    assert.ok(Date.now() < end, 'answers still run');
  }
}

const cases = {
  async models_are_listed_and_retrieved() {
    const models = (await client.models.list()).data;
    assert.deepEqual(models.map((m) => m.id), [model]);
    assert.deepEqual({ ...(await client.models.retrieve(model)) }, { ...models[0] });
    const error = await rejects(OpenAI.NotFoundError, client.models.retrieve('no-such'));
    assert.equal(error.code, 'model_not_found');
  },

  async a_completion() {
    const answer = await client.completions.create(story);
    assert.equal(answer.object, 'text_completion');
    assert.equal(answer.model, model);
    assert.ok(answer.choices[0].text);
    assert.equal(answer.choices[0].finish_reason, 'length');
    assert.equal(answer.usage.completion_tokens, 16);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 16);
  },

  async a_streamed_completion_is_the_plain_one_in_pieces() {
    const chunks = await all(await client.completions.create({ ...story, stream: true, stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), await text(story));
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
    assert.ok(chunks.every((chunk) => chunk.id === last.id && chunk.usage === null));
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, 16);
  },

  async several_prompts_have_several_answers() {
    const many = { ...story, prompt: ['Once upon a time', 'The king said'], n: 2 };
    const choices = (await client.completions.create(many)).choices;
    assert.deepEqual(choices.map((choice) => choice.index), [0, 1, 2, 3]);
    assert.notEqual(choices[0].text, choices[1].text);
    const texts = ['', '', '', ''];
    for (const chunk of await all(await client.completions.create({ ...many, stream: true }))) {
      for (const choice of chunk.choices) texts[choice.index] += choice.text;
    }
    assert.deepEqual(texts, choices.map((choice) => choice.text));
  },

  async an_echoed_prompt_is_scored() {
    const answer = await client.completions.create({ model, prompt: 'Lily and Ben', max_tokens: 0, echo: true, logprobs: 3 });
    const { text, logprobs } = answer.choices[0];
    assert.equal(text, 'Lily and Ben');
    assert.equal(logprobs.tokens.length, answer.usage.prompt_tokens);
    assert.equal(logprobs.token_logprobs[0], null);
    logprobs.tokens.slice(1).forEach((token, i) => {
      assert.ok(logprobs.token_logprobs[i + 1] < 0);
      assert.ok(logprobs.top_logprobs[i + 1][token] >= logprobs.token_logprobs[i + 1]);
    });
  },

  async a_chat_answer() {
    const answer = await client.chat.completions.create({ ...chat, logprobs: true, top_logprobs: 2 });
    const choice = answer.choices[0];
    assert.equal(answer.object, 'chat.completion');
    assert.equal(choice.message.role, 'assistant');
    assert.equal(choice.finish_reason, 'length');
    assert.equal(choice.logprobs.content.length, 16);
    const bytes = choice.logprobs.content.flatMap((token) => token.bytes);
    assert.equal(Buffer.from(bytes).toString().trim(), choice.message.content.trim());
  },

  async a_streamed_chat_answer_is_the_plain_one_in_pieces() {
    const chunks = await all(await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), await content(chat));
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, 16);
  },

  async the_clients_own_helper_gathers_a_stream() {
    const sentence = { ...chat, max_completion_tokens: 60, stop: '.' };
    const deltas = [];
    const stream = client.chat.completions.stream(sentence).on('content', (delta) => deltas.push(delta));
    assert.equal(await stream.finalContent(), await content(sentence));
    assert.equal(deltas.join(''), await content(sentence));
  },

  async an_answer_is_parsed_by_a_zod_schema() {
    const pet = z.object({
      name: z.string(),
      age: z.int(),
      colour: z.enum(['red', 'blue']),
      friends: z.array(z.string()),
      owner: z.string().nullable(),
    });
    const body = { ...chat, max_completion_tokens: 200, response_format: zodResponseFormat(pet, 'pet') };
    const answer = await client.chat.completions.parse(body);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.ok(pet.safeParse(answer.choices[0].message.parsed).success, JSON.stringify(answer));
  },

  async a_seed_gives_the_same_answer_again() {
    const first = await text(story);
    assert.equal(await text(story), first);
    assert.notEqual(await text({ ...story, seed: 8 }), first);
  },

  async an_answer_ends_before_its_stop_string() {
    const long = await text({ ...story, max_tokens: 60 });
    for (const stop of ['.', ['.', '!']]) {
      const choice = (await client.completions.create({ ...story, max_tokens: 60, stop })).choices[0];
      assert.equal(choice.finish_reason, 'stop');
      assert.equal(choice.text, long.slice(0, long.indexOf('.')));
    }
  },

  async what_is_wrong_is_an_error_of_its_own_kind() {
    for (const change of [{ temperature: 3 }, { max_tokens: -1 }, { suffix: 'end' }, { no_such: 1 }]) {
      const error = await rejects(OpenAI.BadRequestError, client.completions.create({ ...story, ...change }));
      assert.equal(error.param, Object.keys(change)[0]);
      assert.equal(error.type, 'invalid_request_error');
      assert.ok(error.message.includes(error.param), error.message);
      assert.ok(error.requestID, error.stack);
    }
    const streamed = await rejects(OpenAI.BadRequestError, client.completions.create({ ...story, temperature: 3, stream: true }));
    assert.equal(streamed.param, 'temperature');
    const missing = await rejects(OpenAI.NotFoundError, client.completions.create({ ...story, model: 'gpt-0' }));
    assert.equal(missing.code, 'model_not_found');
    const long = await rejects(OpenAI.BadRequestError, client.completions.create({ ...story, max_tokens: 200_000 }));
    assert.equal(long.code, 'context_length_exceeded');
  },

  async another_key_is_refused() {
    const stranger = new OpenAI({ apiKey: 'another-key' });
    const error = await rejects(OpenAI.AuthenticationError, stranger.completions.create(story));
    assert.equal(error.code, 'invalid_api_key');
  },

  async the_request_id_is_read_and_chosen() {
    assert.ok((await client.completions.create(story))._request_id);
    const own = { headers: { 'X-Request-Id': 'my-own-id' } };
    const { response, request_id } = await client.completions.create(story, own).withResponse();
    assert.equal(request_id, 'my-own-id');
    assert.ok(Number(response.headers.get('openai-processing-ms')) >= 0);
    const raw = await client.completions.create({ ...story, stream: true }).asResponse();
    assert.ok(raw.headers.get('content-type').startsWith('text/event-stream'));
    assert.ok((await raw.text()).endsWith('data: [DONE]\n\n'));
  },

  async a_stream_that_is_left_frees_its_place() {
    for (const leave of ['break', 'abort']) {
      const stream = await client.completions.create({ ...endless, stream: true });
      let seen = 0;
      for await (const chunk of stream) {
        assert.equal(chunk.object, 'text_completion');
        if (++seen !== 3) continue; // what had come before the abort still follows it
        assert.equal(await running(), 1);
        if (leave === 'break') break;
        stream.controller.abort();
      }
      await awaitIdle();
    }
  },

  async a_request_that_times_out_frees_its_place() {
    await rejects(OpenAI.APIConnectionTimeoutError, client.completions.create(endless, { timeout: 1000, maxRetries: 0 }));
    await awaitIdle();
  },

  async a_retry_waits_as_long_as_the_server_asks() {
    const several = { ...story, prompt: Array(8).fill('A'), max_tokens: 1 };
    let waited;
    for (let attempt = 0; attempt < 5; attempt++) {
      const full = await client.completions.create({ ...endless, prompt: Array(4).fill('A'), n: 4, stream: true });
      await full[Symbol.asyncIterator]().next();
      const refused = await rejects(OpenAI.RateLimitError, client.completions.create(several, { maxRetries: 0 }));
      assert.equal(refused.code, 'rate_limit_exceeded');
      assert.ok(Number(refused.headers.get('retry-after')) >= 1);
      const start = performance.now();
      const answer = client.completions.create(several);
      sleep(300).then(() => full.controller.abort());
      assert.equal((await answer).choices.length, 8);
      waited = performance.now() - start;
      await awaitIdle();
      if (waited >= 1000) return; // without Retry-After the client would have come again within half a second
    }
    assert.fail(`the client came again after ${waited} ms`);
  },

  async many_requests_at_once_get_their_own_answers() {
    const seeds = [0, 1, 2, 3];
    const together = await Promise.all(seeds.map((seed) => text({ ...story, seed })));
    for (const seed of seeds) assert.equal(together[seed], await text({ ...story, seed }));
  },
};

for (const [name, run] of Object.entries(cases)) {
  const error = await run().then(() => null, (e) => e.stack);
  console.log(JSON.stringify({ case: name, error }));
}
