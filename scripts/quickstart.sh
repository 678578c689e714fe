#!/usr/bin/env bash
# The main job on the embedded model: builds the program, searches bit-widths, shows the front, writes a quantized model.
# Everything it makes is under out/; running it again continues where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

model=examples/models/tiny
search=out/search
deployed=out/model-3.0bit

scripts/setup.sh program
configure_and_build release "Building the program" --target amq -- -DAMQ_BUILD_PROGRAM=ON -DAMQ_BUILD_TESTS=OFF \
  -DAMQ_BUILD_BENCH=OFF -DAMQ_BUILD_EXAMPLES=OFF
amq=build/release/amq

resume=()
if [ -e $search/archive.sqlite ]; then
  echo "Continuing the search in $search (remove out/ to start afresh)"
  resume=(--resume)
fi

echo
echo "Searching bits for the 56 linear layers of $model: 556 configurations are measured"
$amq search $model --tokens $model/calibration.npy --seed 1 --evaluations 556 --out $search "${resume[@]}"

echo
echo "Writing the best model of at most 3.0 bits a weight"
$amq deploy $search --at-most-bits 3.0 --heldout $model/evaluation.npy --force --out $deployed

cat <<END

Made here:
  $search/front.svg   the front as a picture (front.csv and front.json hold the numbers)
  $deployed     a Hugging Face folder: AutoModelForCausalLM.from_pretrained("$deployed")
Try next:
  $amq deploy $search --at-most-bits 2.75 --out out/model-2.75bit
  $amq search YOUR_MODEL --tokens YOUR_TOKENS.npy --seed 1 --out out/mine
END
