/**
 * A token of an answer.
 *
 * @typedef {{text: string, logprob: number, top: {text: string, logprob: number}[]}} Token
 */

/**
 * The tokens in a choice of a chunk, from the shape of completions or from that of chat.
 *
 * @returns {Token[]} empty when no log-probabilities were asked for
 */
export function tokensOf(choice) {
  const { logprobs } = choice;
  if (!logprobs) return [];
  if (logprobs.content) {
    return logprobs.content.map((entry) => token(entry, entry.top_logprobs));
  }
  return logprobs.tokens.map((text, i) =>
    token(
      { token: text, logprob: logprobs.token_logprobs[i] },
      Object.entries(logprobs.top_logprobs[i] ?? {}).map(([t, logprob]) => ({ token: t, logprob })),
    ));
}

function token(entry, top) {
  const plain = ({ token: text, logprob }) => ({ text: text.replace(/^bytes:/, ''), logprob });
  const own = plain(entry);
  const all = top.map(plain);
  if (entry.logprob !== null && !all.some(({ text }) => text === own.text)) all.push(own);
  return { ...own, top: all.sort((a, b) => b.logprob - a.logprob) };
}

const LEAST_LIKELY = -5; // natural logarithm, 0.7 %: from here on the colour is full
const tokenOf = new WeakMap(); // by element

/** The element of a token: coloured by its log-probability, with its alternatives on hover and focus. */
export function tokenElement(token) {
  const element = document.createElement('span');
  element.className = token.text.includes('\n') ? 'token newline' : 'token';
  element.tabIndex = -1;
  element.append(token.text);
  element.style.setProperty('--surprise', Math.min(1, (token.logprob ?? 0) / LEAST_LIKELY));
  tokenOf.set(element, token);
  return element;
}

/** Shows the alternatives of the token under the pointer or with the focus. Arrow keys go from token to token. */
export function installAlternatives(log, tooltip) {
  let shown = null;
  const hide = () => {
    shown?.removeAttribute('aria-describedby');
    shown = null;
    tooltip.hidden = true;
  };
  const show = (element) => {
    hide();
    if (!tokenOf.has(element)) return;
    shown = element;
    shown.setAttribute('aria-describedby', tooltip.id);
    tooltip.replaceChildren(...description(tokenOf.get(shown)));
    tooltip.hidden = false;
    place(tooltip, shown);
  };
  log.addEventListener('pointerover', ({ target }) => show(tokenOf.has(target) ? target : document.activeElement));
  log.addEventListener('pointerleave', () => show(document.activeElement));
  log.addEventListener('focusout', hide);
  log.addEventListener('focusin', ({ target }) => {
    target.parentElement.querySelector('[tabindex="0"]')?.setAttribute('tabindex', -1);
    target.tabIndex = 0; // Tab comes back to it
    show(target);
  });
  log.addEventListener('pointerdown', ({ target }) => tokenOf.has(target) && target.focus());
  log.addEventListener('keydown', (event) => {
    const to = {
      ArrowRight: event.target.nextElementSibling,
      ArrowLeft: event.target.previousElementSibling,
      Home: event.target.parentElement.firstElementChild,
      End: event.target.parentElement.lastElementChild,
    }[event.key];
    if (tokenOf.has(event.target) && to) {
      event.preventDefault();
      to.focus();
    }
  });
  addEventListener('scroll', () => shown && place(tooltip, shown), { passive: true });
  addEventListener('keydown', ({ key }) => key === 'Escape' && hide());
}

function description(token) {
  const head = document.createElement('p');
  head.append(`ln p = ${token.logprob?.toFixed(3) ?? 'none'}`);
  const list = document.createElement('ul');
  for (const { text, logprob } of token.top) {
    const item = document.createElement('li');
    item.classList.toggle('drawn', text === token.text);
    item.style.setProperty('--probability', Math.exp(logprob));
    const name = document.createElement('span');
    name.append(visible(text));
    item.append(name, percent(logprob));
    list.append(item);
  }
  return [head, list];
}

function visible(text) {
  return text.replaceAll(' ', '␣').replaceAll('\n', '⏎') || '(nothing)';
}

function percent(logprob) {
  const value = 100 * Math.exp(logprob);
  return value < 0.1 ? '< 0.1 %' : `${value.toFixed(1)} %`;
}

/** Under what it speaks of, above it where there is no room, and always whole in the window. */
function place(tooltip, element) {
  const at = element.getClientRects()[0]; // its first line
  const { width, height } = tooltip.getBoundingClientRect();
  const below = at.bottom + 6;
  const left = Math.min(at.left, document.documentElement.clientWidth - width - 8);
  tooltip.style.left = `${Math.max(8, left)}px`;
  tooltip.style.top = `${below + height < innerHeight ? below : Math.max(8, at.top - height - 6)}px`;
}
