"""What the scripts beside it share: tokens, models, the peers' quantizers, and the losses as AMQ defines them."""

import json
import re
from pathlib import Path

import numpy
import torch
from transformers import AutoModelForCausalLM

KINDS = (
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
)


def load_tokens(path, sequences, length):
    """(sequences, length) token ids: of N flat tokens sequence i starts at floor(i N / n), of R rows it is row
    floor(i R / n)."""
    path = Path(path)
    if path.suffix == ".npy":
        tokens = numpy.load(path)
    else:
        tokens = numpy.fromfile(path, {".u16": "<u2", ".u32": "<u4"}[path.suffix])
    if tokens.ndim == 1:
        starts = [i * len(tokens) // sequences for i in range(sequences)]
        rows = [tokens[start:start + length] for start in starts]
    else:
        rows = [tokens[i * len(tokens) // sequences][:length] for i in range(sequences)]
    if len(tokens) < sequences or any(len(row) < length for row in rows):
        raise SystemExit(f"{path}: fewer tokens than {sequences} sequences of {length} need")
    return torch.from_numpy(numpy.stack(rows).astype(numpy.int64))


def load_model(folder, attention="sdpa"):
    """A checkpoint folder as transformers reads it, in float32 on the CPU."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    return model.eval().requires_grad_(False)


def linear_layers(model):
    """The layers that may be quantized, by name, in checkpoint order."""
    found = {}
    for name, module in model.named_modules():
        match = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", name)
        if match and match[2] in KINDS:
            found[name] = (int(match[1]), KINDS.index(match[2]), module)
    return {name: found[name][2] for name in sorted(found, key=lambda name: found[name][:2])}


def hqq(weight, bits, group):
    """The hqq package with AMQ's settings, scale and zero as float16 holds them."""
    from hqq.core.quantize import Quantizer

    codes, meta = Quantizer.quantize(
        weight, nbits=bits, group_size=group, axis=1, round_zero=bits == 4, optimize=True, bitpack=False,
        compute_dtype=torch.float32, device="cpu")
    scale, zero = (meta[key].half().float() for key in ("scale", "zero"))
    return ((codes.float().reshape(-1, group) - zero) * scale).reshape(weight.shape)


def rtn(weight, bits, group):
    """GPTQ's asymmetric min-max quantizer, scale and zero as float16 holds them."""
    groups = weight.reshape(-1, group)
    low = groups.amin(1, keepdim=True).clamp(max=0)
    high = groups.amax(1, keepdim=True).clamp(min=0)
    empty = (low == 0) & (high == 0)
    low, high = torch.where(empty, -1.0, low), torch.where(empty, 1.0, high)
    scale = (high - low) / (2**bits - 1)
    zero = torch.round(-low / scale)
    codes = (torch.round(groups / scale) + zero).clamp(0, 2**bits - 1)
    return ((codes - zero) * scale.half().float()).reshape(weight.shape)


PROXIES = {"hqq": hqq, "rtn": rtn}


def read_configuration(path, model):
    """Bits by layer and the group size of a configuration file of amq."""
    document = json.loads(Path(path).read_text())
    if set(document["bits"]) != set(linear_layers(model)):
        raise SystemExit(f"{path}: its layers are not those of the model")
    return document["bits"], document["group_size"]


def quantize(model, bits, group, proxy):
    """Replaces the weights of each linear layer by what `proxy` keeps of them at bits[name]."""
    for name, layer in linear_layers(model).items():
        size = layer.in_features if group == -1 else group
        if layer.in_features % size:
            raise SystemExit(f"{name} has {layer.in_features} inputs, which groups of {size} do not divide")
        layer.weight.copy_(PROXIES[proxy](layer.weight, bits[name], size))


def jsd(reference, candidate):
    """Nats a position: AMQ's Jensen-Shannon divergence, clamped at 1e-7 on the mixture only."""
    p, q = reference.softmax(-1), candidate.softmax(-1)
    log_mixture = ((p + q) / 2).clamp(min=1e-7).log()
    log_p, log_q = reference.log_softmax(-1), candidate.log_softmax(-1)
    return ((p * (log_p - log_mixture)).sum(-1) + (q * (log_q - log_mixture)).sum(-1)) / 2


@torch.inference_mode()
def logits(model, tokens):
    """One tensor (length, vocabulary) a sequence."""
    return [model(row[None], use_cache=False).logits[0].float() for row in tokens]


def perplexity(all_logits, tokens):
    """Position t predicts token t + 1; exp of the mean over sequences."""
    losses = [torch.nn.functional.cross_entropy(rows[:-1].double(), row[1:]) for rows, row in zip(all_logits, tokens)]
    return torch.stack(losses).mean().exp().item()


def compare(reference, candidate, tokens):
    """The figures of `amq evaluate`; the last position of each sequence is left out, as AMQ does."""
    divergences, kls, agreements = [], [], []
    for p, q in zip(reference, candidate):
        p, q = p[:-1], q[:-1]
        divergences.append(jsd(p, q))
        log_p, log_q = p.double().log_softmax(-1), q.double().log_softmax(-1)
        kls.append((log_p.exp() * (log_p - log_q)).sum(-1))
        agreements.append((p.argmax(-1) == q.argmax(-1)).double())
    return {
        "jsd": torch.stack([row.mean() for row in divergences]).mean().item(),
        "kl": torch.stack([row.mean() for row in kls]).mean().item(),
        "kl_p99": numpy.quantile(torch.cat(kls).numpy(), 0.99).item(),
        "top1": torch.cat(agreements).mean().item(),
        "perplexity": perplexity(candidate, tokens),
        "reference_perplexity": perplexity(reference, tokens),
    }


def add_token_options(parser):
    parser.add_argument("--tokens", required=True, help=".npy, .u16 or .u32")
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--length", type=int, default=256)
