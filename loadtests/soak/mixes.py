"""Seeded mixes of requests whose answers are the same each time."""

import random

SUBJECTS = ["The cat", "A little girl", "Tom", "Lily", "The old king", "Her mother", "The dog", "A small bird", "Ben", "The bear"]
VERBS = ["saw", "wanted", "found", "loved", "lost", "made", "took", "looked for", "played with", "gave away"]
OBJECTS = ["a red ball", "the moon", "some bread", "a big tree", "the blue hat", "a new friend", "the toy", "a long song"]
ENDS = ["in the park", "at home", "one day", "near the river", "with a smile", "after the rain", "again", "in the night"]
SAMPLINGS = [
    {},
    {"temperature": 0},
    {"temperature": 0.7, "top_k": 40},
    {"top_p": 0.9},
    {"temperature": 0.8, "repetition_penalty": 1.2, "presence_penalty": 0.5},
]
WORDS_PER_TOKEN = 0.85  # of the bundled model, roughly


def text(rng, tokens):
    """Simple sentences of about so many tokens."""
    words = []
    while len(words) < tokens * WORDS_PER_TOKEN:
        words += f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)} {rng.choice(ENDS)}.".split()
    return " ".join(words[: max(1, round(tokens * WORDS_PER_TOKEN))])


def mixed(count, seed, several=False, plain=False):
    """Paths and bodies of streamed requests: prompts of 1 to 600 tokens, half of which begin alike, answers of 16 to 128."""
    rng = random.Random(seed)
    openings = [text(rng, 400) for _ in range(4)]
    requests = []
    for number in range(count):
        length = round(600 ** rng.random())
        prompt = text(rng, length)
        if number % 2:
            opening = rng.choice(openings).split()
            prompt = " ".join(opening[: rng.randint(1, len(opening))] + prompt.split())
            prompt = " ".join(prompt.split()[: round(600 * WORDS_PER_TOKEN)])
        body = {"max_tokens": rng.randint(16, 128), "seed": number} | streamed()
        body |= SAMPLINGS[0 if plain else number % len(SAMPLINGS)]
        if several and number % 7 == 0:
            body["n"] = 2 + number % 2
        if number % 4 == 3:
            body["messages"] = [{"role": "user", "content": prompt}]
            requests.append(("/v1/chat/completions", body))
        else:
            body["prompt"] = prompt
            requests.append(("/v1/completions", body))
    return requests


def streamed():
    return {"stream": True, "stream_options": {"include_usage": True}}


def fixed(number, tokens, words="Once upon a time"):
    """A streamed request whose answer has exactly so many tokens."""
    body = {"prompt": f"{words} {number}", "max_tokens": tokens, "ignore_eos": True, "seed": number} | streamed()
    return "/v1/completions", body
