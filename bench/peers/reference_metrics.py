"""The figures of `amq evaluate`, computed by transformers and the hqq package; one JSON object on standard output."""

import argparse
import json

import peer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="checkpoint folder")
    peer.add_token_options(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--configuration", help="configuration file of amq")
    what.add_argument("--bits", type=int, help="the same for every layer")
    parser.add_argument("--group", type=int, default=128, help="inputs a group; -1 for whole rows (--bits only)")
    parser.add_argument("--proxy", choices=sorted(peer.PROXIES), default="hqq")
    options = parser.parse_args()

    tokens = peer.load_tokens(options.tokens, options.sequences, options.length)
    model = peer.load_model(options.model, "eager")
    if options.configuration:
        bits, group = peer.read_configuration(options.configuration, model)
    else:
        bits, group = dict.fromkeys(peer.linear_layers(model), options.bits), options.group
    reference = peer.logits(model, tokens)
    peer.quantize(model, bits, group, options.proxy)
    print(json.dumps(peer.compare(reference, peer.logits(model, tokens), tokens)))


if __name__ == "__main__":
    main()
