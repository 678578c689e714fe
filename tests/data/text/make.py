"""Makes the golden values of tests/text/tokenizer_test.cpp with Hugging Face's `tokenizers`: make.py FOLDER.

Tokenizers in the manner of Llama 3, Qwen 2.5, Llama 2, Mistral and GPT-2, each trained on a few lines; for each the ids
and the decoded text of every line that is there to be difficult.
"""
import json
import sys
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN = LLAMA3.replace("{1,3}", "")

TEXTS = [
    "", " ", "a", "The cat's hat; we'll SEE, they'Re it'ſ here.", "Once upon a time there was a little girl. " * 3,
    "tabs\t\tand  spaces   \n\n  lines\r\n\r\n end \n", "non\u00a0breaking\u2003em\u180emongolian\u0085next\u3000wide",
    "1 12 123 1234 12345678 3.14 ½ ① Ⅷ ١٢٣", "Ça va? naïve Ünïcödé e\u0301o\u0308\u0323 Å ﬁn", "Привет, мир! مرحبا हिन्दी",
    "日本語のテキスト。中文字符，你好！ 한국어 \u1112\u1161\u11ab", "👩\u200d👩\u200d👧 👍🏽 ❤\ufe0f 😀", "\x00\x01\x7f__x1 #include <a&&b> // {}[]",
    "<|begin|>hi<|end|> <s>x</s>  <mask>  y<mask>z <word> a<word>b <word>.", "▁▁ under ▁bar <unk> <0x41>", "aaaaaaa" * 40 + " " * 70 + "b",
]


def trained(model, pre_tokenizer, size, special=(), alphabet=(), limit=None):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizer
    options = {"limit_alphabet": limit} if limit else {}
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), initial_alphabet=list(alphabet), show_progress=False, **options
    )
    tokenizer.train_from_iterator(TEXTS * 2, trainer)
    return tokenizer


def byte_level(split, size, **model):
    last = pre_tokenizers.ByteLevel(add_prefix_space=split is None, use_regex=split is None)
    pre = last if split is None else pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), "isolated"), last])
    tokenizer = trained(models.BPE(**model), pre, size, alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def sentence_piece(pre_tokenizer, normalizer, decoder):
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    model = models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = trained(model, pre_tokenizers.Metaspace(prepend_scheme="never"), 340, special=special, limit=40)
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoder
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True, rstrip=True, normalized=True)])
    return tokenizer


def llama3():
    tokenizer = byte_level(LLAMA3, 320, ignore_merges=True)
    tokenizer.add_special_tokens(["<|begin|>", "<|end|>"])
    template = processors.TemplateProcessing(
        single="<|begin|> $A", special_tokens=[("<|begin|>", tokenizer.token_to_id("<|begin|>"))]
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return tokenizer


def qwen():
    tokenizer = byte_level(QWEN, 300)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("<word>", single_word=True, rstrip=True, normalized=True)])
    return tokenizer


def llama2():
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return sentence_piece(pre_tokenizers.Sequence([]), normalizer, spm_decoder())


def spm_decoder():
    strip = decoders.Strip(" ", 1, 0)
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), strip])


def mistral():
    return sentence_piece(pre_tokenizers.Metaspace(prepend_scheme="first", split=False), None, spm_decoder())


def metaspace():
    return sentence_piece(pre_tokenizers.Metaspace(), normalizers.NFKC(), decoders.Metaspace())


def as_file(name, tokenizer):
    """The tokenizer as real files write it: byte tokens are no added ones; Qwen's merges are in the older spelling."""
    json_form = json.loads(tokenizer.to_str())
    json_form["added_tokens"] = [token for token in json_form["added_tokens"] if not token["content"].startswith("<0x")]
    if name == "qwen":
        json_form["model"]["merges"] = [" ".join(merge) for merge in json_form["model"]["merges"]]
    if name == "llama2":
        json_form["pre_tokenizer"] = None
    return json.dumps(json_form, ensure_ascii=False, separators=(",", ":"))


def main():
    folder = Path(sys.argv[1])
    golden = {"tokenizers": tokenizers.__version__, "texts": TEXTS, "cases": {}}
    makers = {"llama3": llama3, "qwen": qwen, "llama2": llama2, "mistral": mistral, "metaspace": metaspace}
    makers["gpt2"] = lambda: byte_level(None, 300)
    for name, make in makers.items():
        text = as_file(name, make())
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        tokenizer = Tokenizer.from_str(text)
        ids = [tokenizer.encode(text).ids for text in TEXTS]
        decoded = [tokenizer.decode(row, skip_special_tokens=False) for row in ids]
        golden["cases"][name] = {"ids": ids, "decoded": decoded}
    (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")


main()
