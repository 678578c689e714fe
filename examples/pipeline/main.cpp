// AMQ's four policies assembled: search the embedded model for a front, deploy its best point within 3 bits a weight.
#include <amq/amq.hpp>
#include <cstdio>
#include <exception>
#include <string>

int main(int argc, char** argv) try {
  using space = amq::bit_space<amq::bits<2, 3, 4>, amq::group<128>>;
  using proxy = amq::hqq;
  using predictor = amq::rbf<amq::cubic, amq::linear_tail>;
  using optimizer = amq::nsga2<>;

  std::string const folder = argc > 1 ? argv[1] : "examples/models/tiny";
  auto const model = amq::llama::load(folder);
  auto const tokens = amq::load_tokens(folder + "/calibration.npy", {.sequences = 4, .sequence_length = 128});
  amq::pipeline<space, proxy, predictor, optimizer> pipeline{model, tokens, {.seed = 7}};
  auto const front = pipeline.search({.iterations = 4, .candidates = 20, .initial = 100});
  for (auto const& point : front) std::printf("%.3f bits  JSD %.5f\n", point.average_bits, point.loss);
  auto const deployed = pipeline.deploy<amq::hqq>(front.best_within(3.0), argc > 2 ? argv[2] : "out/pipeline");
  std::printf("deployed at %.3f bits: perplexity %.3f, unquantized %.3f\n", deployed.average_bits,
              deployed.calibration.perplexity.value, deployed.calibration.reference_perplexity.value);
} catch (std::exception const& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
