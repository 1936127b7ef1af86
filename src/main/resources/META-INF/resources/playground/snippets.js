/** The request as a command for a shell. A key is taken from the environment, never written down. */
export function curl(url, body, hasKey) {
  return [
    `curl -N ${quoted(url)}`,
    ...(hasKey ? ['-H "Authorization: Bearer $TRITIUM_API_KEY"'] : []),
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(JSON.stringify(body, null, 2))}`,
  ].join(' \\\n  ');
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Arguments that the client knows for both endpoints; all others go through it in extra_body. */
const ARGUMENTS = [
  'model', 'prompt', 'messages', 'max_tokens', 'temperature', 'top_p', 'seed', 'stop',
  'logprobs', 'top_logprobs', 'stream',
];

/** The request as a program with OpenAI's client. */
export function python(baseUrl, body, hasKey) {
  const chat = 'messages' in body;
  const entries = Object.entries(body);
  const known = entries.filter(([name]) => ARGUMENTS.includes(name));
  const extra = entries.filter(([name]) => !ARGUMENTS.includes(name));
  const lines = known.map(([name, value]) => `    ${name}=${literal(value)},`);
  if (extra.length > 0) lines.push(`    extra_body=${literal(Object.fromEntries(extra))},`);
  return `${hasKey ? 'import os\n\n' : ''}from openai import OpenAI

client = OpenAI(base_url=${literal(baseUrl)}, api_key=${hasKey ? 'os.environ["TRITIUM_API_KEY"]' : '"none"'})
stream = client.${chat ? 'chat.completions' : 'completions'}.create(
${lines.join('\n')}
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].${chat ? 'delta.content or ""' : 'text'}, end="", flush=True)
`;
}

/** A value of JSON in Python, where strings and numbers look the same. */
function literal(value) {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value).map(([name, v]) => `${JSON.stringify(name)}: ${literal(v)}`).join(', ')}}`;
  }
  return JSON.stringify(value);
}
