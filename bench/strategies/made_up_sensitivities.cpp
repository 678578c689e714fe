// Prints made-up layer sensitivities of the shape that measured ones have (examples/landscapes/made_up.csv): 32 blocks
// of a model of 7 billion weights, most layers nearly flat, early and late blocks above the rest, two outliers.
#include <array>
#include <cmath>
#include <cstdio>

#include "amq/core/random.hpp"

namespace {

struct projection {
  char const* name;
  int rows;
  int cols;
  double weight;  // how much a layer of this kind matters
};

constexpr int blocks = 32;
constexpr double floor_loss = 0.0102;  // about what all layers at 4 bits cost
constexpr std::array<projection, 7> projections{{{"self_attn.q_proj", 4096, 4096, 0.35},
                                                 {"self_attn.k_proj", 4096, 4096, 0.35},
                                                 {"self_attn.v_proj", 4096, 4096, 1.6},
                                                 {"self_attn.o_proj", 4096, 4096, 0.8},
                                                 {"mlp.gate_proj", 11008, 4096, 1.0},
                                                 {"mlp.up_proj", 11008, 4096, 1.1},
                                                 {"mlp.down_proj", 4096, 11008, 1.5}}};

/// Early blocks matter most, the last ones more than the middle.
double depth_weight(int block) {
  double const place = block / double{blocks - 1};
  return 0.8 + 1.4 * std::exp(-8 * place) + 0.5 * std::exp(-10 * (1 - place));
}

double outlier(int block, int kind) { return block == 1 && kind == 6 ? 0.42 : block == 1 && kind == 2 ? 0.05 : 0; }

}  // namespace

int main() {
  amq::random_stream random(2024);
  std::printf("layer,rows,cols,jsd_alone_at_2_bits\n");
  for (int block = 0; block < blocks; ++block)
    for (int kind = 0; kind < 7; ++kind) {
      auto const& p = projections[static_cast<std::size_t>(kind)];
      double const excess = 0.0018 * p.weight * depth_weight(block) * std::exp(0.35 * random.normal());
      std::printf("model.layers.%d.%s,%d,%d,%.6f\n", block, p.name, p.rows, p.cols,
                  floor_loss + excess + outlier(block, kind));
    }
}
