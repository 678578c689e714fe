#!/usr/bin/env python3
"""Compares token ids and decoded texts with Hugging Face's `tokenizers`.

usage: tokenizer.py TOKENIZE [DATA]

TOKENIZE is the program of tests/interop. The tokenizers of tests/data/text are given made-up texts; where DATA (or
AMQ_TEST_DATA) names the folder of models and texts, its tokenizers are given its texts, too. Exit code 77: the package is
not installed.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

# The folder of this script must not come before the package that has its name.
HERE = Path(__file__).resolve().parent
sys.path = [path for path in sys.path if Path(path or ".").resolve() != HERE]
try:
    from tokenizers import Tokenizer
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

LONGEST = 200_000  # characters of a text
GOLDEN = HERE.parent / "data" / "text"
# Letters, signs and blanks of several scripts, all older than the Unicode tables of either side.
POOLS = ["abcXYZ", "'s't'LL", "  \t\n\r\u00a0\u3000", "0123\u0661\u00bd\u2460", "e\u0301\u00e9\u00d1o\u0308", "\u4e2d\u6587\u304b\u306a",
         "\ud55c\uad6d\u1112\u1161", "\U0001f600\U0001f44d\U0001f3fd\u200d\u2764\ufe0f", "<>|_/s", "\u0000\u0001\u007f\u0085\u180e"]
WORDS = ["<|begin|>", "<|end|>", "<s>", "</s>", "<mask>", " <mask>  ", "<word>", "<unk>", "<0x41>", "\u2581", "ing ", "the "]


def made_up_texts(count):
    """Runs of characters of one kind after another, with added tokens between."""
    draw = random.Random(1)
    texts = ["", " "]
    while len(texts) < count:
        parts = []
        for _ in range(draw.randint(1, 60)):
            kind = draw.choice(POOLS)
            parts.append("".join(draw.choice(kind) for _ in range(draw.randint(1, 9))))
            if draw.random() < 0.2:
                parts.append(draw.choice(WORDS))
        texts.append("".join(parts))
    return texts


def differences(program, file, texts):
    """Numbers of the texts for which program and package disagree."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as scratch:
        json.dump(texts, scratch)
        scratch.flush()
        lines = subprocess.run([program, file, scratch.name], check=True, capture_output=True, text=True).stdout
    tokenizer = Tokenizer.from_file(str(file))
    found = [json.loads(line) for line in lines.split("\n") if line]
    expected = []
    for text in texts:
        ids = tokenizer.encode(text).ids
        expected.append({"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=False)})
    if len(found) != len(expected):
        return list(range(len(texts)))
    return [i for i in range(len(texts)) if found[i] != expected[i]]


def main():
    program = sys.argv[1]
    data = Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("AMQ_TEST_DATA", ""))
    cases = [(file, made_up_texts(200)) for file in sorted(GOLDEN.glob("*.json")) if file.name != "golden.json"]
    if (data / "data" / "text").is_dir():
        read = [path.read_bytes().decode("utf-8")[:LONGEST] for path in sorted((data / "data" / "text").iterdir())]
        files = sorted([*data.glob("models/*/tokenizer.json"), *data.glob("data/models/*/tokenizer.json")])
        distinct = {file.read_bytes(): file for file in reversed(files)}
        cases += [(file, read) for file in sorted(distinct.values())]
    else:
        print("AMQ_TEST_DATA is not set: only the tokenizers of tests/data/text")
    wrong = 0
    for file, texts in cases:
        different = differences(program, file, texts)
        wrong += len(different)
        print(f"{file.parent.name}/{file.name}: {len(texts)} texts, {len(different)} differ {different[:5]}")
    sys.exit(1 if wrong or not cases else 0)


main()
