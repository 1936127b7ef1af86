import { events } from './sse.js';

/** What the server refused, or could not do, in its own words. */
export class ApiError extends Error {
  /** @param {number?} retryAfter seconds after which to try again */
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Where an endpoint is, also behind a proxy that serves all of this under a path of its own. */
export function url(path) {
  return new URL(path, document.baseURI).href;
}

/** The ids of the models that are ready; an ApiError to try again after, if none is. */
export async function models(key) {
  const response = await send('v1/models', key, {});
  const { data } = await response.json();
  const ready = data.filter((model) => (model.status ?? 'ready') === 'ready');
  if (ready.length === 0) throw new ApiError(data[0]?.reason ?? 'The model is still loading.', 503, 2);
  return ready.map((model) => model.id);
}

/** Yields the chunks of a streamed answer. An abort of the signal is thrown as what it is, all else as an ApiError. */
export async function* chunks(path, key, body, signal) {
  const response = await send(path, key, { method: 'POST', body: JSON.stringify(body), signal });
  try {
    for await (const data of events(response.body)) {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ApiError(chunk.error.message, response.status);
      yield chunk;
    }
  } catch (e) {
    if (e instanceof ApiError || signal.aborted) throw e;
  }
  throw new ApiError('The connection was lost before the answer was whole.', response.status);
}

async function send(path, key, options) {
  const headers = {};
  if (options.body) headers['Content-Type'] = 'application/json';
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(url(path), { ...options, headers });
  } catch (e) {
    if (options.signal?.aborted) throw e;
    throw new ApiError('The server cannot be reached.');
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  let message = `The server answered ${response.status} ${response.statusText}`; // a proxy's answer has no JSON
  try {
    message = (await response.json()).error.message;
  } catch {}
  return new ApiError(message, response.status, Number(response.headers.get('Retry-After')));
}
