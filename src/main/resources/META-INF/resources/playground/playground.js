import { ApiError, chunks, models, url } from './api.js';
import { curl, python } from './snippets.js';
import { installAlternatives, tokenElement, tokensOf } from './tokens.js';

const KEY = 'tritium.key'; // in the tab's storage
const ALTERNATIVES = 5; // the most that completions give

const byId = (id) => document.getElementById(id);
const [form, log, prompt, system, settings, more, key] =
  ['form', 'log', 'prompt', 'system', 'settings', 'more', 'key'].map(byId);
const [run, stop, goOn, problem] = ['run', 'stop', 'continue', 'problem'].map(byId);

let answers = []; // those that are shown
let conversation = []; // messages of the chat so far
let running = null; // the AbortController of the request under way

/** An answer as it comes, and the element that shows it: plain, or token by token. */
class Answer {
  text = '';
  tokens = [];
  drawn = 0; // so many of its characters, or tokens, are on the page
  element = element('span', 'answer');

  add(choice) {
    this.text += textOf(choice);
    this.tokens.push(...tokensOf(choice));
  }

  /** Appends what is new. */
  draw() {
    const asTokens = byId('tokens').checked && this.tokens.length > 0;
    const all = asTokens ? this.tokens : this.text;
    const more = all.slice(this.drawn);
    this.element.append(...(asTokens ? more.map(tokenElement) : [more]));
    if (this.drawn === 0) this.element.firstElementChild?.setAttribute('tabindex', 0); // arrow keys go on from there
    this.drawn = all.length;
  }

  redraw() {
    this.element.replaceChildren();
    this.drawn = 0;
    this.draw();
  }
}

/** What is asked for so that the figures can be shown while an answer comes. */
const FIGURES = { stream_options: { include_usage: true, continuous_usage_stats: true }, timings_per_token: true };

/** The time to the first token as it is seen here; all else is counted and measured by the server. */
class Figures {
  started = performance.now();
  first = null; // when the first token came, in milliseconds too
  perSecond = 0;
  usage = null;
  finish = null;

  add(chunk, choice) {
    this.usage = chunk.usage ?? this.usage;
    this.finish = choice?.finish_reason ?? this.finish;
    this.perSecond = chunk.timings?.predicted_per_second ?? this.perSecond;
    if (this.usage?.completion_tokens > 0) this.first ??= performance.now();
  }

  /** Names and values; what is not known is left out. */
  entries() {
    const { usage, first, perSecond } = this;
    const energy = usage?.energy;
    return Object.entries({
      'First token': first && `${Math.round(first - this.started)} ms`,
      'Tokens per second': perSecond && perSecond.toFixed(perSecond < 100 ? 1 : 0),
      Tokens: usage && String(usage.completion_tokens),
      'Prompt tokens': usage && String(usage.prompt_tokens),
      'of them cached': usage && String(usage.prompt_tokens_details.cached_tokens),
      Energy: energy && `${energy.joules.toPrecision(3)} J`,
      'per token': energy?.joules_per_token && `${energy.joules_per_token.toPrecision(2)} J`,
      'Measured by': energy && `${energy.source}, ${energy.quality}`,
      'Ended by': { stop: 'the model', length: 'max tokens', stopped: 'you' }[this.finish],
    }).filter(([, value]) => value);
  }

  show() {
    byId('figures').replaceChildren(
      ...this.entries().map(([name, value]) => {
        const pair = document.createElement('div');
        pair.append(element('dt', '', name), element('dd', '', value));
        return pair;
      }));
  }
}

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

function textOf(choice) {
  return choice.text ?? choice.delta?.content ?? '';
}

function isChat() {
  return form.dataset.mode === 'chat';
}

/** Where the request goes and its body: what was set, and nothing else. */
function request() {
  const body = {};
  if (byId('model').value) body.model = byId('model').value;
  if (isChat()) {
    const said = { role: 'user', content: prompt.value };
    const first = system.value ? [{ role: 'system', content: system.value }] : [];
    body.messages = [...first, ...conversation, said];
  } else {
    body.prompt = prompt.value;
  }
  for (const field of settings.querySelectorAll('[name]')) {
    if (field.value !== '') {
      body[field.name] = field.type === 'number' ? field.valueAsNumber : field.value.replaceAll('\\n', '\n');
    }
  }
  if (byId('tokens').checked) {
    Object.assign(body, isChat() ? { logprobs: true, top_logprobs: ALTERNATIVES } : { logprobs: ALTERNATIVES });
  }
  Object.assign(body, JSON.parse(more.value || '{}'), { stream: true });
  return { path: isChat() ? 'v1/chat/completions' : 'v1/completions', body };
}

async function generate() {
  const { path, body } = request();
  const asked = prompt.value;
  const answer = new Answer();
  const figures = new Figures();
  const turn = begin(asked, answer);
  running = new AbortController();
  showRunning();
  let state = 'The answer is complete.';
  let frame = null;
  const draw = () => {
    frame = null;
    keepEndInSight(() => {
      answer.draw();
      figures.show();
    });
  };
  try {
    for await (const chunk of chunks(path, key.value, { ...body, ...FIGURES }, running.signal)) {
      const choice = chunk.choices.find(({ index }) => index === 0);
      figures.add(chunk, choice);
      if (choice) answer.add(choice);
      frame ??= requestAnimationFrame(draw); // tokens may come faster than a page is laid out
    }
  } catch (e) {
    if (running.signal.aborted) figures.finish = 'stopped';
    else show(e);
    state = running.signal.aborted ? 'Stopped.' : ''; // what failed is said by itself
  }
  running = null;
  cancelAnimationFrame(frame);
  draw();
  turn.removeAttribute('aria-busy');
  if (isChat() && answer.text) {
    conversation.push({ role: 'user', content: asked }, { role: 'assistant', content: answer.text });
  } else if (isChat()) { // nothing was said: the message may be sent again
    turn.remove();
    prompt.value ||= asked;
  }
  showRunning();
  byId('state').textContent = state;
}

