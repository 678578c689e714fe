"""Loads a folder that `amq deploy` wrote with transformers and checks the figures it reported. Exit code 1 if one of
them is off by more than the tolerance."""

import argparse
import json
import sys
from pathlib import Path

import peer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("deployed", help="folder written by `amq deploy`")
    parser.add_argument("--source", help="checkpoint folder it was made from; needed for all but the perplexity")
    peer.add_token_options(parser)
    parser.add_argument("--figures", help="JSON that holds them, such as the output of `amq deploy --json` "
                        "(default: quantization.json of the folder)")
    parser.add_argument("--section", help="key of the object that holds them (default: measured, where there is one), "
                        "such as measured_heldout")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="relative")
    options = parser.parse_args()

    path = options.figures or Path(options.deployed) / "quantization.json"
    figures = json.loads(Path(path).read_text())
    figures = figures[options.section] if options.section else figures.get("measured", figures)
    tokens = peer.load_tokens(options.tokens, options.sequences, options.length)
    candidate = peer.logits(peer.load_model(options.deployed, "eager"), tokens)
    if options.source:
        measured = peer.compare(peer.logits(peer.load_model(options.source, "eager"), tokens), candidate, tokens)
    else:
        measured = {"perplexity": peer.perplexity(candidate, tokens)}

    checked = [key for key in ("jsd", "kl", "perplexity", "reference_perplexity") if key in figures and key in measured]
    if "perplexity" not in checked:
        raise SystemExit(f"{path}: holds no perplexity to check")
    off = {key: abs(measured[key] / figures[key] - 1) for key in checked}
    for key in checked:
        print(f"{key}: reported {figures[key]:.9g}, transformers {measured[key]:.9g}, off by {off[key]:.1e}")
    sys.exit(1 if max(off.values()) > options.tolerance else 0)


if __name__ == "__main__":
    main()
