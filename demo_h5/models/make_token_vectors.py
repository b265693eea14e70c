"""Write what the `tokenizers` library says about hostile and ordinary texts.

``pip install tokenizers==0.23.3`` into an environment of its own, then
``python -m demo_h5.models.make_token_vectors``. The project itself does not need the library: the
vectors are committed and the tests read them.
"""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer  # type: ignore[import-not-found]

from demo_h5.models.packages import MODELS_DIR, pinned, read_member, say
from demo_h5.models.sentence_model import TOKENIZER_FILE, TOKENIZER_PACKAGE

VECTORS_FILE = MODELS_DIR.parent.parent / "tests" / "vectors" / "wordpiece.json"
SEED = 5
RANDOM_TEXTS = 260

# All older than the library's Unicode tables.
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz     ",
    "ABCXYZ 0123456789 .,;:!?-_/'\"()[]{}<>@#$%^&*~`|\\+=",
    "àéîõüçñßøåæœÀÉÎÕÜÇÑŠŽİıǅŉŒſ ",
    "牛奶咖啡面包香蕉㐀豈𠀀𫝀、。《》「」，！ ab",
    "ひらがなカタカナ한국어ㄱ ｶﾞ ＡＢＣ１２３ ",
    "ΣΑΣ ςσ ΆΈ ЙЁй ё עִבְרִית العربيةُ हिन्दी ไทย ",
    "\u0000\u0001\t\n\r\u000b\u000c\u001f\u007f\u0085\u00a0\u00ad\u1680\u2003\u2028\u2029\u3000ab ",
    "\u200b\u200d\u202e\u2066\ufeff\ufffd\ue000\uffff\U000e0041\U0010fffdxy ",
    "e\u0301\u0300\u0302\u0323\u20dd\u0488\u093f a\u030a i\u0307 ",
    "😀👩\u200d💻🇨🇳👍🏽❤\ufe0f☕€£¥™®½²℃№ ",
    "ﬁﬀĳ℀㎏㍿ﷺ ǆ ẞ K Å ",
)
WRITTEN = (
    "", " ", "\t\n", "hello world", "Hello, World!", "don't stop", "e-mail me@example.com",
    "unaffable", "supercalifragilisticexpialidocious", "antidisestablishmentarianism",
    "a" * 100, "a" * 101, "z" * 99 + " b", "é" * 101, "中" * 200, "word " * 200, "!" * 300,
    "naïve café Ångström", "ÀÉÎ", "İstanbul", "ΣΊΣΥΦΟΣ", "STRASSE straße", "Ⅷ ⅷ ①", "x²+y³=z½",
    "[CLS] [SEP] [PAD] [UNK] [MASK]", "[cls]", "##ing", "# # ing", "[SEP", "drop table; --",
    "Chocolate-Covered Cookies, Cookies", "鲜牛奶 fresh milk", "什么都没有", "コーヒー", "커피",
    "where is my order?", "$3.99 / lb", "100% whole-wheat", "ice\u00a0cream", "ice\u200bcream",
    "\ufeffmilk", "milk\u0000", "mi\u00adlk", "\u202emilk", "cafe\u0301", "a\u0300\u0301\u0302b",
    "👩\u200d👩\u200d👧", "☕ coffee ☕", "١٢٣", "ٱلْقَهْوَة", "กาแฟ", "कॉफ़ी", "кофе", "КОФЕ Ёлка",
    "ﬁsh ﬀ", "ＦＵＬＬ　ｗｉｄｔｈ", "①②③", "foo_bar.baz", "C++ & C#", "a\tb\nc\rd", "\ud7ff\ue000",
)  # fmt: skip


def texts() -> list[str]:
    """Return the written texts and seeded random ones, ordinary and hostile."""
    random_source = random.Random(SEED)
    drawn = []
    for number in range(RANDOM_TEXTS):
        alphabet = ALPHABETS[number % len(ALPHABETS)]
        if number % 4 == 3:
            alphabet += random_source.choice(ALPHABETS)
        length = random_source.choice((3, 8, 20, 60))
        drawn.append("".join(random_source.choices(alphabet, k=length)))
    return [*WRITTEN, *drawn]


def main() -> None:
    """Encode every text with the library and write the vectors, one a line."""
    source = read_member(pinned(TOKENIZER_PACKAGE), TOKENIZER_FILE).decode()
    library = Tokenizer.from_str(source)
    library.no_padding()
    library.encode_special_tokens = True
    rows = [{"text": text, "ids": library.encode(text).ids} for text in texts()]
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    VECTORS_FILE.write_text(f"[\n  {lines}\n]\n", encoding="utf-8")
    say(f"wrote {len(rows)} vectors to {Path(VECTORS_FILE).name}")


if __name__ == "__main__":
    main()