/** Makes the place for an answer: after the chat so far, or alone. */
function begin(asked, answer) {
  problem.hidden = true;
  byId('state').textContent = 'Generating.';
  const turn = element('article', 'turn', element('span', 'asked', asked), answer.element);
  turn.setAttribute('aria-busy', true); // screen readers wait for the whole
  if (isChat()) prompt.value = '';
  else clear();
  answers.push(answer);
  log.append(turn);
  turn.scrollIntoView({ block: 'nearest' });
  return turn;
}

function clear() {
  answers = [];
  conversation = [];
  log.replaceChildren();
  byId('figures').replaceChildren();
  problem.hidden = true;
}

/** A reader who is at the end of the page stays there when it grows. */
function keepEndInSight(change) {
  const page = document.documentElement;
  const wasThere = scrollY + innerHeight > page.scrollHeight - 40;
  change();
  if (wasThere) scrollTo(0, page.scrollHeight);
}

function showRunning() {
  run.setAttribute('aria-disabled', running !== null); // a disabled button would lose the focus
  stop.disabled = running === null;
  goOn.disabled = running !== null || !answers.at(-1)?.text;
  byId('clear').disabled = running !== null;
  document.querySelectorAll('[name="mode"]').forEach((mode) => (mode.disabled = running !== null));
}

function show(error) {
  if (!(error instanceof ApiError)) console.error(error); // a fault of this page
  problem.textContent = error.message;
  problem.hidden = false;
  if (error.status === 401) settings.open = true; // the key is there
}

/** Fills the list of models; waits for one that is still loading. */
async function loadModels() {
  for (;;) {
    try {
      const ids = await models(key.value);
      byId('model').replaceChildren(...ids.map((id) => new Option(id)));
      problem.hidden = true;
      return;
    } catch (e) {
      show(e);
      if (!e.retryAfter) return;
      await new Promise((resolve) => setTimeout(resolve, e.retryAfter * 1000));
    }
  }
}

function changeMode(mode) {
  form.dataset.mode = mode;
  byId('system-field').hidden = goOn.hidden = false;
  (mode === 'chat' ? goOn : byId('system-field')).hidden = true;
  byId('prompt-label').textContent = mode === 'chat' ? 'Message' : 'Prompt';
  if (mode === 'chat') byId('composer').before(log); // in the order in which it is read
  else settings.after(log);
  clear();
  showRunning();
}

function offer(title, text) {
  byId('snippet-title').textContent = title;
  byId('code').textContent = text;
  byId('copy').textContent = 'Copy';
  byId('snippet').showModal();
}

async function copy() {
  getSelection().selectAllChildren(byId('code')); // for pages that may not write to the clipboard: those on plain HTTP
  try {
    await navigator.clipboard.writeText(byId('code').textContent);
    byId('copy').textContent = 'Copied';
  } catch {
    byId('copy').textContent = 'Selected: press Ctrl C';
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!running) generate();
});
form.addEventListener('invalid', () => (settings.open = true), true); // so that the field can be pointed at
stop.addEventListener('click', () => running?.abort());
goOn.addEventListener('click', () => {
  prompt.value += answers.at(-1).text;
  form.requestSubmit();
});
byId('clear').addEventListener('click', () => {
  clear();
  showRunning();
  prompt.focus();
});
byId('tokens').addEventListener('change', () => answers.forEach((answer) => answer.redraw()));
more.addEventListener('input', () => {
  more.setCustomValidity(isObject(more.value || '{}') ? '' : 'This is not a JSON object, such as {"presence_penalty": 0.5}.');
});
byId('modes').addEventListener('change', ({ target }) => changeMode(target.value));
key.addEventListener('change', () => {
  sessionStorage.setItem(KEY, key.value);
  loadModels();
});
byId('curl').addEventListener('click', () => {
  if (!form.reportValidity()) return;
  const { path, body } = request();
  offer('The same request with curl', curl(url(path), body, key.value !== ''));
});
byId('python').addEventListener('click', () => {
  if (!form.reportValidity()) return;
  offer("The same request with OpenAI's client for Python", python(url('v1'), request().body, key.value !== ''));
});
byId('copy').addEventListener('click', copy);
byId('close').addEventListener('click', () => byId('snippet').close());
addEventListener('keydown', (event) => {
  if (byId('snippet').open) return;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === 'Escape') {
    running?.abort();
  }
});

function isObject(json) {
  try {
    const value = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

installAlternatives(log, byId('alternatives'));
changeMode(document.querySelector('[name="mode"]:checked').value); // browsers keep it over a reload
key.value = sessionStorage.getItem(KEY) ?? '';
settings.open = matchMedia('(min-width: 60rem)').matches;
loadModels();
