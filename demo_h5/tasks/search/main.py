"""Finds products by what a query means. Called by the page with ``{"query": text}``.

The model reads English. What the letters alone give, beginnings of words and Chinese names, is
found beside it and comes first.
"""

import json
from array import array
from operator import mul

from edge_runtime.task import Activation, ConfigError, Context, Tensor

from .wordpiece import WordPiece, words

QUERY_CHARS = 256
RESULTS = 12
# Below it neighbours are chance: for the queries in tests/vectors/search-queries.json the best
# product is above it where the shop has something that fits (but for one), and below elsewhere.
MIN_SCORE = 0.38
# What is much less like the query than the best product is not what was meant.
MAX_BEHIND = 0.1

_tokenizers: list[WordPiece] = []


async def run(ctx: Context, activation: Activation) -> dict[str, list]:
    """Rank the products by their titles' likeness to the query.

    Returns:
        ``results``, best first: ``item``; ``score``, the cosine of both vectors; ``literal``,
        whether every word of the query begins a word of the title. None where nothing fits.
        ``embedding``: the query's vector of 384 numbers, if ``{"embed": True}`` asked for it.

    Raises:
        ConfigError: ``argument-invalid``: the query is no text, or longer than 256 characters.
    """
    query = query_of(activation)
    if not words(query):
        return {"results": []}
    vector = await embedding_of(ctx, query)
    found = {"results": ranked(ctx, query, vector)[:RESULTS]}
    return found | ({"embedding": vector} if activation.ext_data.get("embed") is True else {})


def query_of(activation: Activation) -> str:
    """Return the caller's text."""
    query = activation.ext_data.get("query")
    if isinstance(query, str) and len(query) <= QUERY_CHARS:
        return query
    got = f"{len(query)} characters" if isinstance(query, str) else type(query).__name__
    raise ConfigError(
        "argument-invalid",
        f"extData.query: expected text of at most {QUERY_CHARS} characters, got {got}.",
    )


async def embedding_of(ctx: Context, text: str) -> list[float]:
    """Return the text's vector, of length 1."""
    if not _tokenizers:
        vocabulary = ctx.resource("vocabulary.txt").decode().splitlines()
        _tokenizers.append(WordPiece(vocabulary))
    ids = _tokenizers[0].encode(text)
    shape = (1, len(ids))
    feeds = {
        "input_ids": Tensor.int64(ids, shape),
        "attention_mask": Tensor.int64([1] * len(ids), shape),
        "token_type_ids": Tensor.int64([0] * len(ids), shape),
    }
    outputs = await ctx.infer("sentence", feeds)
    return outputs["embedding"].tolist()


def ranked(ctx: Context, query: str, vector: list[float]) -> list[dict[str, object]]:
    """Return what fits: literal hits first, then by score; the catalogue's order decides ties."""
    titles = json.loads(ctx.resource("titles.json"))
    vectors = array("f", ctx.resource("titles.f32"))
    width = len(vector)
    asked = [word for word in words(query) if any(char.isalnum() for char in word)]
    starts = range(0, len(vectors), width)
    scores = [sum(map(mul, vector, vectors[start : start + width])) for start in starts]
    least = max(MIN_SCORE, max(scores) - MAX_BEHIND)
    rows = []
    for title, score in zip(titles, scores, strict=True):
        literal = is_literal(asked, title["words"])
        if literal or score >= least:
            rows.append({"item": title["item"], "score": round(score, 4), "literal": literal})
    return sorted(rows, key=lambda row: (row["literal"], row["score"]), reverse=True)


def is_literal(asked: list[str], title: list[str]) -> bool:
    """Say whether every word asked for begins a word of the title, as while someone types."""
    return bool(asked) and all(any(word.startswith(one) for word in title) for one in asked)
