"""Python alone: texts, bytes, numbers, days, as they are specified."""

import base64
import bisect
import collections
import datetime
import decimal
import difflib
import fractions
import functools
import hashlib
import heapq
import itertools
import json
import math
import random
import re
import statistics
import struct
import textwrap
import unicodedata
import zlib


def leaves(value, path=""):
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], f"{path}.{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, f"{path}[{index}]")
    else:
        yield path, value


def exact(number):
    return [
        repr(number),
        number.hex(),
        f"{number:.3f}",
        f"{number:,.2e}",
        f"{number:g}",
        round(number, 2),
    ]


def of_text(text):
    words = re.findall(r"\w+", text)
    return {
        "nfkd": unicodedata.normalize("NFKD", text),
        "nfc": unicodedata.normalize("NFC", text),
        "categories": "".join(unicodedata.category(each) for each in text),
        "names": [unicodedata.name(each, "") for each in text[:4]],
        "folded": text.casefold(),
        "upper": text.upper(),
        "title": text.title(),
        "words": words,
        "sorted": sorted(words, key=lambda word: (len(word), word)),
        "counts": collections.Counter(text.lower()).most_common(3),
        "swapped": re.sub(r"(\w)(\w)", r"\2\1", text),
        "split": re.split(r"[\s,;]+", text),
        "named": [each.groupdict() for each in re.finditer(r"(?P<a>\d+)(?P<b>[a-z]?)", text)],
        "utf16": text.encode("utf-16-le").hex(),
        "escaped": text.encode("unicode_escape").decode(),
        "wrapped": textwrap.wrap(text, 12),
        "close": difflib.get_close_matches(text[:3], words),
        "repr": ascii(text),
        "cut": text[::-2],
        "isalnum": [each.isalnum() for each in text[:8]],
    }


def of_bytes(data):
    digests = {
        name: hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256", "sha3_256")
    }
    return {
        **digests,
        "blake2b": hashlib.blake2b(data, digest_size=9).hexdigest(),
        "crc": zlib.crc32(data),
        "base64": base64.b64encode(data).decode(),
        "same": zlib.decompress(zlib.compress(data)) == data,
        "words": struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4]),
        "back": data[::-1],
    }


def of_numbers(numbers):
    floats, ints = [float(each) for each in numbers], [int(each) for each in numbers]
    context = decimal.Context(prec=30, rounding=decimal.ROUND_HALF_EVEN)
    return {
        "exact": [exact(each) for each in floats],
        "sorted": [repr(each) for each in sorted(numbers)],
        "fsum": math.fsum(floats).hex(),
        "roots": [math.sqrt(abs(each)).hex() for each in floats],
        "decimals": [str(context.divide(decimal.Decimal(each), 7)) for each in ints],
        "money": [
            str(decimal.Decimal(repr(each)).quantize(decimal.Decimal("0.01")))
            for each in floats
            if abs(each) < 1e15
        ],
        "fractions": [str(fractions.Fraction(each).limit_denominator(1000)) for each in floats],
        "powers": [str(each**5 % 1_000_003) for each in ints],
        "bits": [each.bit_length() for each in ints],
        "halves": [[str(each // 7), str(each % 7)] for each in ints],
        "median": statistics.median(floats) if floats else None,
        "doubles": struct.pack(f"<{len(floats)}d", *floats),
        "least": [repr(each) for each in heapq.nsmallest(3, numbers)],
        "places": [bisect.bisect(sorted(floats), each) for each in floats],
        "formats": [f"{each:+012,d}" for each in ints],
    }


def of_days(seconds):
    day = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    east = day.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))
    return [
        day.isoformat(),
        east.strftime("%Y-%m-%d %H:%M:%S %z %A %B %j %U"),
        list(day.isocalendar()),
        datetime.datetime.fromisoformat(east.isoformat()) == day,
        str(east - day),
    ]


async def run(ctx, activation):
    ext, event = activation.ext_data, activation.event
    given = (
        ext
        if event is None
        else {"props": dict(event.props), "page": event.page_id, "click": event.click_id}
    )
    found = list(leaves(given))
    texts = [value for _, value in found if isinstance(value, str)]
    numbers = [
        value
        for _, value in found
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    dice = random.Random(len(found))
    text = json.dumps([value for _, value in found if not isinstance(value, bytes)], sort_keys=True)
    return {
        "order": [path for path, _ in found],
        "types": [type(value).__name__ for _, value in found],
        "texts": [of_text(each) for each in texts],
        "numbers": of_numbers(numbers),
        "bytes": [
            of_bytes(bytes(value)) for _, value in found if isinstance(value, (bytes, memoryview))
        ],
        "days": [of_days(abs(each) % 4e9) for each in numbers],
        "json": text,
        "again": repr(json.loads(text)),
        "pretty": json.dumps(texts, indent=2, ensure_ascii=True),
        "groups": group(texts),
        "dice": [
            dice.random().hex(),
            dice.randrange(10**12),
            dice.sample(range(100), 5),
            dice.choice("abc"),
        ],
        "trigger": activation.trigger.value,
        "primes": primes(50 + len(found)),
    }


def group(texts):
    keyed = {}
    for each in texts:
        keyed.setdefault(each[:1], []).append(each)
    return {key or "none": value for key, value in keyed.items()} | {"last": len(keyed)}


@functools.lru_cache
def primes(below):
    found = []
    for number in range(2, below):
        small = itertools.takewhile(lambda prime, n=number: prime * prime <= n, found)
        if all(number % prime for prime in small):
            found.append(number)
    return found
